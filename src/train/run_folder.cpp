#include "renderfm/train/run_folder.h"

#include <algorithm>
#include <charconv>
#include <system_error>
#include <thread>

#include "renderfm/core/check.h"
#include "renderfm/core/log.h"

namespace renderfm::train {
namespace fs = std::filesystem;
namespace {

constexpr const char* kStep = "step";

std::int64_t parse_number(const std::string& text) {
  std::int64_t number = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? number : -1;
}

// -1 for other files.
std::int64_t step_of(const fs::path& path) {
  const std::string stem = path.stem().string();
  return path.extension() == ".safetensors" && stem.starts_with("step-") ? parse_number(stem.substr(5)) : -1;
}

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail_input("cannot make the run's folder {}: {}", folder.string(), error.message());
}

}  // namespace

StoredState load_state(const fs::path& path) {
  StoredState state{path, load_checkpoint(path), -1};
  const auto step = state.checkpoint.state.find(kStep);
  if (step != state.checkpoint.state.end()) state.step = parse_number(step->second);
  if (state.step < 0) {
    fail_input("{} holds a network but not the state of a training run: start from it with --init",
               path.string());
  }
  return state;
}

std::vector<fs::path> RunFolder::stored() const {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(checkpoints(), error)) {
    if (step_of(entry.path()) >= 0) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end(),
            [](const fs::path& a, const fs::path& b) { return step_of(a) > step_of(b); });
  return files;
}

bool RunFolder::has_run() const {
  std::error_code error;
  return !stored().empty() || fs::exists(root_ / "metrics.jsonl", error);
}

void RunFolder::create() const {
  for (const fs::path& folder : {root_, checkpoints(), pictures()}) make_folder(folder);
}

std::unique_ptr<FileLock> RunFolder::take(std::chrono::milliseconds patience) const {
  make_folder(root_);
  const auto end = std::chrono::steady_clock::now() + patience;
  auto lock = std::make_unique<FileLock>(root_ / ".lock");
  while (!lock->try_lock()) {
    if (std::chrono::steady_clock::now() > end) {
      fail_input("{} trains in {}; let it end, or name another --out", lock->holder(), root_.string());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  lock->sign();
  return lock;
}

void RunFolder::save(Checkpoint checkpoint, std::int64_t step, std::int64_t keep) const {
  checkpoint.state[kStep] = std::to_string(step);
  save_checkpoint(checkpoints() / fmt::format("step-{:08}.safetensors", step), checkpoint);
  // Only after the new one is whole and on disk.
  const std::vector<fs::path> files = stored();
  for (std::size_t i = static_cast<std::size_t>(keep); i < files.size(); ++i) {
    std::error_code error;
    fs::remove(files[i], error);
  }
}

void RunFolder::save_best(Checkpoint checkpoint, std::int64_t step) const {
  checkpoint.state[kStep] = std::to_string(step);
  save_checkpoint(checkpoints() / "best.safetensors", checkpoint);
}

std::optional<StoredState> RunFolder::newest() const {
  std::string reasons;
  for (const fs::path& file : stored()) {
    try {
      return load_state(file);
    } catch (const Error& error) {
      log_warning("{}; trying the checkpoint before it", error.what());
      reasons += fmt::format("\n  {}", error.what());
    }
  }
  if (!has_run()) return std::nullopt;
  fail_input(
      "{} holds a run, but none of its checkpoints can be read; repair one, or start anew in another "
      "folder{}",
      root_.string(), reasons.empty() ? " (there is none)" : reasons);
}

}  // namespace renderfm::train
