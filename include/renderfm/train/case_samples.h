// Cases of a data set (renderfm-prepare) as training samples.
#pragma once

#include <cstdint>
#include <filesystem>

#include "renderfm/data/case.h"
#include "renderfm/train/trainer.h"

namespace renderfm::train {

/// The network sees box and halo, with a mask of the box's Gaussians alone, which are primed as the box by
/// itself is: that is what was path-traced. Sides are padded with air to what the plan's network takes.
/// `maps`: with alpha and depth of the training views, which the case must have.
TrainingSample sample_of(const data::Case& content, const Plan& plan, bool maps = false);

/// All cases of a data set by split. `config` is finished. Cases are read when they are asked for and kept
/// within data.cache_gib. Throws kBadInput for a folder without cases, with cases of other schemas, or where
/// the loss needs maps that a training case has not.
TrainingData open_data_set(const std::filesystem::path& folder, const TrainConfig& config);

}  // namespace renderfm::train
