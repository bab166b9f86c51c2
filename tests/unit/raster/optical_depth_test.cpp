// A lattice of primed Gaussians is a picture of a slab: its optical depth must be that of the slab.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "renderfm/math/polylog.h"
#include "renderfm/raster/rasterize.h"
#include "unit/raster/scenes.h"

namespace renderfm::raster {
namespace {

constexpr double kScaleInVoxels = 0.6;  // of a primed Gaussian
constexpr double kDistance = 4096;      // voxels: all but parallel rays

struct Lattice {
  double sigma_h = 0.1;  // optical depth of one voxel
  int layers = 1;
  double pixels_per_voxel = 4;
  bool low_pass_compensation = true;
};

// Mean optical depth per pixel, over that of the slab. Axis-aligned, one voxel = 1 mm.
double depth_ratio(const Lattice& lattice) {
  const double depth_per_area = lattice.sigma_h / (2 * std::numbers::pi * kScaleInVoxels * kScaleInVoxels);
  const double opacity = opacity_for_optical_depth(depth_per_area);
  // The image spans whole voxels; the lattice reaches 4 more on each side, beyond the widest footprint.
  const int image_voxels = lattice.pixels_per_voxel < 1 ? 40 : 8;
  const int margin = lattice.pixels_per_voxel < 1.5 ? 6 : 4;
  std::vector<test::Blob> blobs;
  for (int k = 0; k < lattice.layers; ++k) {
    for (int j = -margin; j < image_voxels + margin; ++j) {
      for (int i = -margin; i < image_voxels + margin; ++i) {
        blobs.push_back({.position_mm = {i + 0.5, j + 0.5, kDistance + k},
                         .scale_mm = kScaleInVoxels,
                         .opacity = opacity,
                         .colour = {1, 1, 1}});
      }
    }
  }
  GaussianSet set = test::make_set(blobs);
  set.low_pass_compensation = lattice.low_pass_compensation;
  const int size = static_cast<int>(std::lround(image_voxels * lattice.pixels_per_voxel));
  Camera camera = test::plain_camera(size, size);
  camera.fx = camera.fy = kDistance * lattice.pixels_per_voxel;
  camera.cx = camera.cy = 0;
  const torch::Tensor alpha = rasterize(set, {camera}).alpha.to(torch::kFloat64);
  const double depth = -torch::log1p(-alpha).mean().item<double>();
  return depth / (lattice.sigma_h * lattice.layers);
}

// Drawn finely enough that the low-pass is nothing, the priming formula is exact: what its quadrature leaves
// is the picture's sampling.
TEST(OpticalDepth, ThePrimingFormulaGivesASlabItsDepth) {
  for (const double sigma_h : {0.006, 0.02, 0.1, 0.3, 1.0, 2.0, 3.0}) {
    const double ratio = depth_ratio(
        {.sigma_h = sigma_h, .layers = 1, .pixels_per_voxel = 16, .low_pass_compensation = false});
    EXPECT_NEAR(ratio, 1, 0.03) << "sigma h = " << sigma_h;
  }
}

TEST(OpticalDepth, DepthsOfLayersAdd) {
  for (const int layers : {2, 5}) {
    EXPECT_NEAR(depth_ratio({.sigma_h = 0.4, .layers = layers, .pixels_per_voxel = 16}), 1, 0.03) << layers;
  }
}

TEST(OpticalDepth, ATranslucentLatticeKeepsItsDepthFromCloseToFar) {
  for (const double sigma_h : {0.1, 0.2, 0.5, 1.0}) {
    for (const double pixels_per_voxel : {4.0, 3.0, 2.0, 1.5, 1.0, 0.85, 0.7}) {
      const double ratio =
          depth_ratio({.sigma_h = sigma_h, .layers = 4, .pixels_per_voxel = pixels_per_voxel});
      EXPECT_NEAR(ratio, 1, 0.3) << "sigma h = " << sigma_h << ", " << pixels_per_voxel << " px per voxel";
    }
  }
}

// The reason for the compensation; without it the test above would pass by itself.
TEST(OpticalDepth, WithoutCompensationTheDepthGrowsWithDistance) {
  EXPECT_GT(
      depth_ratio({.sigma_h = 0.1, .layers = 4, .pixels_per_voxel = 0.7, .low_pass_compensation = false}), 2);
}

}  // namespace
}  // namespace renderfm::raster
