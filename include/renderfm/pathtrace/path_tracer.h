// The volumetric path tracer: ground truth pictures of a medium. The model is unbiased; the same seed gives
// the same bits for any number of threads and any split of the work.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "renderfm/medium/medium.h"
#include "renderfm/medium/surface_probability.h"
#include "renderfm/pathtrace/density_field.h"
#include "renderfm/pathtrace/film.h"
#include "renderfm/pathtrace/light_rig.h"
#include "renderfm/view/camera.h"

namespace renderfm::pathtrace {

struct PathTraceOptions {
  LightRig rig;  ///< the default is "uniform"
  std::uint64_t seed = 1;
  /// Paths that would go on are counted by Film::capped_paths(). Roulette ends them long before.
  int max_scatters = 1024;
  float roughness = 0.45F;                    ///< of surfaces; the GGX width is its square
  float surface_kappa_mm = kSurfaceKappa_mm;  ///< of the surface probability; 0: no surfaces
  float max_albedo = 0.98F;                   ///< colours are clamped to it, so that paths end
  /// Takes the transfer function's colours for those of thick matter instead of single scatters (Chiang
  /// 2016).
  bool invert_albedo = false;
  SkySampling sky_sampling = SkySampling::kEscape;
  int cell_voxels = 1;     ///< edge of the majorants' cells; more is slower, for comparison
  bool skip_empty = true;  ///< false walks through every empty cell, for comparison
};

/// A cloud on a grid: trilinear extinction, one albedo, no surfaces, no classes.
struct DensityGrid {
  Geometry geometry;                  ///< axis-aligned
  std::vector<float> sigma_t_per_mm;  ///< [D, H, W] at voxel centres
  Vec3f albedo{0.8F, 0.8F, 0.8F};
  float phase_g = 0;
};

/// Samples to add to the sums of a picture.
struct SampleRange {
  TraceParams params;  ///< its grid's cells are in ordinary memory
  CameraRays rays;
  std::int64_t first_sample;
  int samples;
};

/// Another device than this machine's processors.
class SampleMaker {
 public:
  virtual ~SampleMaker() = default;
  /// Adds the samples of every pixel to its sums [height * width], in order; returns how many paths were
  /// capped. Throws kRuntime.
  virtual std::int64_t add(const SampleRange& range, std::vector<PixelSums<double>>& sums) = 0;
};

class PathTracer {
 public:
  /// Keeps no reference to the medium. Throws kBadInput for options that cannot be.
  PathTracer(const Medium& medium, const PathTraceOptions& options);
  PathTracer(const DensityGrid& density, const PathTraceOptions& options);
  ~PathTracer();
  PathTracer(PathTracer&&) noexcept;
  PathTracer& operator=(PathTracer&&) noexcept;

  /// Adds samples [film.samples(), film.samples() + count) of every pixel. `keep_going` is asked between
  /// passes of a second or so; where it says no, the film holds the whole passes done so far. Throws
  /// kBadInput where the film holds samples of another picture.
  void add_samples(const Camera& camera, Film& film, int count,
                   const std::function<bool()>& keep_going = {}) const;

  /// Has samples made by `device` from now on; null: by the processors. One caller at a time then.
  void run_on(std::unique_ptr<SampleMaker> device);

  /// What a film of this camera belongs to.
  std::uint64_t identity(const Camera& camera) const;

  const PathTraceOptions& options() const;

  /// What a device needs, valid as long as the tracer: lights are those of this camera.
  TraceParams params(const Camera& camera) const;
  CameraRays rays(const Camera& camera) const;
  const MediumPointers* medium() const;    ///< null for a density grid
  const DensityPointers* density() const;  ///< null for a medium

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// When a picture is done.
struct StopRule {
  int max_samples = 1024;
  /// Wanted noise_rmse() in display space, 0 for none: a pilot of its own, whose samples are thrown away,
  /// says beforehand how many samples that takes. Stopping by the picture's own running noise would bias it.
  double noise_rmse = 0;
  float exposure = 1;
};

/// Samples that the rule asks for, a multiple of 2; the same for every run.
int planned_samples(const PathTracer& tracer, const Camera& camera, const StopRule& rule);

/// Traces until the rule is met, from where the film stands. `progress(done, wanted)` returns false to stop
/// early. Returns true where the rule was met.
bool trace_until(const PathTracer& tracer, const Camera& camera, Film& film, const StopRule& rule,
                 const std::function<bool(int, int)>& progress = {});

}  // namespace renderfm::pathtrace
