// The scans that are open, and the one thread that works on them, job by job, by running our programs.
#pragma once

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "server/child_process.h"
#include "server/scan.h"
#include "server/workspace.h"

namespace renderfm::server {

struct StoreOptions {
  std::filesystem::path programs;           ///< folder of renderfm-infer and its siblings
  std::vector<std::string> scan_arguments;  ///< for those that read the scan: --model F ...
  std::uint64_t max_upload_bytes = 0;       ///< of one file
  std::size_t max_scans = 12, max_waiting = 8, max_looks = 24;
  double forget_after_s = 1800;  ///< a scan that nobody asks about
};

class ScanStore {
 public:
  using ScanPtr = std::shared_ptr<Scan>;

  explicit ScanStore(StoreOptions options);
  ~ScanStore();  // ends what runs, removes every file

  const StoreOptions& options() const { return options_; }
  Workspace& workspace() { return workspace_; }

  /// A scan with a folder and nothing in it. Throws HttpError 503 where there are too many.
  ScanPtr open(const std::string& name);
  /// Throws HttpError 404 where there is none. Notes that it is still looked at.
  ScanPtr find(const std::string& id);
  /// Cancels its job and removes its files.
  void close(const std::string& id);

  /// Throws HttpError 409 where one is under way, 503 where too many wait.
  void start(const ScanPtr& scan, std::unique_ptr<Job> job);
  void cancel(const ScanPtr& scan);
  /// How many jobs come before the scan's.
  std::size_t ahead_of(const Scan& scan) const;  // with the mutex held

  /// Guards every Scan.
  std::mutex& mutex() const { return mutex_; }

  /// The Gaussians of a look in another format, made where they are not there yet. Throws HttpError.
  std::filesystem::path converted(const ScanPtr& scan, std::size_t look, const std::string& format);

 private:
  void work();
  void forget_idle();
  void run(const ScanPtr& scan);
  void make_look(const ScanPtr& scan, const Job& job);
  void fine_tune(const ScanPtr& scan, const Job& job);
  /// Throws HttpError with the program's own sentence; false where the job was cancelled.
  bool run_child(const ScanPtr& scan, const std::string& program, const std::vector<std::string>& arguments,
                 const std::string& step);
  void note_progress(const ScanPtr& scan, const ChildProcess& child, const std::string& step);
  /// Writes the page of `ply`; the key of Scan::pages, empty where the job was cancelled.
  std::string make_page(const ScanPtr& scan, const std::filesystem::path& ply, const std::string& name);
  void finish_look(const ScanPtr& scan, Look look, const std::string& name);
  bool cancelled(const ScanPtr& scan) const;

  StoreOptions options_;
  Workspace workspace_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::map<std::string, ScanPtr> scans_;
  std::deque<ScanPtr> waiting_;
  ScanPtr running_;
  std::atomic<bool> stopping_{false};
  std::mutex converting_;
  std::thread worker_;
};

/// `text` with the names of our own files replaced by what the user calls them.
std::string with_user_names(std::string text, const Scan& scan);

}  // namespace renderfm::server
