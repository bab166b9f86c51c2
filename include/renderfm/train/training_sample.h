// What one step of training looks at: a network input, the Gaussians it corrects, and pictures to match.
#pragma once

#include <torch/types.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "renderfm/math/rng.h"
#include "renderfm/math/vec.h"
#include "renderfm/train/config.h"
#include "renderfm/view/camera.h"

namespace renderfm::train {

/// Views with their pictures.
struct Pictures {
  std::vector<Camera> cameras;
  torch::Tensor rgb;       ///< [V, 3, H, W] float32 in [0, 1], or uint8 while it waits
  torch::Tensor alpha;     ///< [V, H, W] as rgb is, encoded as sRGB; undefined where no loss needs it
  torch::Tensor depth_mm;  ///< [V, H, W] along each camera's axis, 0 where there is nothing; likewise
};

/// All in CPU memory, float32 unless said.
struct TrainingSample {
  std::string name;           ///< of the case
  torch::Tensor input;        ///< [6, D, H, W], sides as the network wants them
  torch::Tensor voxels;       ///< [N] int64: where the Gaussians are, offsets into [D, H, W]
  torch::Tensor start;        ///< [N, 37] raw channels that the network's output is added to
  torch::Tensor position_mm;  ///< [N, 3]
  Vec3d spacing_xyz_mm{1, 1, 1};
  Vec3d centre_mm{0, 0, 0};   ///< of the input's grid: what it is turned about
  double radius_mm = 1;       ///< of the view sphere
  bool uniform_light = true;  ///< the same from all sides, so that the scene may be turned
  Pictures train, test;       ///< all of the case's; after draw_sample() the chosen ones, and none
};

/// A turn or a mirroring of the patient's axes: axis a of the result is axis `from[a]` (x, y, z), reversed
/// where `reversed[a]`.
struct Orientation {
  std::array<int, 3> from{0, 1, 2};
  std::array<bool, 3> reversed{false, false, false};

  bool mirrors() const;  ///< true where right becomes left
  bool identity() const { return *this == Orientation{}; }
  bool operator==(const Orientation&) const = default;
};

/// One of those that `config` and the light allow; quarter turns need equal voxel sides.
Orientation draw_orientation(const AugmentConfig& config, const TrainingSample& sample, Pcg32& random);

/// The same scene with its axes turned about centre_mm: input, voxels, directions, cameras and pictures stay
/// consistent, so that the turned Gaussians seen by the turned cameras give the turned pictures. Primed SH of
/// degree 1 and off-diagonal entries of L must be zero, as prime() leaves them.
TrainingSample turned(const TrainingSample& sample, const Orientation& orientation);

/// The sample of one step: `views` of its training views, turned, HU shifted and noisy. The transfer
/// function's channels stay, since the pictures show them. Everything follows from `seed`.
TrainingSample draw_sample(const TrainingSample& whole, std::int64_t views, const AugmentConfig& config,
                           double hu_scale, std::uint64_t seed);

}  // namespace renderfm::train
