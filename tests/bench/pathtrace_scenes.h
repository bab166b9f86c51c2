// Scenes that the path tracer is timed on.
#pragma once

#include <optional>
#include <string>

#include "renderfm/medium/medium.h"
#include "renderfm/pathtrace/path_tracer.h"
#include "renderfm/view/camera.h"

namespace renderfm::bench {

/// A scan at `spacing_mm` with a transfer function, and the sphere of its visible voxels.
struct TracedScan {
  std::string name;
  Medium medium;
  ViewSphere sphere;
};

/// The torso of `--phantom`, seed 1.
TracedScan phantom_scan(double spacing_mm, const std::string& transfer_function);
/// The example CT with its labels from the folder RENDERFM_TEST_DATA, or nothing where there is none.
std::optional<TracedScan> example_scan(double spacing_mm, const std::string& transfer_function);
/// A case that renderfm-prepare wrote, with its own transfer function and spacing.
TracedScan case_scan(const std::string& folder);

/// The plain density twin: the opacity of 1 mm of a scan at 3 mm, times 0.4 per mm, as a cloud of albedo
/// (0.9, 0.7, 0.6). What any volume renderer with heterogeneous media can draw.
pathtrace::DensityGrid density_twin(const TracedScan& scan);

}  // namespace renderfm::bench
