// renderfm-prepare: makes the data sets that training, fine-tuning and evaluation read.

#include <fmt/core.h>

#include <filesystem>
#include <string>
#include <vector>

#include "common/cli_main.h"
#include "common/image_size.h"
#include "renderfm/core/check.h"
#include "renderfm/data/path_traced_views.h"
#include "renderfm/data/prepare.h"
#include "renderfm/data/verify.h"

namespace {

using namespace renderfm;

struct Options {
  std::vector<std::string> ct, labels, tf{"auto"};
  std::string config, out, size = "512x512", shard, split = "train", device = "auto";
  int phantoms = 0, crop = 0, crops = 4, test_views = -1;
  bool population = false, no_contrast = false, verify = false, overwrite = false;
  data::PrepareConfig wish;  ///< the direct arguments end up here
};

/// The config that the direct arguments stand for.
data::PrepareConfig config_of(const Options& options, std::uint64_t seed) {
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
  if (options.phantoms != 0) {
    if (options.phantoms < 1) {
      fail_input("--phantom {} is not a number of phantoms; give 1 or more", options.phantoms);
    }
    data::ScanEntry entry;
    entry.kind = data::ScanEntry::Kind::kPhantoms;
    entry.phantoms = options.phantoms;
    entry.first_seed = seed;
    entry.population = options.population;
    entry.contrast = !options.no_contrast;
    entry.split = options.split;
    config.scans.push_back(entry);
  }
  config.looks.presets = options.tf;
  if (options.test_views != -1) {
    config.views.test = options.test_views;
  } else {
    config.views.test = (config.views.train + 3) / 4;
  }
  if (options.crop > 0) {
    config.scenes.boxes = options.crops;
    config.scenes.box_voxels = options.crop;
    config.scenes.whole = 0;
  }
  const auto [width, height] = tools::parse_image_size(options.size);
  config.views.width = width;
  config.views.height = height;
  return config;
}

void verify(const Options& options) {
  const data::VerifySummary summary = data::verify_dataset(options.out);
  for (const std::string& problem : summary.problems) fmt::print("{}\n", problem);
  if (!summary.problems.empty()) {
    fail_input("{}: {} problems in {} cases; make those cases again with the command that made them",
               options.out, summary.problems.size(), summary.cases);
  }
  fmt::print("{}: {} cases with {} views are whole\n", options.out, summary.cases, summary.views);
}

void run(const Options& options, std::uint64_t seed) {
  if (options.verify) return verify(options);
  const bool direct = !options.ct.empty() || options.phantoms != 0;
  if (!options.config.empty() && direct)
    fail_usage("--config says which scans to take; leave CT and --phantom out");
  if (options.config.empty() && !direct)
    fail_usage("name CTs, --phantom N or --config F; see renderfm-prepare --help");
  const data::PrepareConfig config = options.config.empty()
                                         ? config_of(options, seed)
                                         : data::prepare_config(ConfigNode::parse_file(options.config));
  data::PrepareRun prepare_run{options.out, 0, 1, options.overwrite};
  data::set_shard(prepare_run, options.shard);
  data::check_prepare_config(config);
  const data::PrepareSummary summary =
      data::prepare(config, prepare_run, data::path_traced_views(config, options.device));
  fmt::print("{}: {} cases, {} of them made now with {} new views\n", options.out, summary.planned,
             summary.made, summary.views_made);
  if (!summary.contact_sheet.empty()) fmt::print("{}\n", summary.contact_sheet.string());
}

}  // namespace

int main(int argc, char** argv) {
  const tools::Program program{
      "renderfm-prepare", "Makes data sets: scans or boxes of them x transfer functions x path-traced views.",
      "  renderfm-prepare ct.nii.gz --labels segmentation.nii.gz --tf bone --out data\n"
      "  renderfm-prepare --phantom 20 --crop 96 --tf bone,organs --views 24 --out data\n"
      "  renderfm-prepare --phantom 1 --views 0 --out phantom\n"
      "  renderfm-prepare --config configs/prepare/paper.yaml --out data --shard 0/16\n"
      "  renderfm-prepare --verify --out data\n"};
  Options options;
  return tools::run_tool(argc, argv, program, [&](CLI::App& app, const tools::CommonOptions& common) {
    const std::string scans = "Scans", scenes = "Scenes and looks", views = "Views";
    app.add_option("--out", options.out, "Folder of the data set, one folder a case")->required();
    app.add_option("--config", options.config, "YAML that says all of this and more; see configs/prepare");
    app.add_option("--shard", options.shard,
                   "I/N: make the I-th of N equal parts, from 0; a Slurm array by itself");
    app.add_flag("--verify", options.verify, "Check what --out holds instead");
    app.add_flag("--overwrite", options.overwrite, "Replace cases that were made with other settings");
    app.add_option("CT", options.ct, "NIfTI, NRRD or MetaImage files, DICOM folders or zips")->group(scans);
    app.add_option("--labels", options.labels, "Organ labels of each CT, in order")->group(scans);
    app.add_option("--phantom", options.phantoms, "Make N procedural CTs; seeds count up from --seed")
        ->group(scans);
    app.add_flag("--population", options.population, "Phantoms of all ages, builds and findings")
        ->group(scans);
    app.add_flag("--no-contrast", options.no_contrast, "Phantoms without contrast agent")->group(scans);
    app.add_option("--split", options.split, "train, validation or test")
        ->check(CLI::IsMember({"train", "validation", "test"}).description(""))
        ->group(scans);
    app.add_option("--spacing", options.wish.scenes.spacing, "Voxel size in mm, native, or auto")
        ->group(scenes);
    app.add_option("--crop", options.crop, "Boxes of so many voxels a side instead of whole scans")
        ->check(CLI::Range(1, 4096).description(""))
        ->group(scenes);
    app.add_option("--crops", options.crops, "Boxes per scan and transfer function")
        ->check(CLI::Range(1, 100000).description(""))
        ->group(scenes);
    app.add_option("--tf", options.tf, "Transfer functions: auto, presets or files, comma separated")
        ->delimiter(',')
        ->group(scenes);
    app.add_option("--random-tf", options.wish.looks.random, "Random transfer functions besides")
        ->group(scenes);
    app.add_option("--views", options.wish.views.train, "Training views a case")->group(views);
    app.add_option("--test-views", options.test_views,
                   "Held-out views a case; by default a quarter of --views")
        ->default_str("")
        ->group(views);
    app.add_option("--size", options.size, "WIDTHxHEIGHT in pixels")->group(views);
    app.add_option("--spp", options.wish.views.samples, "Samples per pixel of training views")->group(views);
    app.add_option("--test-spp", options.wish.views.test_samples, "The same of held-out views")->group(views);
    app.add_option("--denoise", options.wish.views.denoise,
                   "Training views: auto (where OIDN is found), on, off")
        ->group(views);
    app.add_option("--device", options.device, "Where paths are traced: auto, cpu or cuda")
        ->check(CLI::IsMember({"auto", "cpu", "cuda"}).description(""))
        ->group(views);
    app.add_option("--light", options.wish.light, "uniform, studio, or a YAML file")->group(views);
    return [&] { run(options, common.seed); };
  });
}
