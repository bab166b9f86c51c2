#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "gaussian/files/codecs.h"
#include "gaussian/files/spz_layout.h"
#include "renderfm/core/check.h"
#include "renderfm/core/parallel.h"
#include "renderfm/math/sh.h"

namespace renderfm {
namespace {

using spz::Header;

// Deflate cannot shrink data further; packed Gaussians in zstd never come near it. A file that promises more
// is no scene but a bomb.
constexpr std::int64_t kMaxRatio = 1032;

std::uint32_t u32_at(const std::uint8_t* bytes) {
  std::uint32_t value;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

std::uint64_t u64_at(const std::uint8_t* bytes) {
  std::uint64_t value;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

Header parse_header(const std::uint8_t* bytes, const std::string& name) {
  if (u32_at(bytes) != spz::kMagic) fail_input("{} is not an .spz file: it does not begin with 'NGSP'", name);
  Header header{u32_at(bytes + 4), u32_at(bytes + 8), bytes[12], bytes[13], bytes[14]};
  if (header.version < 2 || header.version > 4) {
    fail_input("{} is .spz version {}; versions 2 to 4 are read", name, header.version);
  }
  if (header.sh_degree > 4 || header.fractional_bits > 30) {
    fail_input("{} is damaged: SH degree {} and {} fractional bits cannot be", name, header.sh_degree,
               header.fractional_bits);
  }
  return header;
}

/// Offsets of the six streams within one buffer, and its size at the end.
std::array<std::int64_t, spz::kStreams + 1> stream_offsets(const Header& header) {
  std::array<std::int64_t, spz::kStreams + 1> offsets{};
  const auto sizes = spz::row_bytes(header);
  for (std::size_t s = 0; s < sizes.size(); ++s) {
    offsets[s + 1] = offsets[s] + static_cast<std::int64_t>(sizes[s]) * header.count;
  }
  return offsets;
}

void check_promise(const Header& header, std::int64_t bytes, InputBytes& input) {
  if (bytes / kMaxRatio > input.size()) {
    fail_input("{} is damaged: it promises {} Gaussians, more than {} compressed bytes can hold",
               input.name(), header.count, input.size());
  }
  check_fits_memory(bytes + header.count * kBytesPerRow, input.name());
}

class Inflater {
 public:
  explicit Inflater(InputBytes& input) : input_(input) {
    RFM_CHECK(inflateInit2(&stream_, 16 + MAX_WBITS) == Z_OK, "zlib cannot start to decompress");
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  /// Fills `bytes` whole; throws where the stream ends before.
  void read(std::uint8_t* bytes, std::int64_t count) {
    while (count > 0) {
      const std::int64_t piece = std::min<std::int64_t>(count, 1 << 30);
      stream_.next_out = bytes;
      stream_.avail_out = static_cast<uInt>(piece);
      while (stream_.avail_out > 0 && step()) {
      }
      if (stream_.avail_out > 0)
        fail_input("{} is truncated: it ends before its last Gaussian", input_.name());
      bytes += piece;
      count -= piece;
    }
  }
  /// Throws where anything follows, or the checksum is wrong.
  void finish() {
    std::uint8_t more = 0;
    stream_.next_out = &more;
    stream_.avail_out = 1;
    while (stream_.avail_out > 0 && step()) {
    }
    if (stream_.avail_out == 0) {
      fail_input("{} is damaged: it holds more bytes than its header says", input_.name());
    }
    if (!ended_) fail_input("{} is truncated: its checksum is missing", input_.name());
  }

 private:
  /// False at the end of the stream.
  bool step() {
    if (ended_) return false;
    if (stream_.avail_in == 0) {
      const std::int64_t piece =
          std::min<std::int64_t>(static_cast<std::int64_t>(block_.size()), input_.size() - at_);
      if (piece == 0) return false;
      input_.read(at_, block_.data(), piece);
      at_ += piece;
      stream_.next_in = block_.data();
      stream_.avail_in = static_cast<uInt>(piece);
    }
    const int code = inflate(&stream_, Z_NO_FLUSH);
    ended_ = code == Z_STREAM_END;
    if (code != Z_OK && !ended_) fail_input("{} is damaged: its compressed data are not gzip", input_.name());
    return !ended_;
  }

  InputBytes& input_;
  z_stream stream_{};
  std::vector<std::uint8_t> block_ = std::vector<std::uint8_t>(1 << 16);
  std::int64_t at_ = 0;
  bool ended_ = false;
};

std::vector<std::uint8_t> read_gzip(InputBytes& input, Header& header) {
  Inflater inflater(input);
  std::array<std::uint8_t, spz::kHeaderBytes> start{};
  inflater.read(start.data(), static_cast<std::int64_t>(start.size()));
  header = parse_header(start.data(), input.name());
  if (header.version == 4) fail_input("{} is damaged: .spz version 4 is not one gzip stream", input.name());
  const std::int64_t total = stream_offsets(header).back();
  check_promise(header, total, input);
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(total));
  inflater.read(bytes.data(), total);
  inflater.finish();
  return bytes;
}

std::vector<std::uint8_t> read_zstd(InputBytes& input, Header& header) {
  const std::vector<std::uint8_t> start = input.read(0, spz::kHeaderBytesV4);
  header = parse_header(start.data(), input.name());
  if (header.version != 4) {
    fail_input("{} is damaged: .spz version {} must be compressed as a whole", input.name(), header.version);
  }
  const auto offsets = stream_offsets(header);
  check_promise(header, offsets.back(), input);
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(offsets.back()));

  const int streams = start[15];
  const std::int64_t table = u32_at(start.data() + 16);
  const int wanted = header.count == 0 ? 0 : header.sh_degree == 0 ? spz::kStreams - 1 : spz::kStreams;
  if (streams != wanted || table < spz::kHeaderBytesV4) {
    fail_input("{} is damaged: {} streams of Gaussians, expected {}", input.name(), streams, wanted);
  }
  const std::vector<std::uint8_t> sizes = input.read(table, 16 * streams);
  std::int64_t at = table + 16 * streams;
  for (int s = 0; s < streams; ++s) {
    const auto from = static_cast<std::size_t>(s);
    const std::uint64_t packed = u64_at(sizes.data() + 16 * s), raw = u64_at(sizes.data() + 16 * s + 8);
    const std::int64_t expected = offsets[from + 1] - offsets[from];
    if (raw != static_cast<std::uint64_t>(expected)) {
      fail_input("{} is damaged: stream {} promises {} bytes, {} Gaussians take {}", input.name(), s, raw,
                 header.count, expected);
    }
    if (packed > static_cast<std::uint64_t>(input.size()))
      fail_input("{} is truncated in stream {}", input.name(), s);
    const std::vector<std::uint8_t> source = input.read(at, static_cast<std::int64_t>(packed));
    at += static_cast<std::int64_t>(packed);
    const std::size_t got = ZSTD_decompress(bytes.data() + offsets[from], static_cast<std::size_t>(expected),
                                            source.data(), source.size());
    if (ZSTD_isError(got) != 0 || got != static_cast<std::size_t>(expected)) {
      fail_input("{} is damaged: stream {} does not decompress to {} bytes", input.name(), s, expected);
    }
  }
  return bytes;
}

Quaternion rotation_of_three_bytes(const std::uint8_t* bytes) {
  double q[3], squares = 0;
  for (int part = 0; part < 3; ++part) {
    q[part] = bytes[part] / 127.5 - 1;
    squares += q[part] * q[part];
  }
  return {std::sqrt(std::max(0.0, 1 - squares)), q[0], q[1], q[2]};
}

Quaternion rotation_of_smallest_three(std::uint32_t packed) {
  std::array<double, 4> q{};
  const std::size_t largest = packed >> 30;
  double squares = 0;
  for (std::size_t part = 4; part-- > 0;) {
    if (part == largest) continue;
    q[part] = (packed & 511) / 511.0 * std::sqrt(0.5);
    if ((packed & 512) != 0) q[part] = -q[part];
    squares += q[part] * q[part];
    packed >>= 10;
  }
  q[largest] = std::sqrt(std::max(0.0, 1 - squares));
  return {q[3], q[0], q[1], q[2]};
}

bool gaussian_of(const std::array<const std::uint8_t*, spz::kStreams>& from, const Header& header,
                 std::int64_t n, Gaussian6d& g) {
  const double unit = std::exp2(-header.fractional_bits);
  Vec3d sigma{};
  for (int axis = 0; axis < 3; ++axis) {
    const std::uint8_t* const fixed = from[spz::kPositions] + 9 * n + 3 * axis;
    const std::int32_t low = fixed[0] | (fixed[1] << 8) | (fixed[2] << 16);
    g.position[axis] = ((low & 0x800000) != 0 ? low - 0x1000000 : low) * unit;
    sigma[axis] = std::exp(from[spz::kScales][3 * n + axis] / 16.0 - 10);
    g.sh[static_cast<std::size_t>(axis)] = (from[spz::kColours][3 * n + axis] / 255.0 - 0.5) / spz::kDcScale;
    g.a[axis][axis] = kPlainDirectionScale;
  }
  g.opacity = from[spz::kOpacities][n] / 255.0;
  const int coefficients = 3 * spz::sh_coefficients(header.sh_degree);
  for (int k = 0; k < std::min(coefficients, 9); ++k) {
    g.sh[static_cast<std::size_t>(3 + k)] = (from[spz::kSh][coefficients * n + k] - 128) / 128.0;
  }
  const Quaternion wxyz = header.version >= 3
                              ? rotation_of_smallest_three(u32_at(from[spz::kRotations] + 4 * n))
                              : rotation_of_three_bytes(from[spz::kRotations] + 3 * n);
  return set_extent(g, wxyz, sigma) && out_of_frame(g, kYUpMetres);
}

}  // namespace

DecodedFile decode_spz(InputBytes& input, Unusable unusable) {
  std::array<std::uint8_t, 4> start{};
  input.read(0, start.data(), static_cast<std::int64_t>(start.size()));
  Header header;
  const bool plain = u32_at(start.data()) == spz::kMagic;
  if (!plain && (start[0] != 0x1f || start[1] != 0x8b)) {
    fail_input("{} is not an .spz file: it is neither gzip nor does it begin with 'NGSP'", input.name());
  }
  const std::vector<std::uint8_t> bytes = plain ? read_zstd(input, header) : read_gzip(input, header);

  DecodedFile file;
  file.facts.format = "spz";
  file.facts.layout = fmt::format("spz {}", header.version);
  file.facts.frame = "y up; taken as metres";
  file.facts.count = header.count;
  file.facts.sh_degree = header.sh_degree;
  if (header.sh_degree > 1) file.facts.remarks.push_back("spherical harmonics above degree 1 are dropped");
  file.rows.notes.low_pass_compensation = (header.flags & spz::kFlagAntialiased) != 0;
  make_room(file.rows, header.count, input.name());
  const auto offsets = stream_offsets(header);
  std::array<const std::uint8_t*, spz::kStreams> from{};
  for (std::size_t s = 0; s < from.size(); ++s) from[s] = bytes.data() + offsets[s];
  std::vector<std::uint8_t> usable(header.count);
  parallel_for(0, header.count, 2048, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      Gaussian6d gaussian;
      const bool good = gaussian_of(from, header, n, gaussian) && store(gaussian, file.rows, n);
      usable[static_cast<std::size_t>(n)] = good ? 1 : 0;
    }
  });
  settle_unusable(usable, unusable, file, input.name());
  return file;
}

}  // namespace renderfm
