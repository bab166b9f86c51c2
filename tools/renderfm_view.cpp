// renderfm-view: an interactive page of a CT, or of Gaussians.

#include <fmt/core.h>

#include <filesystem>

#include "common/cli_main.h"
#include "common/gaussian_sets.h"
#include "common/scan_options.h"
#include "renderfm/core/atomic_file.h"
#include "renderfm/core/check.h"
#include "renderfm/viewer/html_page.h"

namespace {

using namespace renderfm;
namespace fs = std::filesystem;

struct Options {
  std::string in, html;
  bool overwrite = false;
  tools::ScanOptions scan;
};

void view(const Options& options) {
  const fs::path out = options.html;
  if (out.extension() != ".html") fail_input("cannot write {}: a page is written as .html", out.string());
  if (fs::exists(out) && !options.overwrite) {
    fail_input("{} is there already; name another file or add --overwrite", out.string());
  }
  check_writable(out);
  const std::vector<GaussianSet> sets = tools::load_gaussians(options.in, options.scan);
  write_html(sets, out);
  std::int64_t count = 0;
  for (const GaussianSet& set : sets) count += set.size();
  fmt::print("{}: {} Gaussians, {:.1f} MB; open it in a browser\n", out.string(), count,
             static_cast<double>(fs::file_size(out)) / 1e6);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  options.scan.max_gaussians = kPageGaussians;
  const tools::Program program{
      "renderfm-view", "Makes an interactive page of a CT, or of Gaussians: one file that needs no network.",
      "  renderfm-view ct.nii.gz --html scan.html\n"
      "  renderfm-view ct.nii.gz --html scan.html --labels segmentation.nii.gz --tf organs --tf bone\n"
      "  renderfm-view out.ply --html out.html --overwrite"};
  return tools::run_tool(argc, argv, program, [&](CLI::App& app, const tools::CommonOptions&) {
    app.add_option("IN", options.in, "Gaussians (.ply .glb .spz .splat), or a CT as renderfm-infer takes it")
        ->required();
    app.add_option("--html", options.html, "Page to write (.html)")->required();
    app.add_flag("--overwrite", options.overwrite, "Replace a page that is there already");
    tools::add_scan_options(app, options.scan);
    return [&] { view(options); };
  });
}
