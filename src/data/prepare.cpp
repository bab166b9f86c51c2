#include "renderfm/data/prepare.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <numeric>
#include <optional>

#include "data/case_folder.h"
#include "data/case_maker.h"
#include "data/estimate.h"
#include "data/picture.h"
#include "renderfm/core/atomic_file.h"
#include "renderfm/core/check.h"
#include "renderfm/core/file_lock.h"
#include "renderfm/core/log.h"
#include "renderfm/core/progress.h"

namespace renderfm::data {
namespace {

namespace fs = std::filesystem;

// Who holds it writes the files that belong to no case.
constexpr const char* kFolderLock = ".locks/folder";

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

/// Everything that one call of prepare() shares.
class Workshop {
 public:
  Workshop(const PrepareConfig& config, const PrepareRun& run, const Renderer& renderer)
      : config_(config),
        run_(run),
        renderer_(renderer),
        scans_(list_scans(config)),
        all_(plan_cases(config, scans_, renderer)),
        maker_(config, scans_, renderer) {
    const auto cut = [&](int shard) { return all_.size() * static_cast<std::size_t>(shard) / run.shards; };
    begin_ = cut(run.shard);
    end_ = cut(run.shard + 1);
    summary_.planned = static_cast<int>(end_ - begin_);
  }

  PrepareSummary work() {
    check_folders();
    say_plan();
    make_folder(run_.out / ".locks");
    write_resolved();
    std::vector<std::size_t> busy;
    for (std::size_t n = begin_; n < end_; ++n) {
      if (!make(all_[n], false)) busy.push_back(n);
    }
    if (!busy.empty()) log_info("waiting for {} cases that another process makes", busy.size());
    for (const std::size_t n : busy) make(all_[n], true);
    progress_.reset();
    overview();
    if (summary_.failed > 0) {
      fail_input("{} of {} cases could not be made, the first: {}{}", summary_.failed, summary_.planned,
                 first_failure_, summary_.failed < summary_.planned ? "; the others are finished" : "");
    }
    return summary_;
  }

 private:
  fs::path folder_of(const CasePlan& plan) const { return run_.out / plan.name; }

  void check_folders() {
    make_folder(run_.out);
    check_writable(run_.out / "prepare.yaml");
    for (std::size_t n = begin_; n < end_; ++n) {
      const fs::path folder = folder_of(all_[n]);
      if (!run_.overwrite && folder_state(folder, all_[n].fingerprint) == FolderState::kOther) {
        fail_input(
            "{} exists already and was made with other settings; choose another --out, or add --overwrite",
            folder.string());
      }
    }
  }

  void write_resolved() const {
    FileLock lock(run_.out / kFolderLock);
    lock.lock();
    remove_temporaries(run_.out);
    AtomicFile resolved(run_.out / "prepare.yaml");
    resolved.write(to_yaml(config_));
    resolved.commit();
  }

  void say_plan() {
    const ViewWish& views = config_.views;
    for (std::size_t n = begin_; n < end_; ++n) {
      const FolderState state = folder_state(folder_of(all_[n]), all_[n].fingerprint);
      if (state == FolderState::kFinished) continue;
      const ViewCounts& count = scans_[all_[n].scan].views;
      ++cases_left_;
      for (int view = 0; view < count.train + count.test; ++view) {
        const bool is_test = view >= count.train;
        ++views_left_[is_test];
        if (state == FolderState::kUnfinished &&
            is_file(folder_of(all_[n]) / "views" / fmt::format("{:03}.png", view))) {
          --views_left_[is_test];
        }
      }
    }
    const std::string shard = run_.shards > 1 ? fmt::format(" (shard {} of {}, {} cases in all)", run_.shard,
                                                            run_.shards, all_.size())
                                              : "";
    log_info("plan: {} cases{}, {} finished before; {} training and {} test views of {} x {} to make",
             summary_.planned, shard, summary_.planned - cases_left_, views_left_[0], views_left_[1],
             views.width, views.height);
  }

  /// False where another process is at it.
  bool make(const CasePlan& plan, bool wait) {
    FileLock lock(run_.out / ".locks" / plan.name);
    if (wait) {
      lock.lock();
    } else if (!lock.try_lock()) {
      return false;
    }
    const fs::path folder = folder_of(plan);
    const FolderState state = folder_state(folder, plan.fingerprint);
    if (state == FolderState::kFinished) {
      close_case_folder(folder);  // killed between case.json and here
      ++summary_.kept;
      return true;
    }
    try {
      if (state == FolderState::kOther) empty_folder(folder);
      fill(plan, folder);
      ++summary_.made;
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kBadInput) {
        fail_runtime("{}; finished cases and views are kept, and the same command goes on from here",
                     error.what());
      }
      if (summary_.planned == 1) fail_input("{}: {}", plan.name, error.what());
      log_error("{}: {}", plan.name, error.what());
      if (first_failure_.empty()) first_failure_ = fmt::format("{}: {}", plan.name, error.what());
      ++summary_.failed;
    }
    return true;
  }

