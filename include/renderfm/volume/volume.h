// Owning voxel arrays with their geometry.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "renderfm/volume/geometry.h"

namespace renderfm {

inline constexpr int kMinHu = -1024;  ///< air and padding
inline constexpr int kMaxHu = 3071;   ///< 12-bit CT ends here

/// Voxels [D, H, W], x fastest.
template <class T>
struct Volume {
  Geometry geometry;
  std::vector<T> voxels;

  T& at(std::int64_t k, std::int64_t j, std::int64_t i) { return voxels[geometry.offset(k, j, i)]; }
  const T& at(std::int64_t k, std::int64_t j, std::int64_t i) const {
    return voxels[geometry.offset(k, j, i)];
  }
};

/// Hounsfield units, in [kMinHu, kMaxHu].
using CtVolume = Volume<std::int16_t>;

/// One label per voxel; 0 is unlabelled. `names` holds every label that occurs.
struct LabelVolume : Volume<std::uint8_t> {
  std::map<std::uint8_t, std::string> names;  ///< for example 5 -> "liver"
};

}  // namespace renderfm
