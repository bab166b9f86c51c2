// Small sound files of every format, where fuzzing starts.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "gaussian/files/codecs.h"
#include "support/plain_gaussians.h"

namespace renderfm::fuzz {

using Bytes = std::vector<std::uint8_t>;

inline Bytes read_bytes(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

inline void append_text(Bytes& bytes, const std::string& text) {
  bytes.insert(bytes.end(), text.begin(), text.end());
}

/// A PLY of `count` vertices with these float columns, all 0.25.
inline Bytes ply_with(const std::vector<std::string>& names, int count) {
  Bytes bytes;
  append_text(bytes, "ply\nformat binary_little_endian 1.0\nelement vertex " + std::to_string(count) + "\n");
  for (const std::string& name : names) append_text(bytes, "property float " + name + "\n");
  append_text(bytes, "end_header\n");
  for (std::size_t n = 0; n < names.size() * static_cast<std::size_t>(count); ++n) {
    bytes.insert(bytes.end(), {0, 0, 0x80, 0x3e});
  }
  return bytes;
}

inline std::vector<std::string> numbered(std::vector<std::string> names,
                                         const std::vector<std::pair<std::string, int>>& more) {
  for (const auto& [stem, count] : more) {
    for (int n = 0; n < count; ++n) names.push_back(stem + "_" + std::to_string(n));
  }
  return names;
}

inline std::vector<Bytes> seeds(GaussianFormat format, const std::filesystem::path& folder) {
  const test::PlainGaussians<float> set = test::tilted_gaussians(3, 3);
  GaussianNotes notes;
  notes.label_names = {{5, "liver"}};
  notes.view_sphere = ViewSphere{{1, 2, 3}, 40};
  notes.transfer_function = "bone";
  const std::vector<std::uint8_t> label{5, 0, 52};
  const GaussianColumns columns{
      set.position_mm.data(), set.sh.data(), set.opacity.data(), set.direction_mean.data(),
      set.chol.data(),        label.data(),  set.count(),        &notes};
  const std::filesystem::path path = folder / "seed";
  std::vector<Bytes> out;
  const auto keep = [&] { out.push_back(read_bytes(path)); };
  switch (format) {
    case GaussianFormat::kPly:
      encode_ply(columns, path, PlyFlavor::kRenderfm), keep();
      encode_ply(columns, path, PlyFlavor::kInria), keep();
      out.push_back(ply_with(numbered({"x", "y", "z", "opacity", "lambda_opc"},
                                      {{"mean_view", 3}, {"f_dc", 3}, {"scale", 6}, {"l_triangle", 15}}),
                             2));
      out.push_back(
          ply_with(numbered({"x", "y", "z", "nx", "ny", "nz", "opacity", "lambda_view", "label"},
                            {{"f_dc", 3}, {"scale", 3}, {"rot", 4}, {"L_22_inv", 6}, {"v_12_direction", 9}}),
                   2));
      break;
    case GaussianFormat::kGlb:
      encode_glb(columns, path, 1), keep();
      encode_glb(columns, path, 0), keep();
      break;
    case GaussianFormat::kSpz: {
      encode_spz(columns, path, 1), keep();
      // Version 2 and 3 unpacked, as importer_fuzz.cpp packs them; version 4 with a table that points
      // nowhere.
      for (const std::uint8_t version : {2, 3, 4}) {
        Bytes raw{'N', 'G', 'S', 'P', version, 0, 0, 0, 2, 0, 0, 0, 1, 12, 1, 0};
        if (version == 4) {
          raw[15] = 6;
          raw.insert(raw.end(), {32, 0, 0, 0});
          raw.resize(32 + 6 * 16);
          for (std::size_t s = 0; s < 6; ++s) raw[32 + 16 * s] = raw[40 + 16 * s] = 18;
        }
        raw.resize(raw.size() + 2 * (version == 2 ? 28 : 29), 0x55);
        out.push_back(raw);
      }
      break;
    }
    default: encode_splat(columns, path), keep(); break;
  }
  return out;
}

}  // namespace renderfm::fuzz
