// What fills a cell of a medium's class grid, in two bytes; shared by CPU and CUDA, C++17.
#pragma once

#include <cstdint>

#include "renderfm/math/hd.h"

namespace renderfm {

/// One class, or two at a border: of kPicks picks, second_share() meet the class second() and the others
/// first(). A border may thus lie anywhere in a cell. Classes are numbered 0 (invisible) to 31.
class CellClasses {
 public:
  static constexpr int kPicks = 32;

  constexpr CellClasses() = default;
  RFM_HD constexpr explicit CellClasses(std::uint8_t only) : bits_(only) {}
  RFM_HD constexpr CellClasses(std::uint8_t first, std::uint8_t second, int second_share)
      : bits_(static_cast<std::uint16_t>(first | second << 5 | second_share << 10)) {}
  RFM_HD static constexpr CellClasses from_bits(std::uint16_t bits) {
    CellClasses classes;
    classes.bits_ = bits;
    return classes;
  }

  RFM_HD constexpr std::uint8_t first() const { return bits_ & 31U; }
  RFM_HD constexpr std::uint8_t second() const { return bits_ >> 5 & 31U; }
  RFM_HD constexpr int second_share() const { return bits_ >> 10; }  ///< at most kPicks / 2
  RFM_HD constexpr bool one() const { return second_share() == 0; }
  /// The class that pick 0 .. kPicks - 1 meets.
  RFM_HD constexpr std::uint8_t picked(std::uint32_t pick) const {
    return static_cast<int>(pick) < second_share() ? second() : first();
  }
  RFM_HD constexpr std::uint16_t bits() const { return bits_; }  ///< below 2^15

  RFM_HD friend constexpr bool operator==(CellClasses a, CellClasses b) { return a.bits_ == b.bits_; }
  RFM_HD friend constexpr bool operator!=(CellClasses a, CellClasses b) { return a.bits_ != b.bits_; }

 private:
  std::uint16_t bits_ = 0;
};

}  // namespace renderfm
