// NIfTI-1 out: sform and qform set, gzip in parallel, whole or not at all.
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "nifti_extension.h"
#include "renderfm/core/atomic_file.h"
#include "renderfm/core/check.h"
#include "renderfm/core/parallel.h"
#include "renderfm/volume/image_io.h"

namespace renderfm {
namespace {

constexpr std::size_t kHeaderSize = 348;
constexpr std::size_t kGzipPiece = std::size_t{1} << 20;
constexpr int kGzipLevel = 4;  // CT noise hardly shrinks further, at half the speed

template <class T>
void put(std::vector<std::uint8_t>& header, std::size_t offset, T value) {
  std::memcpy(&header[offset], &value, sizeof(T));
}

// Quaternion (b, c, d) and handedness of a rotation or rotoinversion in RAS, as nifti1_io's documentation
// defines them.
struct Quaternion {
  double b, c, d, handedness;
};

Quaternion quaternion_of(Mat3d r) {
  Quaternion q{0, 0, 0, 1};
  if (determinant(r) < 0) {
    q.handedness = -1;
    for (int i = 0; i < 3; ++i) r[i][2] = -r[i][2];
  }
  // The largest of the four components is found from the diagonal, so the division is safe.
  const double trace = r[0][0] + r[1][1] + r[2][2];
  double a = 0;
  if (trace > 0) {
    a = 0.5 * std::sqrt(1 + trace);
    q.b = (r[2][1] - r[1][2]) / (4 * a);
    q.c = (r[0][2] - r[2][0]) / (4 * a);
    q.d = (r[1][0] - r[0][1]) / (4 * a);
  } else if (r[0][0] >= r[1][1] && r[0][0] >= r[2][2]) {
    q.b = 0.5 * std::sqrt(std::max(0.0, 1 + r[0][0] - r[1][1] - r[2][2]));
    a = (r[2][1] - r[1][2]) / (4 * q.b);
    q.c = (r[0][1] + r[1][0]) / (4 * q.b);
    q.d = (r[0][2] + r[2][0]) / (4 * q.b);
  } else if (r[1][1] >= r[2][2]) {
    q.c = 0.5 * std::sqrt(std::max(0.0, 1 - r[0][0] + r[1][1] - r[2][2]));
    a = (r[0][2] - r[2][0]) / (4 * q.c);
    q.b = (r[0][1] + r[1][0]) / (4 * q.c);
    q.d = (r[1][2] + r[2][1]) / (4 * q.c);
  } else {
    q.d = 0.5 * std::sqrt(std::max(0.0, 1 - r[0][0] - r[1][1] + r[2][2]));
    a = (r[1][0] - r[0][1]) / (4 * q.d);
    q.b = (r[0][2] + r[2][0]) / (4 * q.d);
    q.c = (r[1][2] + r[2][1]) / (4 * q.d);
  }
  if (a < 0) {  // the format stores no a, and means a positive one
    q.b = -q.b;
    q.c = -q.c;
    q.d = -q.d;
  }
  return q;
}

// Header, extension and padding: everything before the voxels.
std::vector<std::uint8_t> header_bytes(const Geometry& geometry, std::int16_t data_type, std::int16_t bits,
                                       const std::string& extension_xml) {
  // An extension is its own size (a multiple of 16), a code and its content.
  const std::size_t extension_size = extension_xml.empty() ? 0 : (8 + extension_xml.size() + 15) / 16 * 16;
  std::vector<std::uint8_t> header(kHeaderSize + 4 + extension_size, 0);
  put<std::int32_t>(header, 0, kHeaderSize);
  put<std::int16_t>(header, 40, 3);
  const Vec3d spacing = geometry.spacing_xyz_mm();
  for (std::size_t axis = 0; axis < 7; ++axis) {
    const std::int64_t count = axis < 3 ? geometry.shape_zyx[2 - axis] : 1;
    put(header, 42 + 2 * axis, static_cast<std::int16_t>(count));
    put(header, 80 + 4 * axis, static_cast<float>(axis < 3 ? spacing[static_cast<int>(axis)] : 1));
  }
  put(header, 70, data_type);
  put(header, 72, bits);
  put(header, 108, static_cast<float>(header.size()));
  put(header, 112, 1.0f);
  header[123] = 2;  // mm
  put<std::int16_t>(header, 252, 1);
  put<std::int16_t>(header, 254, 1);

  Mat3d ras = geometry.direction;
  for (int row = 0; row < 2; ++row) {
    for (int column = 0; column < 3; ++column) ras[row][column] = -ras[row][column];
  }
  const Quaternion q = quaternion_of(ras);
  put(header, 76, static_cast<float>(q.handedness));
  const std::array<double, 3> quaternion{q.b, q.c, q.d};
  for (std::size_t i = 0; i < 3; ++i) {
    const int row = static_cast<int>(i);
    const auto offset = static_cast<float>(i < 2 ? -geometry.origin_mm[row] : geometry.origin_mm[row]);
    put(header, 256 + 4 * i, static_cast<float>(quaternion[i]));
    put(header, 268 + 4 * i, offset);
    for (std::size_t j = 0; j < 3; ++j) {
      const int column = static_cast<int>(j);
      put(header, 280 + 16 * i + 4 * j, static_cast<float>(ras[row][column] * spacing[column]));
    }
    put(header, 280 + 16 * i + 12, offset);
  }
  std::memcpy(&header[344], "n+1", 4);
  if (extension_size > 0) {
    header[348] = 1;
    put(header, 352, static_cast<std::int32_t>(extension_size));
    put<std::int32_t>(header, 356, 0);  // TotalSegmentator's code
    std::memcpy(&header[360], extension_xml.data(), extension_xml.size());
  }
  return header;
}

// One piece of a gzip stream: raw deflate that ends on a byte boundary, so that pieces can be joined.
std::vector<std::uint8_t> deflate_piece(std::string_view input, bool last) {
  z_stream stream{};
  RFM_CHECK(deflateInit2(&stream, kGzipLevel, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK,
            "zlib could not start");
  std::vector<std::uint8_t> output(deflateBound(&stream, static_cast<uLong>(input.size())) + 16);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = output.data();
  stream.avail_out = static_cast<uInt>(output.size());
  const int code = deflate(&stream, last ? Z_FINISH : Z_SYNC_FLUSH);
  output.resize(stream.total_out);
  deflateEnd(&stream);
  RFM_CHECK(code == (last ? Z_STREAM_END : Z_OK), "zlib failed with code {}", code);
  return output;
}

// Fixed pieces, so the file does not depend on the number of threads.
void write_gzip(AtomicFile& file, std::string_view input) {
  const std::size_t pieces = std::max<std::size_t>(1, (input.size() + kGzipPiece - 1) / kGzipPiece);
  std::vector<std::vector<std::uint8_t>> deflated(pieces);
  std::vector<uLong> checksums(pieces);
  parallel_for(0, static_cast<std::int64_t>(pieces), 1, [&](std::int64_t first, std::int64_t last) {
    for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i) {
      const std::string_view piece = input.substr(i * kGzipPiece, kGzipPiece);
      checksums[i] = crc32(0, reinterpret_cast<const Bytef*>(piece.data()), static_cast<uInt>(piece.size()));
      deflated[i] = deflate_piece(piece, i + 1 == pieces);
    }
  });
  constexpr std::array<std::uint8_t, 10> kGzipHeader{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
  file.write(kGzipHeader.data(), kGzipHeader.size());
  uLong checksum = 0;
  for (std::size_t i = 0; i < pieces; ++i) {
    const std::size_t size = std::min(kGzipPiece, input.size() - i * kGzipPiece);
    checksum = i == 0 ? checksums[0] : crc32_combine(checksum, checksums[i], static_cast<z_off_t>(size));
    file.write(deflated[i].data(), deflated[i].size());
  }
  std::array<std::uint8_t, 8> trailer;
  const auto crc = static_cast<std::uint32_t>(checksum), size = static_cast<std::uint32_t>(input.size());
  std::memcpy(&trailer[0], &crc, 4);
  std::memcpy(&trailer[4], &size, 4);
  file.write(trailer.data(), trailer.size());
}

template <class T>
void write_volume(const Volume<T>& volume, const std::filesystem::path& path, std::int16_t data_type,
                  const std::string& extension_xml) {
  const std::string name = path.filename().string();
  const bool compressed = name.ends_with(".nii.gz");
  if (!compressed && !name.ends_with(".nii")) {
    fail_input("{}: a NIfTI file's name ends in .nii or .nii.gz", path.string());
  }
  const Geometry& geometry = volume.geometry;
  RFM_CHECK(static_cast<std::int64_t>(volume.voxels.size()) == geometry.voxel_count(),
            "{}: {} voxels for a grid of {}", path.string(), volume.voxels.size(), geometry.voxel_count());
  for (const std::int64_t count : geometry.shape_zyx) {
    if (count > std::numeric_limits<std::int16_t>::max()) {
      fail_input("{}: NIfTI-1 holds at most 32767 voxels along an axis, not {}; use a coarser spacing",
                 path.string(), count);
    }
  }
  const std::vector<std::uint8_t> header = header_bytes(geometry, data_type, 8 * sizeof(T), extension_xml);
  const std::size_t voxel_bytes = volume.voxels.size() * sizeof(T);
  AtomicFile file(path);
  if (compressed) {
    std::string whole(header.size() + voxel_bytes, '\0');
    std::memcpy(whole.data(), header.data(), header.size());
    std::memcpy(whole.data() + header.size(), volume.voxels.data(), voxel_bytes);
    write_gzip(file, whole);
  } else {
    file.write(header.data(), header.size());
    file.write(volume.voxels.data(), voxel_bytes);
  }
  file.commit();
}

}  // namespace

void write_nifti(const CtVolume& volume, const std::filesystem::path& path) {
  write_volume(volume, path, 4, "");
}

void write_nifti(const LabelVolume& volume, const std::filesystem::path& path) {
  write_volume(volume, path, 2, volume.names.empty() ? "" : caret_label_xml(volume.names));
}

}  // namespace renderfm
