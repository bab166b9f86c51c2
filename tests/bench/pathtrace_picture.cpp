// One path-traced picture of a benchmark scene as raw floats, for comparison with other renderers in the same
// run. Not a Google Benchmark: it prints its figures as one JSON object.
#include <fmt/core.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bench/pathtrace_scenes.h"
#include "renderfm/core/atomic_file.h"
#include "renderfm/core/check.h"
#include "renderfm/core/parallel.h"

namespace {

using namespace renderfm;
using namespace renderfm::pathtrace;

constexpr const char* kHelp =
    R"(pathtrace_picture: one path-traced picture as raw little-endian float32, and its time as JSON.

  --scene NAME     twin (default; a plain density grid at 3 mm), or scan (labelled, --spacing, --tf)
  --data NAME      example (default; needs RENDERFM_TEST_DATA), phantom, or the folder of a case of
                   renderfm-prepare, which has its own --tf and --spacing
  --tf NAME        transfer function, organs by default
  --spacing MM     of a labelled scan, 1.5 by default
  --rig NAME       uniform (default), studio, headlight or a YAML file
  --sky HOW        how the sky is found: escape (default), shadow, both
  --depth N        scatters, 15 for the twin by default (max_depth 16 elsewhere); a scan has no limit that counts
  --phase-g G      mean cosine of the twin's Henyey-Greenstein phase function, 0 by default
  --cell N         edge of a majorant cell in voxels, 1 by default
  --spp N          samples per pixel, 64 by default
  --size N         width and height in pixels, 256 by default
  --azimuth DEG, --elevation DEG   of the camera of renderfm-render, 30 and 10 by default
  --seed N         1 by default
  --repeat N       times the picture N times, seeds as given; the best time counts
  --out PREFIX     writes PREFIX.mean.f32 and PREFIX.variance.f32 [3, H, W], variance of the mean;
                   PREFIX.alpha.f32 and PREFIX.depth.f32 [H, W]; PREFIX.albedo.f32 and PREFIX.normal.f32
                   [3, H, W]; for the twin also PREFIX.sigma.f32 [D, H, W], sigma_t per mm at voxel centres.
The sky is black to the camera: rgb is premultiplied by alpha. The JSON holds the camera and the grid.
)";

std::map<std::string, std::string> parse(int argc, char** argv) {
  std::map<std::string, std::string> values{
      {"scene", "twin"},   {"data", "example"}, {"tf", "organs"}, {"spacing", "1.5"},
      {"rig", "uniform"},  {"sky", "escape"},   {"depth", "0"},   {"cell", "1"},
      {"spp", "64"},       {"size", "256"},     {"phase-g", "0"}, {"azimuth", "30"},
      {"elevation", "10"}, {"seed", "1"},       {"repeat", "1"},  {"out", ""}};
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--help" || name == "-h") {
      std::fputs(kHelp, stdout);
      std::exit(0);
    }
    if (name.rfind("--", 0) != 0 || !values.contains(name.substr(2)) || i + 1 >= argc) {
      fail_usage("'{}' is not an option with a value; see --help", name);
    }
    values[name.substr(2)] = argv[++i];
  }
  return values;
}

void write_plane(const std::vector<float>& plane, const std::string& path) {
  AtomicFile file(path);
  file.write(plane.data(), plane.size() * sizeof(float));
  file.commit();
}

