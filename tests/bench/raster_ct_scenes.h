// Gaussians on the voxels of a CT: opaque, mostly hidden ones, and translucent ones.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "bench/raster_scenes.h"
#include "renderfm/volume/volume.h"

namespace renderfm::bench {

/// Voxels above a CT number and the opacity of their Gaussians.
struct Threshold {
  int above_hu;
  float opacity;
};

/// Which voxels of a CT are drawn: each takes the last threshold that it exceeds.
struct VoxelChoice {
  std::string name;
  std::vector<Threshold> thresholds;  ///< ascending
};

/// body: all tissue, opaque; bone: bone and contrast agent, opaque; trans: the voxels of body, soft tissue
/// nearly clear, weakly enhanced vessels less so, bone and contrast agent opaque.
std::vector<VoxelChoice> voxel_choices();

/// A Gaussian on every voxel chosen: randomly rotated, sigmas uniform in 0.5 to 1 voxel, up to 0.2 voxel off
/// its centre per axis. The camera is that of renderfm-render: the voxels' sphere touches the picture's edge.
Scene voxel_scene(const CtVolume& ct, const VoxelChoice& choice);

inline constexpr double kPhantomSpacing_mm = 2.5;  ///< 1.8 M voxels of body; at 1.5 mm 8.3 M
inline constexpr double kScanSpacing_mm = 1.5;

CtVolume phantom_ct();
/// A scan resampled to kScanSpacing_mm.
CtVolume scan_ct(const std::filesystem::path& path);

/// The Gaussians that renderfm-infer makes of a scan without a network, seen as renderfm-render does.
Scene primed_scene(const std::filesystem::path& path);

}  // namespace renderfm::bench
