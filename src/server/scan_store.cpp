#include "server/scan_store.h"

#include <fmt/core.h>

#include <algorithm>

#include "renderfm/core/check.h"
#include "renderfm/server/http_message.h"

namespace renderfm::server {
namespace {

namespace fs = std::filesystem;

void replace_all(std::string& text, const std::string& what, const std::string& by) {
  if (what.empty()) return;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
}

}  // namespace

std::string with_user_names(std::string text, const Scan& scan) {
  replace_all(text, scan.labels.string(), scan.labels_name);
  replace_all(text, scan.data.string(), scan.name);
  // Without its suffix, as messages of libraries may have it.
  replace_all(text, scan.folder.string() + "/", "");
  return text;
}

ScanStore::ScanStore(StoreOptions options)
    : options_(std::move(options)), workspace_(4 * options_.max_upload_bytes), worker_([this] { work(); }) {}

ScanStore::~ScanStore() {
  stopping_ = true;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, scan] : scans_) {
      if (scan->job) *scan->job->cancel = true;
    }
  }
  wake_.notify_all();
  worker_.join();
}

ScanStore::ScanPtr ScanStore::open(const std::string& name) {
  const std::lock_guard lock(mutex_);
  if (scans_.size() >= options_.max_scans) {
    throw HttpError(503,
                    fmt::format("this server holds {} scans already, as many as it may; close one that is no "
                                "longer needed, or try again later",
                                scans_.size()));
  }
  auto scan = std::make_shared<Scan>();
  constexpr std::size_t kIdBytes = 16;
  scan->id = random_hex(kIdBytes);
  scan->name = name;
  scan->folder = workspace_.make_folder(scan->id);
  scans_[scan->id] = scan;
  return scan;
}

ScanStore::ScanPtr ScanStore::find(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto at = scans_.find(id);
  if (at == scans_.end()) throw HttpError(404, "this scan is no longer open here; choose the file again");
  at->second->last_seen = std::chrono::steady_clock::now();
  return at->second;
}

void ScanStore::close(const std::string& id) {
  ScanPtr scan;
  {
    const std::lock_guard lock(mutex_);
    const auto at = scans_.find(id);
    if (at == scans_.end()) return;
    scan = at->second;
    scan->closed = true;
    if (scan->job) *scan->job->cancel = true;
    scans_.erase(at);
    std::erase(waiting_, scan);
    workspace_.release(scan->bytes);
    scan->bytes = 0;
    // A running job still writes there; it removes the folder when it ends.
    if (scan == running_) return;
  }
  std::error_code ignored;
  fs::remove_all(scan->folder, ignored);
}

void ScanStore::start(const ScanPtr& scan, std::unique_ptr<Job> job) {
  {
    const std::lock_guard lock(mutex_);
    if (scan->closed) throw HttpError(404, "this scan is no longer open here; choose the file again");
    if (scan->data.empty()) throw HttpError(409, "the scan has not arrived yet");
    if (scan->busy())
      throw HttpError(409, "this scan is being worked on; wait for that to end, or cancel it");
    if (scan->looks.size() >= options_.max_looks) {
      throw HttpError(409,
                      fmt::format("{} looks of this scan are there already, as many as may be; open it anew",
                                  scan->looks.size()));
    }
    if (waiting_.size() >= options_.max_waiting) {
      throw HttpError(503, fmt::format("{} jobs wait already, as many as may; try again in a few minutes",
                                       waiting_.size()));
    }
    scan->job = std::move(job);
    waiting_.push_back(scan);
  }
  wake_.notify_all();
}

void ScanStore::cancel(const ScanPtr& scan) {
  const std::lock_guard lock(mutex_);
  if (!scan->busy()) return;
  *scan->job->cancel = true;
  if (scan->job->state == JobState::kWaiting) {
    scan->job->state = JobState::kCancelled;
    std::erase(waiting_, scan);
  }
}

std::size_t ScanStore::ahead_of(const Scan& scan) const {
  std::size_t count = running_ ? 1 : 0;
  for (const ScanPtr& other : waiting_) {
    if (other.get() == &scan) return count;
    ++count;
  }
  return 0;
}

