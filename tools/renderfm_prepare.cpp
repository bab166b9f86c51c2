// renderfm-prepare: makes the cases that training, tests and demos read. So far: procedural CTs with labels.

#include <fmt/core.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "common/cli_main.h"
#include "renderfm/core/atomic_file.h"
#include "renderfm/core/check.h"
#include "renderfm/core/progress.h"
#include "renderfm/volume/image_io.h"
#include "renderfm/volume/phantom.h"

namespace {

using namespace renderfm;
namespace fs = std::filesystem;

struct Options {
  int phantoms = 0;
  std::string out;
  double spacing_mm = PhantomOptions{}.spacing_mm;
  bool no_contrast = false, overwrite = false;
};

struct CasePlan {
  std::uint64_t seed;
  fs::path folder;
  fs::path ct() const { return folder / "ct.nii.gz"; }
  fs::path labels() const { return folder / "labels.nii.gz"; }
};

// Named after the seed, so that a second call with other seeds adds to the folder.
std::vector<CasePlan> plan_cases(const Options& options, std::uint64_t first_seed) {
  if (options.phantoms < 1)
    fail_input("--phantom {} is not a number of phantoms; give 1 or more", options.phantoms);
  std::vector<CasePlan> cases;
  for (int n = 0; n < options.phantoms; ++n) {
    const std::uint64_t seed = first_seed + static_cast<std::uint64_t>(n);
    cases.push_back({seed, fs::path(options.out) / fmt::format("phantom_{:04}", seed)});
  }
  if (options.overwrite) return cases;
  for (const CasePlan& plan : cases) {
    for (const fs::path& path : {plan.ct(), plan.labels()}) {
      if (fs::exists(path)) {
        fail_input("{} exists already; choose another --out or --seed, or give --overwrite", path.string());
      }
    }
  }
  return cases;
}

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail_input("the folder {} cannot be made: {}", folder.string(), error.message());
}

void write_case(const CasePlan& plan, const Options& options) {
  PhantomOptions wish;
  wish.seed = plan.seed;
  wish.spacing_mm = options.spacing_mm;
  wish.contrast = !options.no_contrast;
  const Phantom phantom = make_phantom(wish);
  write_nifti(phantom.ct, plan.ct());
  write_nifti(phantom.labels, plan.labels());
  const Geometry& grid = phantom.ct.geometry;
  fmt::print("{}: {} x {} x {} voxels of {} mm, {} labels, {}, seed {}\n", plan.folder.string(), grid.width(),
             grid.height(), grid.depth(), options.spacing_mm, phantom.labels.names.size(),
             wish.contrast ? "with contrast" : "without contrast", plan.seed);
  std::fflush(stdout);  // whoever reads along learns of each case when it is there
}

}  // namespace

int main(int argc, char** argv) {
  const tools::Program program{
      "renderfm-prepare", "Makes procedural torso CTs with organ labels, one folder for each.",
      "  renderfm-prepare --phantom 1 --out phantoms\n"
      "  renderfm-prepare --phantom 20 --seed 100 --spacing 2 --no-contrast --out phantoms\n"};
  Options options;
  return tools::run_tool(argc, argv, program, [&](CLI::App& app, const tools::CommonOptions& common) {
    app.add_option("--phantom", options.phantoms,
                   "How many procedural CTs to make; seeds count up from --seed")
        ->required();
    app.add_option("--out", options.out, "Folder for the cases phantom_SEED/{ct,labels}.nii.gz")->required();
    app.add_option("--spacing", options.spacing_mm, "Voxel size in mm");
    app.add_flag("--no-contrast", options.no_contrast, "A plain scan, without contrast agent");
    app.add_flag("--overwrite", options.overwrite, "Replace cases that exist");
    return [&] {
      const auto cases = plan_cases(options, common.seed);
      check_phantom_options({common.seed, options.spacing_mm});
      for (const CasePlan& plan : cases) {
        make_folder(plan.folder);
        check_writable(plan.labels());
      }
      Progress progress("phantoms", static_cast<std::int64_t>(cases.size()));
      for (const CasePlan& plan : cases) {
        write_case(plan, options);
        progress.advance();
      }
    };
  });
}
