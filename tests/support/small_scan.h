// A small phantom as a NIfTI file whose header can be spoilt on purpose.
#pragma once

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "renderfm/volume/image_io.h"
#include "renderfm/volume/phantom.h"

namespace renderfm::test {

/// The same patient for all tests of a process.
inline const Phantom& small_phantom() {
  static const Phantom phantom = [] {
    PhantomOptions options;
    options.spacing_mm = 6;
    return make_phantom(options);
  }();
  return phantom;
}

/// An uncompressed NIfTI-1 image, built by hand: header fields at their documented offsets.
class NiftiBytes {
 public:
  /// 16-bit voxels, x fastest.
  NiftiBytes(const std::vector<std::int16_t>& shape_xyz, const std::vector<std::int16_t>& voxels)
      : bytes_(352 + voxels.size() * sizeof(std::int16_t), '\0') {
    put<std::int32_t>(0, 348);
    put<std::int16_t>(40, static_cast<std::int16_t>(shape_xyz.size()));
    for (std::size_t axis = 0; axis < 7; ++axis) {
      put<std::int16_t>(42 + 2 * axis, axis < shape_xyz.size() ? shape_xyz[axis] : std::int16_t{1});
    }
    set_type(4, 16);
    put<float>(76, 1);
    for (std::size_t axis = 0; axis < 3; ++axis) put<float>(80 + 4 * axis, 4);
    put<float>(108, 352);
    put<float>(112, 1);
    put<char>(123, 2);          // mm
    put<std::int16_t>(252, 1);  // qform: identity
    std::memcpy(bytes_.data() + 344, "n+1", 4);
    std::memcpy(bytes_.data() + 352, voxels.data(), voxels.size() * sizeof(std::int16_t));
  }

  template <class T>
  void put(std::size_t offset, T value) {
    std::memcpy(bytes_.data() + offset, &value, sizeof(value));
  }
  void set_type(std::int16_t code, std::int16_t bits) {
    put<std::int16_t>(70, code);
    put<std::int16_t>(72, bits);
  }
  void resize(std::size_t size) { bytes_.resize(size); }
  std::string& bytes() { return bytes_; }

  void save(const std::filesystem::path& path) const {
    std::ofstream(path, std::ios::binary).write(bytes_.data(), static_cast<std::streamsize>(bytes_.size()));
  }

 private:
  std::string bytes_;
};

/// A cube of soft tissue and bone in air.
inline NiftiBytes cube_scan(std::int16_t side = 24) {
  std::vector<std::int16_t> voxels;
  for (int k = 0; k < side; ++k) {
    for (int j = 0; j < side; ++j) {
      for (int i = 0; i < side; ++i) {
        const int from_edge = std::min({i, j, k, side - 1 - i, side - 1 - j, side - 1 - k});
        voxels.push_back(from_edge < 4 ? std::int16_t{-1000}
                                       : (from_edge < 8 ? std::int16_t{40} : std::int16_t{900}));
      }
    }
  }
  return NiftiBytes({side, side, side}, voxels);
}

}  // namespace renderfm::test