void ScanStore::work() {
  constexpr auto kLook = std::chrono::seconds(2);
  while (!stopping_) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, kLook, [this] { return stopping_ || !waiting_.empty(); });
      if (!stopping_ && !waiting_.empty()) {
        running_ = waiting_.front();
        waiting_.pop_front();
        running_->job->state = JobState::kRunning;
      }
    }
    if (const ScanPtr scan = running_) run(scan);
    forget_idle();
  }
}

void ScanStore::forget_idle() {
  std::vector<std::string> idle;
  {
    const std::lock_guard lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    for (const auto& [id, scan] : scans_) {
      const double idle_s = std::chrono::duration<double>(now - scan->last_seen).count();
      const bool arriving = scan->data.empty();  // a large file may take long
      if (!scan->busy() && !arriving && idle_s > options_.forget_after_s) idle.push_back(id);
    }
  }
  for (const std::string& id : idle) close(id);
}

bool ScanStore::cancelled(const ScanPtr& scan) const {
  const std::lock_guard lock(mutex_);
  return *scan->job->cancel || scan->closed || stopping_;
}

void ScanStore::run(const ScanPtr& scan) {
  Job job;
  {
    const std::lock_guard lock(mutex_);
    job.tunes = scan->job->tunes;
    job.tf = scan->job->tf;
    job.tune = scan->job->tune;
  }
  std::string error;
  try {
    job.tunes ? fine_tune(scan, job) : make_look(scan, job);
  } catch (const std::exception& failure) {
    error = failure.what();
  }
  const std::lock_guard lock(mutex_);
  Job& shown = *scan->job;
  shown.error = with_user_names(error, *scan);
  shown.state = *shown.cancel ? JobState::kCancelled : error.empty() ? JobState::kDone : JobState::kFailed;
  running_.reset();
  if (scan->closed) {
    std::error_code ignored;
    fs::remove_all(scan->folder, ignored);
  }
}

void ScanStore::note_progress(const ScanPtr& scan, const ChildProcess& child, const std::string& step) {
  const std::lock_guard lock(mutex_);
  Job& job = *scan->job;
  const ChildProgress& progress = child.progress();
  job.step = progress.step.empty() ? step : progress.step;
  job.note = progress.note;
  job.share = progress.step.empty() ? -1 : progress.share;
  // Until a share is done, nobody can tell.
  job.seconds_left = progress.share > 0 ? progress.seconds_left : -1;
}

bool ScanStore::run_child(const ScanPtr& scan, const std::string& program,
                          const std::vector<std::string>& arguments, const std::string& step) {
  ChildProcess child(options_.programs / program, arguments);
  constexpr int kLook_ms = 100;
  do {
    note_progress(scan, child, step);
    if (cancelled(scan)) child.stop();
  } while (child.poll(kLook_ms));
  if (cancelled(scan)) return false;
  {
    const std::lock_guard lock(mutex_);
    for (const std::string& warning : child.warnings()) {
      const std::string text = with_user_names(warning, *scan);
      auto& all = scan->warnings;
      if (std::find(all.begin(), all.end(), text) == all.end()) all.push_back(text);
    }
  }
  if (!child.succeeded()) fail_runtime("{}", child.failure());
  return true;
}

fs::path ScanStore::converted(const ScanPtr& scan, std::size_t look, const std::string& format) {
  fs::path ply, page;
  {
    const std::lock_guard lock(mutex_);
    if (look >= scan->looks.size()) throw HttpError(404, "there is no such look of this scan");
    ply = scan->looks[look].ply;
    page = scan->pages.at(scan->looks[look].page);
  }
  if (format == "ply") return ply;
  if (format == "html") return page;
  if (format != "glb" && format != "spz") throw HttpError(404, "downloads are ply, glb, spz and html");
  const std::lock_guard one_at_a_time(converting_);
  const fs::path out = fs::path(ply).replace_extension(format);
  if (fs::exists(out)) return out;
  ChildProcess child(options_.programs / "renderfm-infer", {ply.string(), out.string()});
  while (child.poll(100)) {
    if (stopping_ || scan->closed) child.stop();
  }
  if (!child.succeeded()) throw HttpError(500, child.failure());
  return out;
}

}  // namespace renderfm::server
