#include "image/oidn_library.h"

#include <dlfcn.h>
#include <fmt/core.h>
#include <link.h>

#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

namespace renderfm::oidn {
namespace {

namespace fs = std::filesystem;

constexpr const char* kVariable = "RENDERFM_OIDN";
constexpr const char* kFileName = "libOpenImageDenoise.so.2";

/// lib/libtorch_cpu.so of the LibTorch that this process runs with.
std::optional<fs::path> torch_library() {
  std::optional<fs::path> found;
  ::dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* result) {
        const fs::path path = info->dlpi_name != nullptr ? info->dlpi_name : "";
        if (path.filename() != "libtorch_cpu.so") return 0;
        *static_cast<std::optional<fs::path>*>(result) = path;
        return 1;
      },
      &found);
  return found;
}

/// Files to try, in order.
std::vector<std::string> candidates(const char* named) {
  if (named != nullptr) {
    const fs::path path = named;
    std::error_code ignored;
    return {fs::is_directory(path, ignored) ? (path / kFileName).string() : path.string()};
  }
  std::vector<std::string> files;
  if (const auto torch = torch_library()) {
    // .venv/lib/python3.11/site-packages/{torch/lib/libtorch_cpu.so, pyoidn/oidn/lib/...}
    std::error_code error;
    const fs::path packages = fs::canonical(*torch, error).parent_path().parent_path().parent_path();
    const fs::path wheel = packages / "pyoidn" / "oidn" / "lib" / kFileName;
    if (!error && fs::exists(wheel, error)) files.push_back(wheel.string());
  }
  files.push_back(kFileName);
  return files;
}

std::string own_words(const char* message) { return message != nullptr ? message : "no reason given"; }

/// Throws nothing: "" where every function was found, otherwise the name of one that was not.
std::string resolve(void* handle, Functions& f) {
  std::string missing;
  const auto get = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(handle, name));
    if (function == nullptr && missing.empty()) missing = name;
  };
  get(f.new_device, "oidnNewDevice");
  get(f.release_device, "oidnReleaseDevice");
  get(f.commit_device, "oidnCommitDevice");
  get(f.set_device_bool, "oidnSetDeviceBool");
  get(f.set_device_int, "oidnSetDeviceInt");
  get(f.get_device_int, "oidnGetDeviceInt");
  get(f.get_device_error, "oidnGetDeviceError");
  get(f.new_filter, "oidnNewFilter");
  get(f.release_filter, "oidnReleaseFilter");
  get(f.set_shared_filter_image, "oidnSetSharedFilterImage");
  get(f.set_filter_bool, "oidnSetFilterBool");
  get(f.commit_filter, "oidnCommitFilter");
  get(f.execute_filter, "oidnExecuteFilter");
  return missing;
}

std::string loaded_file(void* function, const std::string& asked_for) {
  Dl_info info{};
  return ::dladdr(function, &info) != 0 && info.dli_fname != nullptr ? info.dli_fname : asked_for;
}

/// Loads `file` and makes a device of it, which finds out whether the parts beside it are there.
Lookup load(const std::string& file) {
  void* const handle = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return {nullptr, own_words(::dlerror())};
  auto library = std::make_shared<Library>();
  const Functions& f = library->call;
  if (const std::string missing = resolve(handle, library->call); !missing.empty()) {
    ::dlclose(handle);
    return {nullptr, fmt::format("{} has no function {}; version 2.0 or later is needed", file, missing)};
  }
  const Device device = f.new_device(kDeviceTypeCpu);
  if (device == nullptr) {
    const char* message = nullptr;
    f.get_device_error(nullptr, &message);
    return {nullptr, fmt::format("{} offers no CPU device: {}", file, own_words(message))};
  }
  const int version = f.get_device_int(device, "version");  // 20501 is 2.5.1
  f.release_device(device);
  if (version / 10000 != 2) {
    return {nullptr, fmt::format("{} is version {}; version 2 is needed", file, version / 10000)};
  }
  library->version = fmt::format("{}.{}.{}", version / 10000, version / 100 % 100, version % 100);
  library->file = loaded_file(reinterpret_cast<void*>(f.new_device), file);
  return {library, ""};
}

Lookup search(const char* named) {
  std::string reasons;
  for (const std::string& file : candidates(named)) {
    Lookup found = load(file);
    if (found.library) return found;
    reasons += (reasons.empty() ? "" : "; ") + found.reason;
  }
  if (named != nullptr) {
    return {nullptr,
            fmt::format("Open Image Denoise could not be loaded from {}={}: {}", kVariable, named, reasons)};
  }
  return {nullptr,
          fmt::format("Open Image Denoise is not installed ({}); scripts/setup.sh brings it, or name {} or "
                      "its folder in {}",
                      reasons, kFileName, kVariable)};
}

}  // namespace

Lookup find_library() {
  static std::mutex mutex;
  static std::optional<std::string> looked_for;
  static std::optional<Lookup> result;
  const std::lock_guard lock(mutex);
  const char* const value = std::getenv(kVariable);
  const std::optional<std::string> named =
      value != nullptr && *value != '\0' ? std::optional<std::string>(value) : std::nullopt;
  if (!result || named != looked_for) {
    result = search(named ? named->c_str() : nullptr);
    looked_for = named;
  }
  return *result;
}

}  // namespace renderfm::oidn
