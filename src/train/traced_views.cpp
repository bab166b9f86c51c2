#include "renderfm/train/traced_views.h"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <fstream>
#include <sstream>

#include "renderfm/core/atomic_file.h"
#include "renderfm/core/check.h"
#include "renderfm/core/log.h"
#include "renderfm/core/progress.h"
#include "renderfm/data/view_plan.h"
#include "renderfm/image/image_io.h"
#include "renderfm/math/rng.h"
#include "renderfm/view/cameras_json.h"

namespace renderfm {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMadeFrom = "made_from.txt";
constexpr int kHeldOutShare = 4, kLeastHeldOut = 3;

template <class T>
std::uint64_t hash_of(std::uint64_t hash, const std::vector<T>& values) {
  const auto* const bytes = reinterpret_cast<const unsigned char*>(values.data());
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < values.size() * sizeof(T); ++i) {
    word = word << 8 | bytes[i];
    if (i % 8 == 7) hash = mix64(hash ^ word) + i;
  }
  return mix64(hash ^ word) + values.size();
}

std::uint64_t hash_of(const Medium& medium) {
  std::uint64_t hash = hash_of(1, medium.hu());
  hash = hash_of(hash, medium.class_map());
  hash = hash_of(hash, medium.gradient_factor());
  for (const MediumClass& c : medium.classes()) hash = hash_of(hash_of(hash, c.sigma_t_per_mm), c.srgb);
  return hash;
}

/// Everything that decides the pictures.
std::string made_from(const Medium& medium, const ViewSphere& sphere, const data::Renderer& renderer,
                      const TracedViewsOptions& o, int held_out) {
  return fmt::format(
      "scan and look {:016x}\nsphere {} {} {} {}\nviews {} + {} of {} x {}\nsamples {} + {}, {}\nseed {}\n",
      hash_of(medium), sphere.centre_mm.x, sphere.centre_mm.y, sphere.centre_mm.z, sphere.radius_mm, o.train,
      held_out, o.width, o.height, o.train_samples, o.held_out_samples, renderer.denoiser, o.seed);
}

/// Starts the folder, or makes sure that it holds the beginning of the same views.
void claim(const fs::path& folder, const std::string& text) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail_input("the folder {} cannot be made: {}", folder.string(), error.message());
  std::ifstream stream(folder / kMadeFrom);
  if (!stream) {
    if (!fs::is_empty(folder)) {
      fail_input("{} holds other files; name an empty folder for the traced views", folder.string());
    }
    AtomicFile file(folder / kMadeFrom);
    file.write(text);
    file.commit();
    return;
  }
  std::ostringstream found;
  found << stream.rdbuf();
  if (found.str() != text) {
    fail_input("the views in {} were traced from another scan, look or settings; delete it to trace anew",
               folder.string());
  }
}

std::vector<NamedCamera> cameras_of(const std::vector<data::ViewDirection>& directions, int first,
                                    const ViewSphere& sphere, const TracedViewsOptions& options) {
  std::vector<NamedCamera> cameras;
  for (const data::ViewDirection& d : directions) {
    const int number = first + static_cast<int>(cameras.size());
    cameras.push_back({orbit_camera(sphere, d.azimuth_deg, d.elevation_deg, options.width, options.height),
                       fmt::format("{:03}", number)});
  }
  return cameras;
}

}  // namespace

ViewSplit trace_views(const Medium& medium, const ViewSphere& sphere, const data::Renderer& renderer,
                      const TracedViewsOptions& options, const fs::path& folder) {
  RFM_CHECK(options.train > 0 && options.held_out >= 0, "{} and {} views cannot be traced", options.train,
            options.held_out);
  const int held_out =
      options.held_out > 0 ? options.held_out : std::max(kLeastHeldOut, options.train / kHeldOutShare);
  claim(folder, made_from(medium, sphere, renderer, options, held_out));
  const data::ViewPlan plan = data::plan_views(options.train, held_out, options.seed);
  const std::vector<NamedCamera> train = cameras_of(plan.train, 0, sphere, options);
  const std::vector<NamedCamera> test = cameras_of(plan.test, options.train, sphere, options);
  const bool denoised = renderer.denoiser != "none";
  log_info("path tracing {} views of {} samples ({}) and {} held-out ones of {}", options.train,
           options.train_samples, denoised ? "denoised" : "not denoised", held_out, options.held_out_samples);

  // In samples: a held-out view takes many times as long.
  Progress progress("path tracing", std::int64_t{options.train} * options.train_samples +
                                        std::int64_t{held_out} * options.held_out_samples);
  const auto trace = [&](const std::vector<NamedCamera>& cameras, int samples, bool denoise) {
    for (const NamedCamera& view : cameras) {
      const fs::path png = folder / (view.name + ".png");
      if (fs::exists(png)) {
        progress.skip(samples);
      } else {
        const std::uint64_t number = static_cast<std::uint64_t>(std::stoi(view.name));
        std::vector<float> srgb =
            renderer.make(medium, hash64(options.seed, number))->render(view.camera, samples, denoise).srgb;
        write_png(torch::from_blob(srgb.data(), {3, options.height, options.width}, torch::kFloat32), png);
        progress.advance(samples);
      }
    }
  };
  trace(train, options.train_samples, denoised);
  trace(test, options.held_out_samples, false);
  write_cameras_json(train, folder / "transforms_train.json");
  write_cameras_json(test, folder / "transforms_test.json");
  return read_view_split(folder);
}

}  // namespace renderfm
