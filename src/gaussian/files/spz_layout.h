// What both directions of .spz share: the header, the sizes of its streams, and one Gaussian in packed bytes.
#pragma once

#include <array>
#include <cstdint>

namespace renderfm::spz {

inline constexpr std::uint32_t kMagic = 0x5053474e;  // "NGSP"
inline constexpr int kHeaderBytes = 16, kHeaderBytesV4 = 32;
inline constexpr std::uint8_t kFlagAntialiased = 1;
inline constexpr double kDcScale = 0.15;  // colour byte = 255 (0.15 dc + 0.5)
inline constexpr int kStreams = 6;
enum Stream { kPositions, kOpacities, kColours, kScales, kRotations, kSh };

struct Header {
  std::uint32_t version = 3, count = 0;
  int sh_degree = 1, fractional_bits = 12;
  std::uint8_t flags = 0;
};

/// Coefficients beyond degree 0, per channel.
constexpr int sh_coefficients(int degree) { return (degree + 1) * (degree + 1) - 1; }

/// Bytes of one Gaussian in each stream.
constexpr std::array<int, kStreams> row_bytes(const Header& header) {
  return {9, 1, 3, 3, header.version >= 3 ? 4 : 3, 3 * sh_coefficients(header.sh_degree)};
}

}  // namespace renderfm::spz
