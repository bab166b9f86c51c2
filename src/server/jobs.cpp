// What a job does: which programs it runs, with which files.
#include <fmt/core.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <optional>
#include <sstream>

#include "renderfm/core/check.h"
#include "renderfm/server/http_message.h"
#include "server/scan_store.h"

namespace renderfm::server {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

/// Fills in what the header of a .ply that we wrote says.
void describe(const fs::path& ply, Look& look) {
  std::ifstream stream(ply, std::ios::binary);
  constexpr int kMostLines = 2000;
  std::string line;
  for (int n = 0; n < kMostLines && std::getline(stream, line) && line != "end_header"; ++n) {
    std::istringstream words(line);
    std::string first, second;
    words >> first >> second;
    if (first == "element" && second == "vertex") words >> look.count;
    if (first != "comment") continue;
    if (second == "transfer_function") std::getline(words >> std::ws, look.title);
    if (second == "model") std::getline(words >> std::ws, look.model);
    if (second == "view_sphere") {
      look.sphere.assign(4, 0);
      for (double& value : look.sphere) words >> value;
      if (!words) look.sphere.clear();
    }
  }
}

/// The points of renderfm-finetune --curve.
std::vector<CurvePoint> read_curve(const fs::path& csv) {
  std::ifstream stream(csv);
  std::vector<CurvePoint> curve;
  std::string line;
  std::getline(stream, line);  // names of the columns
  while (std::getline(stream, line)) {
    CurvePoint point;
    char comma = 0;
    std::istringstream words(line);
    if (words >> point.step >> comma >> point.seconds >> comma >> point.psnr_db) curve.push_back(point);
  }
  return curve;
}

/// What tells one version of a file that is replaced from the next; none where there is no file.
std::optional<ino_t> version_of(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return {};
  return status.st_ino;
}

void append(std::vector<std::string>& to, const std::vector<std::string>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

}  // namespace

std::string ScanStore::make_page(const ScanPtr& scan, const fs::path& ply, const std::string& name) {
  const fs::path page = scan->folder / (name + ".html");
  if (!run_child(scan, "renderfm-view", {ply.string(), "--html", page.string(), "--overwrite"},
                 "making the picture")) {
    return "";
  }
  const std::lock_guard lock(mutex_);
  scan->pages[name] = page;
  return name;
}

void ScanStore::finish_look(const ScanPtr& scan, Look look, const std::string& name) {
  describe(look.ply, look);
  look.page = make_page(scan, look.ply, name);
  if (look.page.empty()) return;
  const std::lock_guard lock(mutex_);
  scan->looks.push_back(std::move(look));
}

void ScanStore::make_look(const ScanPtr& scan, const Job& job) {
  const std::string name = fmt::format("look{}", ++scan->made);
  Look look;
  look.tf = job.tf;
  look.ply = scan->folder / (name + ".ply");
  std::vector<std::string> arguments{scan->data.string(), look.ply.string()};
  if (!scan->gaussians) {
    append(arguments, options_.scan_arguments);
    append(arguments, {"--tf", job.tf});
    if (!scan->labels.empty()) append(arguments, {"--labels", scan->labels.string()});
  }
  if (!run_child(scan, "renderfm-infer", arguments,
                 scan->gaussians ? "reading the Gaussians" : "reading the scan and making Gaussians")) {
    return;
  }
  finish_look(scan, std::move(look), name);
}

void ScanStore::fine_tune(const ScanPtr& scan, const Job& job) {
  const TuneSettings& tune = job.tune;
  Look start;
  {
    const std::lock_guard lock(mutex_);
    start = scan->looks.at(static_cast<std::size_t>(tune.look));
  }
  const std::string name = fmt::format("tuned{}", ++scan->made);
  const fs::path out = scan->folder / (name + ".ply"), best = scan->folder / (name + "-best.ply"),
                 csv = scan->folder / (name + ".csv");
  std::vector<std::string> arguments{start.ply.string(), out.string()};
  append(arguments, options_.scan_arguments);
  append(arguments,
         {"--ct", scan->data.string(), "--tf", start.tf, "--path-trace", std::to_string(tune.views), "--size",
          std::to_string(tune.size), "--spp", std::to_string(tune.samples), "--held-out-spp",
          std::to_string(tune.held_out_samples), "--steps", std::to_string(tune.steps), "--curve",
          csv.string(), "--best", best.string()});
  if (!scan->labels.empty()) append(arguments, {"--labels", scan->labels.string()});

  // While it runs, each better set becomes a page as well, one at a time and not too often: making a page
  // takes from the same cores.
  constexpr int kLook_ms = 150, kNiceness = 10;
  constexpr auto kBetweenPages = std::chrono::seconds(4);
  ChildProcess child(options_.programs / "renderfm-finetune", arguments);
  std::unique_ptr<ChildProcess> page;
  fs::path page_ply, page_html;
  std::string page_name;
  std::optional<ino_t> shown, curve_read;
  Clock::time_point next_page = Clock::now();
  int previews = 0;
  do {
    note_progress(scan, child, "reading the scan");
    if (cancelled(scan)) child.stop();
    if (const auto version = version_of(csv); version && version != curve_read) {
      curve_read = version;
      std::vector<CurvePoint> curve = read_curve(csv);
      const std::lock_guard lock(mutex_);
      scan->job->curve = std::move(curve);
    }
    if (page && !page->poll(0)) {
      if (page->succeeded()) {
        const std::lock_guard lock(mutex_);
        scan->pages[page_name] = page_html;
        scan->job->preview = page_name;
      }
      fs::remove(page_ply);
      page.reset();
      next_page = Clock::now() + kBetweenPages;
    }
    if (const auto version = version_of(best);
        !page && version && version != shown && Clock::now() >= next_page) {
      shown = version;
      page_name = fmt::format("{}-{}", name, ++previews);
      page_ply = scan->folder / (page_name + ".ply");
      page_html = scan->folder / (page_name + ".html");
      fs::create_hard_link(best, page_ply);
      page = std::make_unique<ChildProcess>(
          options_.programs / "renderfm-view",
          std::vector<std::string>{page_ply.string(), "--html", page_html.string()}, kNiceness);
    }
  } while (child.poll(kLook_ms));
  page.reset();
  std::error_code ignored;
  fs::remove_all(out.string() + ".views", ignored);
  fs::remove(out.string() + ".run", ignored);

  Look look;
  std::vector<CurvePoint> curve = read_curve(csv);
  const bool was_cancelled = cancelled(scan);
  const bool better = fs::exists(best);
  {
    const std::lock_guard lock(mutex_);
    scan->job->curve = curve;
    if (!better && child.succeeded()) {
      scan->job->message =
          "No step drew the held-out views better than before; the Gaussians stay as they were.";
    }
  }
  if (!better && !child.succeeded() && !was_cancelled) fail_runtime("{}", child.failure());
  if (better && !scan->closed && !stopping_) {
    look.tf = start.tf;
    look.tuned = true;
    look.ply = best;  // what a run that ended gives back is the same set
    if (!curve.empty()) {
      look.psnr_before_db = curve.front().psnr_db;
      for (const CurvePoint& point : curve) look.psnr_after_db = std::max(look.psnr_after_db, point.psnr_db);
    }
    // The best so far is kept where the run was stopped, too.
    const bool stopped = scan->job->cancel->exchange(false);
    finish_look(scan, std::move(look), name);
    if (stopped) *scan->job->cancel = true;
  }
  fs::remove(out, ignored);
  if (better && !child.succeeded() && !was_cancelled) {
    fail_runtime("fine-tuning ended early, the best so far is kept: {}", child.failure());
  }
}

}  // namespace renderfm::server
