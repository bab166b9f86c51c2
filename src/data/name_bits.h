// Names as numbers, for seeds.
#pragma once

#include <cstdint>
#include <string_view>

namespace renderfm::data {

/// FNV-1a, 64 bits.
inline std::uint64_t name_bits(std::string_view name) {
  std::uint64_t bits = 0xCBF29CE484222325ULL;
  for (const char c : name) bits = (bits ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  return bits;
}

}  // namespace renderfm::data
