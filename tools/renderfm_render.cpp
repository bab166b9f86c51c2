// renderfm-render: pictures of Gaussians, or of a CT by way of them.

#include <fmt/core.h>

#include <array>
#include <charconv>
#include <filesystem>

#include "common/cli_main.h"
#include "common/scan_options.h"
#include "renderfm/core/atomic_file.h"
#include "renderfm/core/check.h"
#include "renderfm/core/progress.h"
#include "renderfm/gaussian/file_report.h"
#include "renderfm/gaussian/gaussian_file.h"
#include "renderfm/image/contact_sheet.h"
#include "renderfm/image/image_io.h"
#include "renderfm/model/gaussian_view.h"
#include "renderfm/raster/rasterize.h"
#include "renderfm/view/cameras_json.h"

namespace {

using namespace renderfm;
namespace fs = std::filesystem;

constexpr int kMaxSide = 16384;

struct Options {
  std::string in, out, size = "512x512", cameras;
  double azimuth_deg = 0, elevation_deg = 0;
  int orbit = 0;
  bool four_sides = false, overwrite = false, check = false, json = false;
  tools::ScanOptions scan;
};

std::array<int, 2> parse_size(const std::string& text) {
  std::array<int, 2> size{};
  const char* const end = text.data() + text.size();
  const auto width = std::from_chars(text.data(), end, size[0]);
  const bool has_cross = width.ec == std::errc() && width.ptr != end && *width.ptr == 'x';
  const auto height = has_cross ? std::from_chars(width.ptr + 1, end, size[1]) : width;
  const bool whole = has_cross && height.ec == std::errc() && height.ptr == end;
  if (!whole || size[0] < 1 || size[1] < 1 || size[0] > kMaxSide || size[1] > kMaxSide) {
    fail_input("--size {} is not understood; give WIDTHxHEIGHT in pixels, at most {} each, such as 800x600",
               text, kMaxSide);
  }
  return size;
}

/// One set per transfer function; a file of Gaussians has the one it was made with.
std::vector<GaussianSet> load_gaussians(const Options& options) {
  if (tools::is_gaussian_file(options.in)) {
    return {select_organs(read_gaussians(options.in), options.scan.organs)};
  }
  const tools::TransferFunctionChoice choice(options.scan);
  const auto network = tools::load_network(options.scan);
  const Scene scene = tools::load_scene(options.in, options.scan, network.get());
  std::vector<GaussianSet> sets;
  for (const TransferFunction& tf : choice.resolve(scene)) {
    sets.push_back(tools::predict(scene, tf, options.scan, network.get()).gaussians);
  }
  return sets;
}

torch::Tensor draw(const GaussianSet& set, const Camera& camera) {
  return raster::rasterize(set, {camera}).rgb[0].clamp(0, 1);
}

void draw_frames(const GaussianSet& set, const std::vector<NamedCamera>& cameras, const Options& options) {
  const fs::path folder = options.out;
  if (fs::exists(folder) && !fs::is_directory(folder)) {
    fail_input("cannot write to {}: it is a file; several pictures need a folder", folder.string());
  }
  if (fs::is_directory(folder) && !fs::is_empty(folder) && !options.overwrite) {
    fail_input("the folder {} is not empty; name another or add --overwrite", folder.string());
  }
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail_input("cannot create the folder {}: {}", folder.string(), error.message());
  Progress progress("drawing", static_cast<std::int64_t>(cameras.size()));
  for (const auto& [camera, name] : cameras) {
    write_png(draw(set, camera), folder / (name + ".png"));
    progress.advance();
  }
  fmt::print("{}: {} pictures\n", folder.string(), cameras.size());
}

/// Prints what the file holds; a file with problems is bad input.
void check_file(const Options& options) {
  const FileReport report = inspect_gaussian_file(options.in);
  fmt::print("{}", options.json ? to_json(report) : to_text(report));
  if (!report.problems.empty()) fail_input("{}: {}", options.in, report.problems.front());
}

void render(const Options& options) {
  if (options.check) return check_file(options);
  if (options.out.empty()) fail_usage("OUT is missing; see renderfm-render --help");
  const auto [width, height] = parse_size(options.size);
  const bool frames = options.orbit > 0 || !options.cameras.empty();
  std::vector<NamedCamera> cameras;
  if (!options.cameras.empty()) cameras = read_cameras_json(options.cameras);
  if (!frames) {
    if (fs::path(options.out).extension() != ".png") {
      fail_input("cannot write {}: pictures are written as .png", options.out);
    }
    check_writable(options.out);
  }
  const std::vector<GaussianSet> sets = load_gaussians(options);
  if (frames && sets.size() > 1)
    fail_usage("--orbit and --cameras draw one transfer function; give a single --tf");
  if (frames) {
    const ViewSphere sphere = view_sphere(sets.front());
    for (int n = 0; n < options.orbit; ++n) {
      const double azimuth_deg = options.azimuth_deg + 360.0 * n / options.orbit;
      cameras.push_back(
          {orbit_camera(sphere, azimuth_deg, options.elevation_deg, width, height), fmt::format("{:03}", n)});
    }
    return draw_frames(sets.front(), cameras, options);
  }

  std::vector<CaptionedImage> images;
  for (const GaussianSet& set : sets) {
    const ViewSphere sphere = view_sphere(set);
    const auto add = [&, width = width, height = height](double azimuth_deg, const std::string& caption) {
      images.push_back(
          {draw(set, orbit_camera(sphere, azimuth_deg, options.elevation_deg, width, height)), caption});
    };
    if (options.four_sides) {
      const std::string prefix = sets.size() > 1 ? set.transfer_function + ": " : "";
      add(0, prefix + "front");
      add(90, prefix + "patient's left");
      add(180, prefix + "back");
      add(270, prefix + "patient's right");
    } else {
      add(options.azimuth_deg, set.transfer_function);
    }
  }
  write_png(images.size() == 1 ? images.front().srgb : contact_sheet(images, options.four_sides ? 4 : 3),
            options.out);
  fmt::print("{}\n", options.out);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  const tools::Program program{
      "renderfm-render", "Draws Gaussians, or a CT by way of them.",
      "  renderfm-render out.ply picture.png --azimuth 30 --elevation 10 --size 1024x1024\n"
      "  renderfm-render out.ply sides.png --four-sides --organs skeleton,aorta\n"
      "  renderfm-render out.ply turntable --orbit 72\n"
      "  renderfm-render ct.nii.gz presets.png --tf all\n"
      "  renderfm-render out.ply views --cameras transforms.json\n"
      "  renderfm-render --check out.spz"};
  return tools::run_tool(argc, argv, program, [&](CLI::App& app, const tools::CommonOptions&) {
    app.add_option("IN", options.in, "Gaussians (.ply .glb .spz .splat), or a CT as renderfm-infer takes it")
        ->required();
    app.add_option("OUT", options.out, "Picture to write (.png); a folder for --orbit and --cameras");
    app.add_option("--azimuth", options.azimuth_deg,
                   "Degrees around the patient: 0 looks at the front, 90 at the left side");
    app.add_option("--elevation", options.elevation_deg, "Degrees towards the head")
        ->check(CLI::Range(-90.0, 90.0).description(""));
    app.add_option("--size", options.size, "WIDTHxHEIGHT in pixels");
    auto* const cameras =
        app.add_option("--cameras", options.cameras, "Draw every camera of a transforms.json");
    auto* const orbit = app.add_option("--orbit", options.orbit, "Draw a turntable of N pictures")
                            ->default_str("")
                            ->check(CLI::Range(1, 100000).description(""));
    auto* const sides =
        app.add_flag("--four-sides", options.four_sides, "Draw front, left, back and right in a row");
    cameras->excludes(orbit);
    sides->excludes(cameras)->excludes(orbit);
    auto* const check =
        app.add_flag("--check", options.check,
                     "Say what a file of Gaussians holds and what is wrong with it; draw nothing");
    app.add_flag("--json", options.json, "Print --check as JSON")->needs(check);
    app.add_flag("--overwrite", options.overwrite, "Write into a folder that is not empty");
    tools::add_scan_options(app, options.scan);
    return [&] { render(options); };
  });
}
