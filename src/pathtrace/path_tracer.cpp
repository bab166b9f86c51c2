#include "renderfm/pathtrace/path_tracer.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <optional>

#include "pathtrace/hash_bytes.h"
#include "pathtrace/majorants.h"
#include "pathtrace/medium_data.h"
#include "pathtrace/surface_model.h"
#include "pathtrace/trace.h"
#include "renderfm/core/check.h"
#include "renderfm/core/parallel.h"

namespace renderfm::pathtrace {
namespace {

constexpr int kTile = 16;                       // pixels along an edge
constexpr std::int64_t kPassPaths = 4'000'000;  // between two questions whether to go on
constexpr int kMaxPassSamples = 64;
constexpr float kRouletteSurvival = 0.95F;

Vec3f to_float(Vec3d v) {
  return {static_cast<float>(v.x), static_cast<float>(v.y), static_cast<float>(v.z)};
}

Lights make_lights(const LightRig& rig, const Camera& camera) {
  Lights lights{};
  lights.sky_base = rig.sky_tint * rig.sky_base;
  lights.sky_slope = rig.sky_tint * rig.sky_slope;
  lights.has_key = rig.key_radiance > 0;
  Vec3d towards = rig.key_direction;
  if (rig.key_follows_camera) {
    const Mat3d world_from_camera = transposed(camera.rotation);
    towards = world_from_camera * Vec3d{towards.x, -towards.y, -towards.z};
  }
  lights.key_direction = to_float(normalised(towards));
  lights.key_radiance = rig.key_tint * rig.key_radiance;
  const double cosine = std::cos(static_cast<double>(rig.key_half_angle_deg) * M_PI / 180);
  lights.key_cos_angle = static_cast<float>(cosine);
  // Of the rounded cosine, which is the cone that is sampled.
  lights.key_solid_angle = static_cast<float>(2 * M_PI * (1 - static_cast<double>(lights.key_cos_angle)));
  return lights;
}

void check_options(const PathTraceOptions& options) {
  check_light_rig(options.rig);
  if (options.max_scatters < 1) fail_input("a path needs at least 1 scatter, not {}", options.max_scatters);
  if (!(options.roughness >= 0.05F && options.roughness <= 1)) {
    fail_input("a surface roughness of {} cannot be: choose 0.05 to 1", options.roughness);
  }
  if (!(options.surface_kappa_mm >= 0 && std::isfinite(options.surface_kappa_mm))) {
    fail_input("a surface probability with kappa {} mm cannot be", options.surface_kappa_mm);
  }
  if (!(options.max_albedo >= 0 && options.max_albedo <= 1)) {
    fail_input("an albedo of at most {} cannot be: choose 0 to 1", options.max_albedo);
  }
  if (options.cell_voxels < 1) fail_input("a cell edge of {} voxels cannot be", options.cell_voxels);
}

std::uint64_t hash_options(const PathTraceOptions& o) {
  const LightRig& r = o.rig;
  const double values[] = {r.sky_base,
                           r.sky_slope,
                           r.sky_tint.x,
                           r.sky_tint.y,
                           r.sky_tint.z,
                           r.key_radiance,
                           r.key_half_angle_deg,
                           r.key_direction.x,
                           r.key_direction.y,
                           r.key_direction.z,
                           r.key_tint.x,
                           r.key_tint.y,
                           r.key_tint.z,
                           r.key_follows_camera ? 1.0 : 0.0,
                           static_cast<double>(o.max_scatters),
                           o.roughness,
                           o.surface_kappa_mm,
                           static_cast<double>(o.sky_sampling)};
  return hash64(hash_bytes(values, sizeof(values)), o.seed);
}

std::uint64_t hash_camera(const Camera& c) {
  double values[18] = {static_cast<double>(c.width),
                       static_cast<double>(c.height),
                       c.fx,
                       c.fy,
                       c.cx,
                       c.cy,
                       c.position_mm.x,
                       c.position_mm.y,
                       c.position_mm.z};
  for (int i = 0; i < 9; ++i) values[9 + i] = c.rotation[i / 3][i % 3];
  return hash_bytes(values, sizeof(values));
}

}  // namespace

struct PathTracer::Impl {
  PathTraceOptions options;
  Geometry geometry;
  SurfaceModel surface{};
  std::optional<MediumData> medium;
  std::optional<DensityData> density;
  MediumPointers medium_pointers{};
  DensityPointers density_pointers{};
  Majorants majorants;
  std::uint64_t hash = 0;
  std::unique_ptr<SampleMaker> device;  // none: the processors

