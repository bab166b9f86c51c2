#include "common/film.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <vector>

#include "renderfm/core/check.h"

namespace renderfm::tools {
namespace {

namespace fs = std::filesystem;

// The program's place in PATH, or "".
std::string find_program(const std::string& name) {
  const char* const path = std::getenv("PATH");
  std::string rest = path == nullptr ? "" : path;
  while (!rest.empty()) {
    const std::size_t colon = rest.find(':');
    const fs::path candidate = fs::path(rest.substr(0, colon)) / name;
    if (::access(candidate.c_str(), X_OK) == 0 && fs::is_regular_file(candidate)) return candidate.string();
    rest = colon == std::string::npos ? "" : rest.substr(colon + 1);
  }
  return "";
}

}  // namespace

void Film::check(const fs::path& out, int width, int height) {
  if (find_program("ffmpeg").empty()) {
    fail_input(
        "cannot write {}: films need the program ffmpeg, which is not on this machine; install it, or name a "
        "folder and get the pictures",
        out.string());
  }
  if (width % 2 != 0 || height % 2 != 0) {
    fail_input("a film of {}x{} cannot be encoded; give --size with even numbers", width, height);
  }
}

Film::Film(const fs::path& out, int width, int height, int frames_per_second)
    : file_(out), width_(width), height_(height) {
  check(out, width, height);
  const std::string program = find_program("ffmpeg"), size = fmt::format("{}x{}", width, height);
  const std::string rate = std::to_string(frames_per_second), target = file_.temporary_path().string();
  std::vector<std::string> words{
      program, "-hide_banner", "-loglevel", "error",      "-y", "-f",  "rawvideo", "-pix_fmt", "rgb24",
      "-s",    size,           "-r",        rate,         "-i", "-",   "-an",      "-pix_fmt", "yuv420p",
      "-crf",  "18",           "-movflags", "+faststart", "-f", "mp4", target};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  int ends[2];
  RFM_CHECK(::pipe2(ends, O_CLOEXEC) == 0, "cannot make a pipe to ffmpeg (error {})", errno);
  ::signal(SIGPIPE, SIG_IGN);  // an ffmpeg that stops is told by write()
  process_ = ::fork();
  RFM_CHECK(process_ >= 0, "cannot start ffmpeg (error {})", errno);
  if (process_ == 0) {
    ::dup2(ends[0], STDIN_FILENO);
    ::execv(program.c_str(), arguments.data());
    ::_exit(127);
  }
  ::close(ends[0]);
  pipe_ = ends[1];
}

Film::~Film() {
  if (pipe_ >= 0) ::close(pipe_);
  if (process_ > 0) ::waitpid(process_, nullptr, 0);
}

void Film::fail_stopped() {
  fail_runtime("ffmpeg stopped before the film was whole; what it said stands above");
}

void Film::add(const torch::Tensor& srgb) {
  RFM_CHECK(srgb.dim() == 3 && srgb.size(1) == height_ && srgb.size(2) == width_,
            "a picture of the film has another size than {}x{}", width_, height_);
  const torch::Tensor bytes =
      (srgb.to(torch::kCPU).clamp(0, 1) * 255 + 0.5).to(torch::kUInt8).permute({1, 2, 0}).contiguous();
  const auto* from = bytes.const_data_ptr<std::uint8_t>();
  auto left = static_cast<std::size_t>(bytes.numel());
  while (left > 0) {
    const ssize_t written = ::write(pipe_, from, left);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail_stopped();
    from += written;
    left -= static_cast<std::size_t>(written);
  }
}

void Film::finish() {
  ::close(pipe_);
  pipe_ = -1;
  int status = 0;
  while (::waitpid(process_, &status, 0) < 0 && errno == EINTR) {
  }
  process_ = -1;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) fail_stopped();
  file_.commit();
}

}  // namespace renderfm::tools
