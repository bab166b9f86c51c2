// A scan that someone looks at, and what is known and done about it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace renderfm::server {

/// Gaussians with the page that shows them.
struct Look {
  std::string tf;  ///< as --tf takes it
  std::string title, model;
  std::int64_t count = 0;
  std::filesystem::path ply;
  std::string page;  ///< a key of Scan::pages
  bool tuned = false;
  double psnr_before_db = 0, psnr_after_db = 0;  ///< of held-out views, where tuned
  std::vector<double> sphere;                    ///< cx cy cz R in mm, or empty
};

struct CurvePoint {
  int step = 0;
  double seconds = 0, psnr_db = 0;
};

/// What fine-tuning is asked to do.
struct TuneSettings {
  int look = 0;  ///< index into Scan::looks
  int views = 20, size = 256, steps = 800, samples = 64, held_out_samples = 256;
};

enum class JobState { kWaiting, kRunning, kDone, kFailed, kCancelled };

struct Job {
  bool tunes = false;  ///< else it makes a look
  std::string tf;
  TuneSettings tune;
  JobState state = JobState::kWaiting;
  std::string step, note, error, message;
  double share = -1, seconds_left = -1;  ///< -1: not known
  std::vector<CurvePoint> curve;
  std::string preview;  ///< a key of Scan::pages: the best so far
  std::shared_ptr<std::atomic<bool>> cancel = std::make_shared<std::atomic<bool>>(false);
};

/// Guarded by the mutex of the ScanStore, but for what never changes once it is there.
struct Scan {
  std::string id;                ///< 32 hexadecimal digits that nobody guesses
  std::string name;              ///< as the user calls it, for display
  std::filesystem::path folder;  ///< our own, for what is made of it
  std::filesystem::path data;    ///< the scan, under a name that we chose, or where the user has it
  bool gaussians = false;        ///< `data` holds Gaussians: nothing to choose, nothing to trace
  std::filesystem::path labels;
  std::string labels_name;
  std::uint64_t bytes = 0;  ///< uploaded
  std::vector<Look> looks;
  std::map<std::string, std::filesystem::path> pages;
  std::unique_ptr<Job> job;  ///< the last one
  std::vector<std::string> warnings;
  int made = 0;  ///< numbers files
  std::atomic<bool> closed{false};
  std::chrono::steady_clock::time_point last_seen = std::chrono::steady_clock::now();

  bool busy() const { return job && (job->state == JobState::kWaiting || job->state == JobState::kRunning); }
};

}  // namespace renderfm::server