  std::int64_t trace_tiles(const SampleRange& range, std::vector<PixelSums<double>>& sums) const;
};

PathTracer::PathTracer(const Medium& medium, const PathTraceOptions& options) : impl_(new Impl) {
  check_options(options);
  impl_->options = options;
  impl_->geometry = medium.geometry();
  impl_->surface = make_surface_model(options.roughness);
  impl_->medium.emplace(medium, options);
  impl_->medium_pointers = impl_->medium->pointers();
  impl_->majorants = build_majorants(impl_->medium_pointers, options.cell_voxels, options.skip_empty);
  impl_->hash = hash64(impl_->medium->hash(), hash_array(impl_->majorants.cells));
}

PathTracer::PathTracer(const DensityGrid& density, const PathTraceOptions& options) : impl_(new Impl) {
  check_options(options);
  for (int c = 0; c < 3; ++c) {
    if (!(density.albedo[c] >= 0 && density.albedo[c] <= 1)) {
      fail_input("an albedo of {} cannot be: it lies between 0 and 1", density.albedo[c]);
    }
  }
  if (!(std::abs(density.phase_g) < 1)) {
    fail_input("a phase function with mean cosine {} cannot be: it lies between -1 and 1", density.phase_g);
  }
  impl_->options = options;
  impl_->options.surface_kappa_mm = 0;
  impl_->geometry = density.geometry;
  impl_->surface = make_surface_model(options.roughness);
  impl_->density.emplace(density);
  impl_->density_pointers = impl_->density->pointers();
  impl_->majorants = build_majorants(impl_->density_pointers, options.cell_voxels, options.skip_empty);
  impl_->hash = hash64(impl_->density->hash(), hash_array(impl_->majorants.cells));
}

PathTracer::~PathTracer() = default;
PathTracer::PathTracer(PathTracer&&) noexcept = default;
PathTracer& PathTracer::operator=(PathTracer&&) noexcept = default;

const PathTraceOptions& PathTracer::options() const { return impl_->options; }

const MediumPointers* PathTracer::medium() const { return impl_->medium ? &impl_->medium_pointers : nullptr; }

const DensityPointers* PathTracer::density() const {
  return impl_->density ? &impl_->density_pointers : nullptr;
}

std::uint64_t PathTracer::identity(const Camera& camera) const {
  return hash64(impl_->hash, hash_options(impl_->options), hash_camera(camera),
                hash_bytes(&impl_->geometry.origin_mm, sizeof(Vec3d)));
}

TraceParams PathTracer::params(const Camera& camera) const {
  TraceParams params{};
  params.grid = impl_->majorants.pointers();
  params.lights = make_lights(impl_->options.rig, camera);
  params.surface = impl_->surface;
  params.surface_kappa_mm = impl_->options.surface_kappa_mm;
  params.sky_sampling = impl_->options.sky_sampling;
  params.max_scatters = impl_->options.max_scatters;
  params.roulette_survival = kRouletteSurvival;
  params.seed = impl_->options.seed;
  return params;
}

CameraRays PathTracer::rays(const Camera& camera) const {
  if (!(camera.fx > 0 && camera.fy > 0)) {
    fail_input("a camera with focal lengths of {} and {} pixels sees nothing", camera.fx, camera.fy);
  }
  const Mat3d world_from_camera = transposed(camera.rotation);
  CameraRays rays{};
  const Vec3d origin = impl_->geometry.index_from_world(camera.position_mm);
  rays.origin_voxels = to_float(origin + Vec3d{0.5, 0.5, 0.5});
  rays.corner = to_float(world_from_camera * Vec3d{-camera.cx / camera.fx, -camera.cy / camera.fy, 1});
  rays.right = to_float(world_from_camera.column(0) * (1 / camera.fx));
  rays.down = to_float(world_from_camera.column(1) * (1 / camera.fy));
  rays.width = camera.width;
  rays.height = camera.height;
  return rays;
}

std::int64_t PathTracer::Impl::trace_tiles(const SampleRange& range,
                                           std::vector<PixelSums<double>>& sums) const {
  const int width = range.rays.width, height = range.rays.height;
  const int columns = (width + kTile - 1) / kTile, rows = (height + kTile - 1) / kTile;
  std::atomic<std::int64_t> capped{0};
  parallel_for(0, static_cast<std::int64_t>(columns) * rows, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t tile = begin; tile < end; ++tile) {
      TileWork work{&range.params, &range.rays, 0, 0, 0, 0, range.first_sample, range.samples, sums.data()};
      work.x_begin = static_cast<int>(tile % columns) * kTile;
      work.y_begin = static_cast<int>(tile / columns) * kTile;
      work.x_end = std::min(work.x_begin + kTile, width);
      work.y_end = std::min(work.y_begin + kTile, height);
      capped += medium ? trace_tile(medium_pointers, work) : trace_tile(density_pointers, work);
    }
  });
  return capped;
}

void PathTracer::run_on(std::unique_ptr<SampleMaker> device) { impl_->device = std::move(device); }

void PathTracer::add_samples(const Camera& camera, Film& film, int count,
                             const std::function<bool()>& keep_going) const {
  const TraceParams params = this->params(camera);
  const CameraRays rays = this->rays(camera);
  film.claim(identity(camera), camera.width, camera.height);
  const std::int64_t pixels = static_cast<std::int64_t>(camera.width) * camera.height;
  const int pass = static_cast<int>(std::clamp<std::int64_t>(kPassPaths / pixels, 1, kMaxPassSamples));
  for (int done = 0; done < count;) {
    if (done > 0 && keep_going && !keep_going()) return;
    const int samples = std::min(pass, count - done);
    const SampleRange range{params, rays, film.samples(), samples};
    const std::int64_t capped =
        impl_->device ? impl_->device->add(range, film.sums()) : impl_->trace_tiles(range, film.sums());
    film.finish_pass(samples, capped);
    done += samples;
  }
}

}  // namespace renderfm::pathtrace
