// Anatomy-guided priming: the Gaussian of a voxel before any training (Render-FM, arXiv 2505.17338,
// section 3.3; the opacity is our own, since 1 - exp(-sigma h) is off by up to a factor of two).
#pragma once

#include <torch/types.h>

#include <array>
#include <string>

#include "renderfm/gaussian/foreground.h"
#include "renderfm/gaussian/gaussian_set.h"

namespace renderfm {

inline constexpr double kPrimedSigmaVoxels = 0.6;   ///< C = diag(0.6 h)
inline constexpr double kPrimedDirectionScale = 5;  ///< A = 5 I: nearly the same from every side

/// Calibration in display space, the same for all scans and transfer functions: a gain on optical depth, and
/// the polygon over colours 0, 1/4, .. 1. Fitted on the training scenes of configs/prepare/small.yaml by
/// build/release/tests/calibrate_priming.
inline constexpr double kPrimedDepthGain = 0.4;
inline constexpr std::array<float, 5> kPrimedColourCurve{-0.04F, 0.28F, 0.6F, 0.81F, 1.02F};

/// Opacity whose lattice of Gaussians has the optical depth of the medium: Li2(a) - Li2(1/255) = sigma_t V /
/// (2 pi s^2), V the voxel's volume and s^2 the mean over its three faces of the footprint.
double primed_opacity(double sigma_t_per_mm, Vec3d spacing_xyz_mm);

/// [N, 37] raw channels, the values to which a network's residual is added.
torch::Tensor prime(const Foreground& foreground);

/// What a network's output is added to. All but kPrimed are there for ablations.
enum class Start {
  kPrimed,        ///< prime()
  kUncalibrated,  ///< the same before calibration
  kTissue,    ///< of the anatomy only the voxel's own tissue: unlit colour, opacity 1 - exp(-sigma_t h), no
              ///< mean direction
  kConstant,  ///< grey of opacity 0.5 everywhere: the network's output is the whole answer
};

/// "primed", "uncalibrated", "tissue", "constant". Throws kBadInput for another word; `where` names the place
/// in messages.
Start start_from(const std::string& name, const std::string& where);
std::string name_of(Start start);

/// [N, 37] raw channels.
torch::Tensor start_channels(const Foreground& foreground, Start start);

/// Activates raw channels [N, 37] of the foreground voxels: the Gaussians, with names and labels.
GaussianSet gaussians_from_raw(const torch::Tensor& raw, const Foreground& foreground);

}  // namespace renderfm
