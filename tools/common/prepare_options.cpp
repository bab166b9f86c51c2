#include "common/prepare_options.h"

#include "common/image_size.h"
#include "renderfm/core/check.h"

namespace renderfm::tools {

namespace {

constexpr const char *kScans = "Scans", *kScenes = "Scenes and looks", *kViews = "Views";

}  // namespace

void add_prepare_options(CLI::App& app, PrepareOptions& options) {
  data::PrepareConfig& wish = options.wish;
  app.add_option("CT", options.ct, "NIfTI, NRRD or MetaImage files, DICOM folders or zips")->group(kScans);
  app.add_option("--labels", options.labels, "Organ labels of each CT, in order")->group(kScans);
  app.add_option(
         "--phantom", options.phantoms,
         "Make N procedural CTs, patients of all ages, builds and findings; seeds count up from --seed")
      ->group(kScans);
  app.add_flag("--healthy", options.healthy, "Phantoms of the same healthy man, small variations apart")
      ->group(kScans);
  app.add_flag("--no-contrast", options.no_contrast, "Phantoms without contrast agent")->group(kScans);
  app.add_option("--split", options.split, "train, validation or test")
      ->check(CLI::IsMember({"train", "validation", "test"}).description(""))
      ->group(kScans);
  app.add_option("--spacing", wish.scenes.spacing, "Voxel size in mm, native, or auto")->group(kScenes);
  app.add_option("--crop", options.crop, "Boxes of so many voxels a side instead of whole scans")
      ->check(CLI::Range(1, 4096).description(""))
      ->group(kScenes);
  app.add_option("--crops", options.crops, "Boxes per scan and transfer function")
      ->check(CLI::Range(1, 100000).description(""))
      ->group(kScenes);
  app.add_option("--tf", options.tf, "Transfer functions: auto, presets or files, comma separated")
      ->delimiter(',')
      ->group(kScenes);
  app.add_option("--random-tf", wish.looks.random, "Random transfer functions besides")
      ->check(CLI::Range(0, 10000).description(""))
      ->group(kScenes);
  app.add_option("--views", wish.views.count.train,
                 "Training views a case; 0 and no --test-views make CT and labels alone")
      ->group(kViews);
  app.add_option("--test-views", options.test_views, "Held-out views a case; by default a quarter of --views")
      ->group(kViews);
  app.add_option("--close-ups", wish.views.close_ups,
                 "Share of the views that look at a place of the surface from near by")
      ->check(CLI::Range(0.0, 1.0).description(""))
      ->group(kViews);
  app.add_option("--size", options.size, "WIDTHxHEIGHT in pixels")->group(kViews);
  app.add_option("--spp", wish.views.samples, "Samples per pixel of training views")->group(kViews);
  app.add_option("--test-spp", wish.views.test_samples, "The same of held-out views")->group(kViews);
  app.add_option("--denoise", wish.views.denoise, "Training views: auto (where OIDN is found), on, off")
      ->group(kViews);
  app.add_flag("--maps", wish.views.maps,
               "Alpha and depth of every view, too, for loss.alpha and loss.depth of training")
      ->group(kViews);
  app.add_option("--light", wish.light, "uniform, studio, or a YAML file")->group(kViews);
}

std::string given_prepare_option(const CLI::App& app) {
  for (const CLI::Option* option : app.get_options()) {
    const std::string& group = option->get_group();
    if ((group == kScans || group == kScenes || group == kViews) && option->count() > 0) {
      return option->get_name();
    }
  }
  return "";
}

bool names_scans(const PrepareOptions& options) { return !options.ct.empty() || options.phantoms; }

data::PrepareConfig prepare_config(const PrepareOptions& options, std::uint64_t seed) {
  data::PrepareConfig config = options.wish;
  config.seed = seed;
  if (options.labels.size() > options.ct.size()) fail_usage("there are more --labels than CTs");
  for (std::size_t n = 0; n < options.ct.size(); ++n) {
    data::ScanEntry entry;
    entry.path = options.ct[n];
    if (n < options.labels.size()) entry.files.labels = options.labels[n];
    entry.split = options.split;
    config.scans.push_back(entry);
  }
  if (options.phantoms) {
    if (*options.phantoms < 1) {
      fail_input("--phantom {} is not a number of phantoms; give 1 or more", *options.phantoms);
    }
    data::ScanEntry entry;
    entry.kind = data::ScanEntry::Kind::kPhantoms;
    entry.phantoms = *options.phantoms;
    entry.first_seed = seed;
    entry.population = !options.healthy;
    entry.contrast = !options.no_contrast;
    entry.split = options.split;
    config.scans.push_back(entry);
  }
  config.looks.presets = options.tf;
  config.views.count.test = options.test_views.value_or((config.views.count.train + 3) / 4);
  if (options.crop > 0) {
    config.scenes.boxes = options.crops;
    config.scenes.box_voxels = options.crop;
    config.scenes.whole = 0;
  }
  const auto [width, height] = parse_image_size(options.size);
  config.views.width = width;
  config.views.height = height;
  return config;
}

}  // namespace renderfm::tools