void run(int argc, char** argv) {
  const auto value = parse(argc, argv);
  const auto number = [&](const char* name) { return std::stoi(value.at(name)); };
  const bool twin = value.at("scene") == "twin";
  const double spacing = twin ? 3 : std::stod(value.at("spacing"));
  const std::string& data = value.at("data");
  std::optional<bench::TracedScan> scan;
  if (data == "phantom") {
    scan = bench::phantom_scan(spacing, value.at("tf"));
  } else if (data == "example") {
    scan = bench::example_scan(spacing, value.at("tf"));
  } else {
    scan = bench::case_scan(data);
  }
  if (!scan) fail_input("the example CT needs the folder RENDERFM_TEST_DATA; --data phantom does without");

  PathTraceOptions options;
  options.rig = light_rig(value.at("rig"));
  options.seed = std::stoull(value.at("seed"));
  options.cell_voxels = number("cell");
  const int depth = number("depth");
  if (depth > 0 || twin) options.max_scatters = depth > 0 ? depth : 15;
  const std::map<std::string, SkySampling> ways{
      {"escape", SkySampling::kEscape}, {"shadow", SkySampling::kShadowRay}, {"both", SkySampling::kBoth}};
  if (!ways.contains(value.at("sky"))) fail_usage("--sky is escape, shadow or both");
  options.sky_sampling = ways.at(value.at("sky"));

  const bench::TracedScan& s = *scan;
  DensityGrid density;
  if (twin) density = bench::density_twin(s);
  density.phase_g = std::stof(value.at("phase-g"));
  const auto now = [] { return std::chrono::steady_clock::now(); };
  const auto since = [&](auto start) { return std::chrono::duration<double>(now() - start).count(); };
  const auto setup_start = now();
  const PathTracer tracer = twin ? PathTracer(density, options) : PathTracer(s.medium, options);
  const double setup_s = since(setup_start);
  const int size = number("size"), spp = number("spp");
  const Camera camera =
      orbit_camera(s.sphere, std::stod(value.at("azimuth")), std::stod(value.at("elevation")), size, size);
  double best_s = 1e30;
  Film film;
  for (int r = 0; r < number("repeat"); ++r) {
    film = Film(size, size);
    const auto start = now();
    tracer.add_samples(camera, film, spp);
    best_s = std::min(best_s, since(start));
  }
  const PathTraceImages images = resolve(film);
  double rgb[3] = {0, 0, 0}, variance = 0;
  std::int64_t seen = 0;
  const std::size_t pixels = images.alpha.size();
  for (std::size_t p = 0; p < pixels; ++p) seen += images.alpha[p] > 0 ? 1 : 0;
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t p = 0; p < pixels; ++p) {
      rgb[c] += static_cast<double>(images.rgb_linear[c * pixels + p]) / static_cast<double>(pixels);
      variance +=
          static_cast<double>(images.variance[c * pixels + p]) * spp / (3.0 * static_cast<double>(pixels));
    }
  }
  const double rate = static_cast<double>(pixels) * spp / best_s;
  const Geometry& g = s.medium.geometry();
  fmt::print(
      "{{\"scene\": \"{}\", \"data\": \"{}\", \"spp\": {}, \"size\": {}, \"threads\": {},\n"
      " \"setup_s\": {:.4f}, \"render_s\": {:.4f}, \"samples_per_s\": {:.0f}, \"foreground\": {:.4f},\n"
      " \"foreground_samples_per_s\": {:.0f}, \"variance_per_sample\": {:.6f}, \"rate_over_variance\": "
      "{:.0f},\n"
      " \"mean_rgb\": [{:.6f}, {:.6f}, {:.6f}], \"capped_paths\": {}, \"noise_rmse\": {:.6f},\n"
      " \"albedo\": [{}, {}, {}], \"phase_g\": {},\n"
      " \"camera\": {{\"position_mm\": [{}, {}, {}], \"fx\": {}, \"centre_mm\": [{}, {}, {}]}},\n"
      " \"grid\": {{\"shape_zyx\": [{}, {}, {}], \"spacing_mm\": [{}, {}, {}], \"origin_mm\": [{}, {}, "
      "{}]}}}}\n",
      value.at("scene"), s.name, spp, size, thread_count(), setup_s, best_s, rate,
      static_cast<double>(seen) / static_cast<double>(pixels),
      rate * static_cast<double>(seen) / static_cast<double>(pixels), variance, rate / variance, rgb[0],
      rgb[1], rgb[2], film.capped_paths(), spp % 2 == 0 ? noise_rmse(film) : 0.0, density.albedo.x,
      density.albedo.y, density.albedo.z, density.phase_g, camera.position_mm.x, camera.position_mm.y,
      camera.position_mm.z, camera.fx, s.sphere.centre_mm.x, s.sphere.centre_mm.y, s.sphere.centre_mm.z,
      g.depth(), g.height(), g.width(), g.spacing_zyx_mm[0], g.spacing_zyx_mm[1], g.spacing_zyx_mm[2],
      g.origin_mm.x, g.origin_mm.y, g.origin_mm.z);
  const std::string prefix = value.at("out");
  if (prefix.empty()) return;
  write_plane(images.rgb_linear, prefix + ".mean.f32");
  write_plane(images.variance, prefix + ".variance.f32");
  write_plane(images.alpha, prefix + ".alpha.f32");
  write_plane(images.depth_mm, prefix + ".depth.f32");
  write_plane(images.albedo, prefix + ".albedo.f32");
  write_plane(images.normal, prefix + ".normal.f32");
  if (twin) write_plane(density.sigma_t_per_mm, prefix + ".sigma.f32");
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(argc, argv);
    return 0;
  } catch (const renderfm::Error& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return static_cast<int>(error.kind());
  }
}
