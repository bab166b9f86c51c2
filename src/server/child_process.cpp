#include "server/child_process.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "renderfm/core/check.h"

namespace renderfm::server {
namespace {

constexpr int kReportFd = 3;
constexpr std::size_t kLongestLine = 8192, kMostWarnings = 20;
constexpr auto kGrace = std::chrono::seconds(5);

struct Pipe {
  int read_end = -1, write_end = -1;
  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) fail_runtime("no pipe could be made: {}", std::strerror(errno));
    read_end = ends[0];
    write_end = ends[1];
    ::fcntl(read_end, F_SETFL, O_NONBLOCK);
  }
};

// Between fork and exec, in a process with threads: only what may be called in a signal handler.
[[noreturn]] void become(char* const* argv, int messages, int reports, pid_t parent, int niceness) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  ::setpgid(0, 0);
  // The terminal's Ctrl-C is for the server, which ends its children in order.
  sigset_t none;
  sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  if (const int fd = ::open("/proc/self/oom_score_adj", O_WRONLY); fd >= 0) {
    (void)!::write(fd, "800", 3);
    ::close(fd);
  }
  (void)!::nice(niceness);
  constexpr int kAbove = 10;  // out of the way of 0 to 3
  const int messages_copy = ::fcntl(messages, F_DUPFD_CLOEXEC, kAbove);
  const int reports_copy = ::fcntl(reports, F_DUPFD_CLOEXEC, kAbove);
  const int null = ::open("/dev/null", O_RDWR);
  ::dup2(null, STDIN_FILENO);
  ::dup2(null, STDOUT_FILENO);
  ::dup2(messages_copy, STDERR_FILENO);
  ::dup2(reports_copy, kReportFd);
  ::execv(argv[0], argv);
  ::_exit(127);
}

}  // namespace

bool read_progress_line(const std::string& line, ChildProgress& progress) {
  const nlohmann::json json = nlohmann::json::parse(line, nullptr, false);
  if (!json.is_object()) return false;
  const auto number = [&](const char* key) {
    const auto at = json.find(key);
    return at != json.end() && at->is_number() ? at->get<double>() : -1.0;
  };
  const double done = number("done"), total = number("total");
  const auto step = json.find("step"), note = json.find("note");
  if (done < 0 || total <= 0 || step == json.end() || !step->is_string()) return false;
  progress.step = step->get<std::string>();
  progress.note = note != json.end() && note->is_string() ? note->get<std::string>() : "";
  progress.share = std::min(1.0, done / total);
  progress.seconds_left = std::max(0.0, number("seconds_left"));
  return true;
}

ChildProcess::ChildProcess(const std::filesystem::path& program, const std::vector<std::string>& arguments,
                           int niceness)
    : name_(program.filename().string()) {
  std::vector<std::string> words{program.string(), "--progress-fd", std::to_string(kReportFd)};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const Pipe messages, reports;
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ == 0) become(argv.data(), messages.write_end, reports.write_end, parent, niceness);
  ::close(messages.write_end);
  ::close(reports.write_end);
  messages_ = messages.read_end;
  reports_ = reports.read_end;
  if (pid_ < 0) {
    ::close(messages_);
    ::close(reports_);
    fail_runtime("{} could not be started: {}", name_, std::strerror(errno));
  }
}

ChildProcess::~ChildProcess() {
  if (!ended_) {
    ::kill(-pid_, SIGKILL);
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, &status_, 0);
  }
  for (const int fd : {messages_, reports_}) {
    if (fd >= 0) ::close(fd);
  }
}

bool ChildProcess::poll(int ms) {
  if (ended_) return false;
  std::array<pollfd, 2> events{pollfd{messages_, POLLIN, 0}, pollfd{reports_, POLLIN, 0}};
  // Both pipes may be closed before it has ended.
  ::poll(events.data(), events.size(), messages_ < 0 && reports_ < 0 ? std::min(ms, 20) : ms);
  read_from(messages_, message_rest_, &ChildProcess::take_message);
  read_from(reports_, report_rest_, &ChildProcess::take_progress);
  if (stopping_ && std::chrono::steady_clock::now() > kill_at_) ::kill(pid_, SIGKILL);
  if (::waitpid(pid_, &status_, WNOHANG) != pid_) return true;
  read_from(messages_, message_rest_, &ChildProcess::take_message);
  ended_ = true;
  return false;
}

void ChildProcess::stop() {
  if (ended_ || stopping_) return;
  stopping_ = true;
  kill_at_ = std::chrono::steady_clock::now() + kGrace;
  ::kill(pid_, SIGTERM);
}

std::string ChildProcess::failure() const {
  if (!error_.empty()) return error_;
  if (WIFSIGNALED(status_) && WTERMSIG(status_) == SIGKILL) {
    return fmt::format(
        "{} was ended by the system, most likely for lack of memory; a coarser --spacing needs less", name_);
  }
  if (WIFSIGNALED(status_))
    return fmt::format("{} crashed on this file (signal {})", name_, WTERMSIG(status_));
  if (WEXITSTATUS(status_) == 127) return fmt::format("{} could not be started", name_);
  return fmt::format("{} ended with code {} and gave no reason", name_, WEXITSTATUS(status_));
}

void ChildProcess::read_from(int& fd, std::string& rest, void (ChildProcess::*take)(const std::string&)) {
  std::array<char, 4096> piece;
  while (fd >= 0) {
    const ssize_t count = ::read(fd, piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return;
    if (count == 0) {
      if (!rest.empty()) (this->*take)(rest);
      rest.clear();
      ::close(fd);
      fd = -1;
      return;
    }
    rest.append(piece.data(), static_cast<std::size_t>(count));
    for (std::size_t end = rest.find('\n'); end != std::string::npos; end = rest.find('\n')) {
      (this->*take)(rest.substr(0, end));
      rest.erase(0, end + 1);
    }
    if (rest.size() > kLongestLine) rest.clear();
  }
}

void ChildProcess::take_message(const std::string& line) {
  constexpr std::string_view kError = "error: ", kWarning = "warning: ";
  if (line.rfind(kError, 0) == 0) error_ = line.substr(kError.size());
  if (line.rfind(kWarning, 0) == 0 && warnings_.size() < kMostWarnings) {
    warnings_.push_back(line.substr(kWarning.size()));
  }
}

void ChildProcess::take_progress(const std::string& line) { read_progress_line(line, progress_); }

}  // namespace renderfm::server
