// The six input channels of the network: one copy for training and inference.
#pragma once

#include "renderfm/medium/medium.h"
#include "renderfm/model/checkpoint.h"
#include "renderfm/nn/tiled_inference.h"

namespace renderfm {

/// Fills boxes of [6, D, H, W]: the medium's HU / plan.hu_scale, red, green, blue (display-referred), opacity
/// over 1 mm (1 - exp(-sigma_t)), foreground mask (0 without plan.mask_channel). `medium` must outlive what
/// is returned.
FillTile network_input(const Medium& medium, const Plan& plan);

}  // namespace renderfm
