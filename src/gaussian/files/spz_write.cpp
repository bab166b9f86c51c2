#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "gaussian/files/codecs.h"
#include "gaussian/files/spz_layout.h"
#include "renderfm/core/atomic_file.h"
#include "renderfm/core/check.h"
#include "renderfm/core/parallel.h"

namespace renderfm {
namespace {

using spz::Header;

constexpr int kMostFractionalBits = 20;  // a micrometre within +-8 m
constexpr double kGreatestFixed = (1 << 23) - 1;

std::uint8_t to_byte(double value) {
  return static_cast<std::uint8_t>(std::clamp(std::round(value), 0.0, 255.0));
}

/// As many bits behind the point as the farthest coordinate leaves.
int fractional_bits(const GaussianColumns& columns, const std::filesystem::path& path) {
  double farthest = 0;
  for (std::int64_t n = 0; n < 3 * columns.count; ++n) {
    farthest = std::max(farthest, std::abs(static_cast<double>(columns.position_mm[n])) / kYUpMetres.unit_mm);
  }
  int bits = kMostFractionalBits;
  while (bits > 0 && farthest * std::exp2(bits) > kGreatestFixed) --bits;
  RFM_CHECK(farthest * std::exp2(bits) <= kGreatestFixed, "a Gaussian lies {} m away, too far for {}",
            farthest, path.string());
  return bits;
}

void put_rotation(const Quaternion& wxyz, std::uint8_t* out) {
  const std::array<double, 4> q{wxyz[1], wxyz[2], wxyz[3], wxyz[0]};
  std::size_t largest = 0;
  for (std::size_t part = 1; part < 4; ++part) {
    if (std::abs(q[part]) > std::abs(q[largest])) largest = part;
  }
  auto packed = static_cast<std::uint32_t>(largest);
  for (std::size_t part = 0; part < 4; ++part) {
    if (part == largest) continue;
    const bool negative = (q[part] < 0) != (q[largest] < 0);
    const auto magnitude =
        static_cast<std::uint32_t>(std::min(511.0, std::round(511 * std::abs(q[part]) * std::sqrt(2.0))));
    packed = (packed << 10) | (negative ? 512U : 0U) | magnitude;
  }
  std::memcpy(out, &packed, sizeof(packed));
}

/// The Gaussian's bytes at row n of each stream; false where a value is not finite.
bool put(Gaussian6d g, const Header& header, std::int64_t n,
         const std::array<std::uint8_t*, spz::kStreams>& to) {
  if (!into_frame(g, kYUpMetres)) return false;
  const PrincipalAxes axes = extent_of(g);
  const double unit = std::exp2(header.fractional_bits);
  bool finite = std::isfinite(g.opacity) && std::isfinite(g.position.x + g.position.y + g.position.z);
  for (int axis = 0; axis < 3; ++axis) {
    const auto at = static_cast<std::size_t>(axis);
    const auto fixed = static_cast<std::int32_t>(
        finite ? std::clamp(std::round(g.position[axis] * unit), -kGreatestFixed, kGreatestFixed) : 0);
    for (int byte = 0; byte < 3; ++byte) {
      to[spz::kPositions][9 * n + 3 * axis + byte] = static_cast<std::uint8_t>((fixed >> (8 * byte)) & 255);
    }
    const double log_scale = 0.5 * std::log(axes.values[axis]);
    finite = finite && std::isfinite(log_scale) && std::isfinite(g.sh[at]);
    if (!finite) return false;
    to[spz::kScales][3 * n + axis] = to_byte((log_scale + 10) * 16);
    to[spz::kColours][3 * n + axis] = to_byte(255 * (spz::kDcScale * g.sh[at] + 0.5));
  }
  to[spz::kOpacities][n] = to_byte(255 * g.opacity);
  put_rotation(quaternion_from_rotation(axes.rotation), to[spz::kRotations] + 4 * n);
  const int coefficients = 3 * spz::sh_coefficients(header.sh_degree);
  for (int k = 0; k < coefficients; ++k) {
    const double value = g.sh[static_cast<std::size_t>(3 + k)];
    if (!std::isfinite(value)) return false;
    to[spz::kSh][coefficients * n + k] = to_byte(128 * value + 128);
  }
  return true;
}

void write_gzip(const std::vector<std::uint8_t>& bytes, AtomicFile& file) {
  z_stream stream{};
  RFM_CHECK(
      deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY) == Z_OK,
      "zlib cannot start to compress");
  std::vector<std::uint8_t> block(1 << 18);
  constexpr std::size_t kPiece = std::size_t{1} << 30;  // zlib counts in 32 bits
  std::size_t at = 0;
  int code = Z_OK;
  while (code != Z_STREAM_END) {
    if (stream.avail_in == 0 && at < bytes.size()) {
      const std::size_t piece = std::min(kPiece, bytes.size() - at);
      stream.next_in = const_cast<Bytef*>(bytes.data() + at);
      stream.avail_in = static_cast<uInt>(piece);
      at += piece;
    }
    stream.next_out = block.data();
    stream.avail_out = static_cast<uInt>(block.size());
    code = deflate(&stream, at == bytes.size() ? Z_FINISH : Z_NO_FLUSH);
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) break;
    try {
      file.write(block.data(), block.size() - stream.avail_out);
    } catch (...) {
      deflateEnd(&stream);
      throw;
    }
  }
  deflateEnd(&stream);
  RFM_CHECK(code == Z_STREAM_END, "zlib fails to compress");
}

}  // namespace

void encode_spz(const GaussianColumns& columns, const std::filesystem::path& path, int sh_degree) {
  RFM_CHECK(columns.count <= INT32_MAX, "{} Gaussians are too many for {}", columns.count, path.string());
  Header header;
  header.count = static_cast<std::uint32_t>(columns.count);
  header.sh_degree = std::min(sh_degree, 1);
  header.fractional_bits = fractional_bits(columns, path);
  header.flags = columns.notes->low_pass_compensation ? spz::kFlagAntialiased : std::uint8_t{0};
  const auto sizes = spz::row_bytes(header);
  std::int64_t total = spz::kHeaderBytes;
  std::array<std::int64_t, spz::kStreams> offsets{};
  for (std::size_t s = 0; s < sizes.size(); ++s) {
    offsets[s] = total;
    total += sizes[s] * columns.count;
  }
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(total));
  std::memcpy(bytes.data(), &spz::kMagic, 4);
  std::memcpy(bytes.data() + 4, &header.version, 4);
  std::memcpy(bytes.data() + 8, &header.count, 4);
  bytes[12] = static_cast<std::uint8_t>(header.sh_degree);
  bytes[13] = static_cast<std::uint8_t>(header.fractional_bits);
  bytes[14] = header.flags;
  std::array<std::uint8_t*, spz::kStreams> to{};
  for (std::size_t s = 0; s < to.size(); ++s) to[s] = bytes.data() + offsets[s];
  parallel_for(0, columns.count, 2048, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      RFM_CHECK(put(load(columns, n), header, n, to),
                "Gaussian {} has a value that is not finite and cannot be written to {}", n, path.string());
    }
  });
  AtomicFile file(path);
  write_gzip(bytes, file);
  file.commit();
}

}  // namespace renderfm
