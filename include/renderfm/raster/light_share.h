// Which Gaussians make a set of pictures: in a solid body, a part of them.
#pragma once

#include <torch/types.h>

#include <vector>

#include "renderfm/gaussian/gaussian_set.h"
#include "renderfm/view/camera.h"

namespace renderfm::raster {

/// [N] float32 on the device of the Gaussians: the sum of a Gaussian's weights (opacity where it is drawn,
/// times the transmittance before it) over all pixels of all cameras, in pixels. 0 where it is hidden or out
/// of sight.
torch::Tensor drawn_weight(const GaussianSet& gaussians, const std::vector<Camera>& cameras);

/// [N] bool: the fewest Gaussians, largest weight first, that leave at most `share` of the sum of `weight`
/// out.
torch::Tensor all_but_share(const torch::Tensor& weight, double share);

}  // namespace renderfm::raster
