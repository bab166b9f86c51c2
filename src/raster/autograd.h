// The rasterizer as one differentiable function.
#pragma once

#include "raster/backend.h"

namespace renderfm::raster {

/// `inputs` with gradients where its tensors, or those of `poses`, want any; not_finite as in Drawing.
RenderOutput draw_differentiable(const DrawInputs& inputs, const CameraPoses& poses, Backend backend,
                                 std::int64_t& not_finite);

}  // namespace renderfm::raster
