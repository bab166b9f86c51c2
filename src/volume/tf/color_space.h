// Interpolation of colours in the spaces that ParaView's maps name.
#pragma once

#include "renderfm/math/vec.h"

namespace renderfm::tf {

enum class ColorSpace { kRgb, kHsv, kLab, kDiverging };

/// The sRGB colour at parameter t in [0, 1] between two sRGB colours.
Vec3f interpolate_color(ColorSpace space, Vec3f first, Vec3f second, double t);

}  // namespace renderfm::tf
