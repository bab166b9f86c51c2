// Paints the scene slab by slab and adds what the scanner does: partial volume, edges and noise.
#include "renderfm/volume/phantom.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "renderfm/core/check.h"
#include "renderfm/core/parallel.h"
#include "renderfm/volume/labels.h"
#include "renderfm/volume/tissue_estimator.h"
#include "volume/phantom/painter.h"
#include "volume/phantom/parts.h"
#include "volume/phantom/scan_noise.h"

namespace renderfm {
namespace {

using phantom::Patient;

constexpr std::int64_t kSlabSlices = 8;

Geometry scan_grid(const Patient& patient, double spacing_mm) {
  const phantom::Box box = patient.scan_box();
  Geometry grid;
  const Vec3f low = box.low * patient.size, high = box.high * patient.size;
  for (int a = 0; a < 3; ++a) {
    const double extent = static_cast<double>(high[a] - low[a]);
    const auto count = static_cast<std::int64_t>(std::ceil(extent / spacing_mm));
    grid.shape_zyx[static_cast<std::size_t>(2 - a)] = std::max<std::int64_t>(count, 1);
    grid.spacing_zyx_mm[static_cast<std::size_t>(a)] = spacing_mm;
    grid.origin_mm[a] = static_cast<double>(low[a]) + 0.5 * spacing_mm;
  }
  return grid;
}

// Sharp kernels overshoot at edges: each voxel moves away from the mean of its four neighbours in the plane.
void enhance_edges(const std::vector<float>& hu, std::size_t plane, std::int64_t height, std::int64_t width,
                   float gain, std::vector<float>& out) {
  out.assign(hu.begin() + static_cast<std::ptrdiff_t>(plane),
             hu.begin() + static_cast<std::ptrdiff_t>(plane) + height * width);
  if (gain == 0) return;
  for (std::int64_t j = 1; j + 1 < height; ++j) {
    for (std::int64_t i = 1; i + 1 < width; ++i) {
      const auto n = static_cast<std::size_t>(j * width + i);
      const float* p = &hu[plane + n];
      out[n] += gain * (p[0] - 0.25f * (p[-1] + p[1] + p[-width] + p[width]));
    }
  }
}

}  // namespace

void check_phantom_options(const PhantomOptions& options) {
  if (!(options.spacing_mm >= 0.5 && options.spacing_mm <= 20)) {
    fail_input("a phantom cannot have voxels of {} mm; choose 0.5 to 20 mm", options.spacing_mm);
  }
  check_phantom_traits(options.traits);
}

Phantom make_phantom(const PhantomOptions& options) {
  check_phantom_options(options);
  PhantomTraits traits = options.traits;
  if (!options.contrast) traits.phase = ContrastPhase::kNone;
  const Patient patient(options.seed, traits);
  phantom::Scene scene;
  phantom::add_body_wall(scene, patient);
  phantom::add_lungs(scene, patient);
  phantom::add_pelvis(scene, patient);
  phantom::add_abdomen(scene, patient);
  phantom::add_mediastinum(scene, patient);
  phantom::add_vessels(scene, patient);
  phantom::add_spine(scene, patient);
  phantom::add_skeleton(scene, patient);

  const phantom::KernelFacts kernel = phantom::kernel_facts(traits.kernel);
  const float spacing = static_cast<float>(options.spacing_mm);
  // An edge as a scanner draws it: about 1.7 voxels wide, and never sharper than its kernel.
  const float ramp_mm = 1.7f * std::hypot(spacing, kernel.edge_ramp_mm);
  // Averaging over a voxel's volume: the deviation falls with its root, within what scanners show.
  const float noise_hu = static_cast<float>(traits.noise_hu) * kernel.noise_gain *
                         std::clamp(std::pow(1.5f / spacing, 1.5f), 0.3f, 2.5f);

  const phantom::Warp warp(patient);
  const auto placed = phantom::place(scene, warp, ramp_mm);
  const phantom::NoiseTile texture(options.seed);
  Phantom result;
  const Geometry grid = scan_grid(patient, options.spacing_mm);
  result.ct.geometry = result.labels.geometry = grid;
  const auto count = static_cast<std::size_t>(grid.voxel_count());
  result.ct.voxels.resize(count);
  result.labels.voxels.resize(count);
  const auto plane = static_cast<std::size_t>(grid.height() * grid.width());
  parallel_for(0, grid.depth(), kSlabSlices, [&](std::int64_t first, std::int64_t last) {
    phantom::Slab slab(grid, warp, first, last, ramp_mm);
    for (const phantom::PlacedShape& shape : placed) slab.paint(shape, texture);
    phantom::ScanNoise noise(options.seed, traits.kernel, options.spacing_mm, grid.height(), grid.width());
    std::vector<float> image;
    for (std::int64_t k = first; k < last; ++k) {
      const std::size_t local = static_cast<std::size_t>(k - first) * plane,
                        global = static_cast<std::size_t>(k) * plane;
      enhance_edges(slab.hu, local, grid.height(), grid.width(), kernel.edge_gain, image);
      if (noise_hu > 0) {
        const std::vector<float>& grain = noise.slice(k);
        for (std::size_t n = 0; n < plane; ++n) {
          // Fewest photons reach the detector through the middle of the body.
          const float depth = phantom::smooth_step(15, -45, patient.trunk(slab.place[local + n]));
          image[n] += noise_hu * phantom::mix(0.55f, 1.0f, depth) * grain[n];
        }
      }
      for (std::size_t n = 0; n < plane; ++n) {
        result.ct.voxels[global + n] = static_cast<std::int16_t>(
            std::lround(std::clamp(image[n], static_cast<float>(kMinHu), static_cast<float>(kMaxHu))));
        result.labels.voxels[global + n] = slab.label[local + n];
      }
    }
  });

  std::array<bool, 256> present{};
  for (const std::uint8_t label : result.labels.voxels) present[label] = true;
  result.labels.names = {{static_cast<std::uint8_t>(Tissue::kVessel), "vessel"},
                         {static_cast<std::uint8_t>(Tissue::kSoftTissue), "soft_tissue"},
                         {static_cast<std::uint8_t>(Tissue::kFat), "fat"},
                         {static_cast<std::uint8_t>(Tissue::kSkin), "skin"}};
  for (int label = 1; label <= 117; ++label) {
    result.labels.names[static_cast<std::uint8_t>(label)] = std::string(total_segmentator_name(label));
  }
  std::erase_if(result.labels.names, [&](const auto& entry) { return !present[entry.first]; });
  return result;
}

}  // namespace renderfm
