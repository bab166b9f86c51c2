// The table of what the specular lobe reflects.
#pragma once

#include "renderfm/pathtrace/surface.h"

namespace renderfm::pathtrace {

/// Roughness in (0, 1]. Integrates over the visible normals by the midpoint rule, 96 x 96 per cosine.
SurfaceModel make_surface_model(float roughness);

}  // namespace renderfm::pathtrace
