#include "common/pictures.h"

#include <fmt/core.h>

#include "common/film.h"
#include "common/image_size.h"
#include "renderfm/core/atomic_file.h"
#include "renderfm/core/check.h"
#include "renderfm/image/contact_sheet.h"
#include "renderfm/image/image_io.h"

namespace renderfm::tools {
namespace {

namespace fs = std::filesystem;

void check_folder(const fs::path& folder, bool may_hold_something) {
  if (fs::exists(folder) && !fs::is_directory(folder)) {
    fail_input("cannot write to {}: it is a file; several pictures need a folder", folder.string());
  }
  if (fs::is_directory(folder) && !fs::is_empty(folder) && !may_hold_something) {
    fail_input("the folder {} is not empty; name another or add --overwrite", folder.string());
  }
}

}  // namespace

void add_picture_options(CLI::App& app, PictureOptions& options) {
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
  app.add_flag("--overwrite", options.overwrite, "Write into a folder that is not empty");
}

Pictures::Pictures(const PictureOptions& options, fs::path out, bool continuing)
    : options_(options), out_(std::move(out)) {
  const auto [width, height] = parse_image_size(options_.size);
  width_ = width;
  height_ = height;
  if (!options_.cameras.empty()) cameras_ = read_cameras_json(options_.cameras);
  if (film()) {
    if (cameras_.empty()) Film::check(out_, width_, height_);
    check_writable(out_);
    return;
  }
  if (folder()) {
    check_folder(out_, options_.overwrite || continuing);
    return;
  }
  if (out_.extension() != ".png") {
    fail_input("cannot write {}: pictures are written as .png", out_.string());
  }
  check_writable(out_);
}

std::int64_t Pictures::view_count(std::size_t subjects) const {
  if (folder() && subjects > 1) {
    fail_usage("--orbit and --cameras draw one transfer function; give a single --tf");
  }
  if (!options_.cameras.empty()) return static_cast<std::int64_t>(cameras_.size());
  if (options_.orbit > 0) return options_.orbit;
  return static_cast<std::int64_t>(subjects) * (options_.four_sides ? 4 : 1);
}

Camera Pictures::orbit_view(const Subject& subject, double azimuth_deg) const {
  return orbit_camera(subject.sphere, azimuth_deg, options_.elevation_deg, width_, height_);
}

std::vector<Pictures::Captioned> Pictures::sheet_views(const Subject& subject, bool alone,
                                                       std::size_t first_part) const {
  std::vector<Captioned> views;
  const auto add = [&](double azimuth_deg, const std::string& caption) {
    const fs::path stem = fs::path(out_).replace_extension();
    const std::size_t part = first_part + views.size();
    views.push_back(
        {{orbit_view(subject, azimuth_deg),
          alone && !options_.four_sides ? stem : fs::path(fmt::format("{}.{}", stem.string(), part))},
         caption});
  };
  if (!options_.four_sides) {
    add(options_.azimuth_deg, subject.name);
    return views;
  }
  const std::string prefix = alone ? "" : subject.name + ": ";
  add(0, prefix + "front");
  add(90, prefix + "patient's left");
  add(180, prefix + "back");
  add(270, prefix + "patient's right");
  return views;
}

void Pictures::draw(std::size_t subjects, const std::function<Subject(std::size_t n)>& make_subject) const {
  view_count(subjects);
  if (film()) return draw_film(make_subject(0));
  if (folder()) return draw_folder(make_subject(0));
  draw_sheet(subjects, make_subject);
}

void Pictures::draw_sheet(std::size_t subjects,
                          const std::function<Subject(std::size_t n)>& make_subject) const {
  std::vector<CaptionedImage> images;
  std::vector<std::function<void()>> afterwards;
  for (std::size_t n = 0; n < subjects; ++n) {
    const Subject subject = make_subject(n);
    for (const auto& [view, caption] : sheet_views(subject, subjects == 1, images.size())) {
      images.push_back({subject.draw(view), caption});
      if (subject.written) {
        afterwards.emplace_back([written = subject.written, view = view] { written(view); });
      }
    }
  }
  write_png(images.size() == 1 ? images.front().srgb : contact_sheet(images, options_.four_sides ? 4 : 3),
            out_);
  for (const auto& action : afterwards) action();
  fmt::print("{}\n", out_.string());
}

std::vector<NamedCamera> Pictures::series(const Subject& subject) const {
  std::vector<NamedCamera> cameras = cameras_;
  for (int n = 0; n < options_.orbit; ++n) {
    cameras.push_back(
        {orbit_view(subject, options_.azimuth_deg + 360.0 * n / options_.orbit), fmt::format("{:03}", n)});
  }
  return cameras;
}

void Pictures::draw_film(const Subject& subject) const {
  constexpr int kFramesPerSecond = 30;
  const std::vector<NamedCamera> cameras = series(subject);
  const Camera& first = cameras.front().camera;
  Film film(out_, first.width, first.height, kFramesPerSecond);
  std::vector<PlannedView> views;
  for (const auto& [camera, name] : cameras) {
    views.push_back({camera, fs::path(fmt::format("{}.{}", out_.string(), name))});
    film.add(subject.draw(views.back()));
  }
  film.finish();
  for (const PlannedView& view : views) {
    if (subject.written) subject.written(view);
  }
  fmt::print("{}: {} pictures, {:.1f} s\n", out_.string(), cameras.size(),
             static_cast<double>(cameras.size()) / kFramesPerSecond);
}

void Pictures::draw_folder(const Subject& subject) const {
  std::error_code error;
  fs::create_directories(out_, error);
  if (error) fail_input("cannot create the folder {}: {}", out_.string(), error.message());
  const std::vector<NamedCamera> cameras = series(subject);
  for (const auto& [camera, name] : cameras) {
    const PlannedView view{camera, out_ / name};
    const torch::Tensor picture = subject.draw(view);
    if (picture.defined()) write_png(picture, fs::path(view.stem.string() + ".png"));
    if (subject.written) subject.written(view);
  }
  fmt::print("{}: {} pictures\n", out_.string(), cameras.size());
}

}  // namespace renderfm::tools
