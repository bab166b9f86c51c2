// renderfm-view: an interactive page of a CT, or of Gaussians; or a server that makes such pages.

#include <fmt/core.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "common/cli_main.h"
#include "common/gaussian_sets.h"
#include "common/scan_options.h"
#include "renderfm/core/atomic_file.h"
#include "renderfm/core/check.h"
#include "renderfm/core/interrupt.h"
#include "renderfm/core/log.h"
#include "renderfm/server/service.h"
#include "renderfm/viewer/html_page.h"

namespace {

using namespace renderfm;
namespace fs = std::filesystem;

struct Options {
  std::string in, html, bind = "127.0.0.1";
  int port = -1;
  std::uint64_t max_upload_mb = 2048;
  bool overwrite = false;
  tools::ScanOptions scan;
};

void write_page(const Options& options) {
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

bool is_loopback(const std::string& address) { return address == "::1" || address.rfind("127.", 0) == 0; }

server::ServiceOptions service_options(const Options& options) {
  server::ServiceOptions service;
  service.programs = fs::read_symlink("/proc/self/exe").parent_path();
  service.scan_arguments = tools::scan_arguments(options.scan);
  for (const PresetInfo& preset : preset_list()) service.presets.push_back({preset.name, preset.description});
  service.max_upload_bytes = options.max_upload_mb << 20;
  service.loopback_only = is_loopback(options.bind);
  char name[256] = "";
  if (!service.loopback_only && ::gethostname(name, sizeof(name) - 1) == 0) service.host_name = name;
  return service;
}

void serve(const Options& options) {
  // Mistakes in what every scan will be read with are told now.
  const tools::TransferFunctionChoice choice(options.scan);
  if (choice.size() != 1) fail_usage("--serve starts with one transfer function; the page chooses others");
  if (!options.scan.model.empty() && options.scan.model != "primed" && !fs::exists(options.scan.model)) {
    fail_input("there is no model {}", options.scan.model);
  }
  if (!options.in.empty() && !fs::exists(options.in)) fail_input("there is no file {}", options.in);
  const NoteInterrupts interrupts;
  server::Service service(service_options(options));
  const server::HttpServer http(options.bind, options.port, {}, [&](const auto& request, auto& body) {
    return service.handle(request, body);
  });
  const std::string place =
      options.in.empty() ? "" : service.open_here(options.in, options.scan.labels, options.scan.tf.front());
  if (!is_loopback(options.bind)) {
    log_warning(
        "whoever can reach {} port {} over the network can use this server, and see a patient's scan where "
        "they see its address; nothing is encrypted",
        options.bind, http.port());
  }
  const std::string host =
      options.bind.find(':') == std::string::npos ? options.bind : "[" + options.bind + "]";
  fmt::print("http://{}:{}/{}\n", host, http.port(), place);
  std::fflush(stdout);
  while (!interrupts.stop_asked()) std::this_thread::sleep_for(std::chrono::milliseconds(50));
}

void view(const Options& options) {
  const bool serves = options.port >= 0;
  if (serves == !options.html.empty()) fail_usage("say what to make: either --html OUT.html or --serve PORT");
  if (serves) return serve(options);
  if (options.in.empty()) fail_usage("IN is missing; see renderfm-view --help");
  write_page(options);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  options.scan.max_gaussians = kPageGaussians;
  const tools::Program program{
      "renderfm-view",
      "Makes an interactive page of a CT, or of Gaussians: one file that needs no network. Or serves one to "
      "drop "
      "scans on.",
      "  renderfm-view ct.nii.gz --html scan.html\n"
      "  renderfm-view ct.nii.gz --html scan.html --labels segmentation.nii.gz --tf organs --tf bone\n"
      "  renderfm-view out.ply --html out.html --overwrite\n"
      "  renderfm-view --serve 8080\n"
      "  renderfm-view ct.nii.gz --serve 0 --model model.rfm"};
  return tools::run_tool(argc, argv, program, [&](CLI::App& app, const tools::CommonOptions&) {
    const std::string serving = "Serving";
    app.add_option("IN", options.in, "Gaussians (.ply .glb .spz .splat), or a CT as renderfm-infer takes it");
    app.add_option("--html", options.html, "Page to write (.html)");
    app.add_flag("--overwrite", options.overwrite, "Replace a page that is there already");
    app.add_option(
           "--serve", options.port,
           "Serve a page to drop scans on, to choose looks, fine-tune and download, on this port until "
           "Ctrl-C; 0 for any free one. Prints its address")
        ->default_str("")
        ->check(CLI::Range(0, 65535).description(""))
        ->group(serving);
    app.add_option("--bind", options.bind, "Address to serve on; the default is seen by this machine alone")
        ->group(serving);
    app.add_option("--max-upload", options.max_upload_mb, "Largest file to take, in MB")
        ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 20).description(""))
        ->group(serving);
    tools::add_scan_options(app, options.scan);
    return [&] { view(options); };
  });
}
