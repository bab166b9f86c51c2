// Which label looks like which class, and the classes' tables over HU.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "renderfm/medium/medium.h"

namespace renderfm {

/// Classes a medium can have, the invisible class 0 among them.
inline constexpr int kMaxClasses = 32;

struct ClassTables {
  std::array<std::uint8_t, 256>
      class_of_label{};              ///< 0 for what is hidden, unselected or transparent at every HU
  std::vector<MediumClass> classes;  ///< class 0 first
  std::vector<int> layer_of_class;   ///< -1 for class 0
};

/// Organs of one layer share a class. Throws kBadInput where more layers are in use than classes exist.
ClassTables build_class_tables(const LabelVolume& labels, const TransferFunction& tf,
                               const std::array<bool, 256>& organs, double min_spacing_mm);

}  // namespace renderfm