  void fill(const CasePlan& plan, const fs::path& folder) {
    CaseStart start = maker_.start(plan, folder);
    open_case_folder(folder, plan.fingerprint, start.content.source_sha256, config_.views.maps);
    write_case_files(start.content, start.points);
    const auto renderer = renderer_.make(*start.medium, start.content.rendering.seed);
    if (!progress_) begin_progress(start, *renderer);
    const ViewWish& wish = config_.views;
    for (const View& view : start.content.train_views) {
      draw(view, *renderer, wish.samples, renderer_.denoiser != "none");
    }
    for (const View& view : start.content.test_views) draw(view, *renderer, wish.test_samples, false);
    seal_case(start.content);
    close_case_folder(folder);
  }

  void draw(const View& view, const ViewRenderer& renderer, int samples, bool denoise) {
    if (is_file(view.image)) {
      ++summary_.views_kept;
      return;
    }
    write_view(renderer.render(view.camera, samples, denoise), view);
    ++summary_.views_made;
    progress_->advance(samples);
  }

  void begin_progress(const CaseStart& start, const ViewRenderer& renderer) {
    const ViewWish& wish = config_.views;
    const CaseInfo& first = start.content;
    if (!first.train_views.empty() || !first.test_views.empty()) {
      const Estimate estimate = measure_pilot(first, renderer, wish, renderer_.denoiser != "none");
      double bytes = (views_left_[0] + views_left_[1]) * estimate.view_bytes;
      for (const std::string& name : case_file_names()) {
        bytes += cases_left_ * static_cast<double>(fs::file_size(first.folder / name));
      }
      const double seconds =
          views_left_[0] * estimate.seconds_per_train_view + views_left_[1] * estimate.seconds_per_test_view;
      log_info("estimate from a pilot: views take about {}, files about {}", duration_text(seconds),
               size_text(bytes));
      const double free = static_cast<double>(fs::space(run_.out).available);
      if (bytes > free) {
        log_warning("{} has {} left, which may not be enough; free some, or let --out name another disk",
                    run_.out.string(), size_text(free));
      }
    }
    progress_.emplace("path tracing", views_left_[0] * wish.samples + views_left_[1] * wish.test_samples);
  }

  /// By whoever finds that no case is open any more.
  void overview() {
    const bool all_done = std::all_of(all_.begin(), all_.end(), [&](const CasePlan& plan) {
      return folder_state(folder_of(plan), plan.fingerprint) == FolderState::kFinished;
    });
    if (!all_done && run_.shards > 1) return;
    std::vector<fs::path> finished;
    for (const CasePlan& plan : all_) {
      if (is_case(folder_of(plan))) finished.push_back(folder_of(plan));
    }
    const auto has_views = [](const ScanSource& scan) { return scan.views.train + scan.views.test > 0; };
    if (finished.empty() || std::none_of(scans_.begin(), scans_.end(), has_views)) return;
    FileLock lock(run_.out / kFolderLock);
    lock.lock();
    summary_.contact_sheet = run_.out / "contact_sheet.png";
    write_overview(finished, summary_.contact_sheet);
  }

  const PrepareConfig& config_;
  const PrepareRun& run_;
  const Renderer& renderer_;
  std::vector<ScanSource> scans_;
  std::vector<CasePlan> all_;
  CaseMaker maker_;
  std::size_t begin_ = 0, end_ = 0;
  int cases_left_ = 0;
  std::array<std::int64_t, 2> views_left_{};  // for training, for tests
  PrepareSummary summary_;
  std::string first_failure_;
  std::optional<Progress> progress_;
};

int parse_int(std::string_view text, const std::string& what) {
  int value = -1;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end)
    fail_input("{} is not understood: '{}' is no whole number", what, text);
  return value;
}

}  // namespace

PrepareSummary prepare(const PrepareConfig& config, const PrepareRun& run, const Renderer& renderer) {
  check_prepare_config(config);
  return Workshop(config, run, renderer).work();
}

void set_shard(PrepareRun& run, const std::string& text) {
  if (!text.empty()) {
    const auto slash = text.find('/');
    if (slash == std::string::npos) fail_input("--shard {} is not understood; give I/N, such as 0/4", text);
    const std::string what = fmt::format("--shard {}", text);
    run.shard = parse_int(std::string_view(text).substr(0, slash), what);
    run.shards = parse_int(std::string_view(text).substr(slash + 1), what);
  } else if (const char* const id = std::getenv("SLURM_ARRAY_TASK_ID")) {
    const auto from_slurm = [](const char* name, int fallback) {
      const char* const value = std::getenv(name);
      return value == nullptr ? fallback : parse_int(value, name);
    };
    const int first = from_slurm("SLURM_ARRAY_TASK_MIN", 0), step = from_slurm("SLURM_ARRAY_TASK_STEP", 1);
    run.shards = from_slurm("SLURM_ARRAY_TASK_COUNT", 1);
    run.shard = (parse_int(id, "SLURM_ARRAY_TASK_ID") - first) / std::max(1, step);
    log_info("shard: {} of {}, from the Slurm array", run.shard, run.shards);
  }
  if (run.shards < 1 || run.shard < 0 || run.shard >= run.shards) {
    fail_input("shard {} of {} does not exist; shards count from 0, so that 0/4 to 3/4 are all of four",
               run.shard, run.shards);
  }
}

}  // namespace renderfm::data
