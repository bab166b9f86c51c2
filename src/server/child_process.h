// One of our own programs, run apart: a crash or a lack of memory there ends that job and nothing else.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace renderfm::server {

/// The last line of --progress-fd.
struct ChildProgress {
  std::string step, note;
  double share = 0, seconds_left = 0;
};

/// Of one JSON line; false, and `progress` as it was, where it is not one of ours.
bool read_progress_line(const std::string& line, ChildProgress& progress);

class ChildProcess {
 public:
  /// Runs `program` with `arguments`, no shell between, its input empty and its output dropped. It dies with
  /// this process, and the kernel ends it first where memory runs out. Throws kRuntime where it cannot be
  /// started.
  ChildProcess(const std::filesystem::path& program, const std::vector<std::string>& arguments,
               int niceness = 0);
  ~ChildProcess();  // ends it at once
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  /// Reads what it says for up to `ms`; false once it has ended.
  bool poll(int ms);
  /// Asks it to end, and makes it after some seconds. Without effect after the first call.
  void stop();

  const ChildProgress& progress() const { return progress_; }
  const std::vector<std::string>& warnings() const { return warnings_; }
  bool succeeded() const { return ended_ && status_ == 0; }
  /// Why it did not succeed, in one sentence: its own where it said one.
  std::string failure() const;

 private:
  void read_from(int& fd, std::string& rest, void (ChildProcess::*take)(const std::string&));
  void take_message(const std::string& line);
  void take_progress(const std::string& line);

  std::string name_;
  pid_t pid_ = -1;
  int messages_ = -1, reports_ = -1;  ///< ends of the pipes
  std::string message_rest_, report_rest_, error_;
  ChildProgress progress_;
  std::vector<std::string> warnings_;
  bool ended_ = false, stopping_ = false;
  int status_ = 0;
  std::chrono::steady_clock::time_point kill_at_;
};

}  // namespace renderfm::server
