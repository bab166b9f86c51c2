#include "renderfm/nn/device.h"

#include <dlfcn.h>

#include <string>

#include "renderfm/core/check.h"
#include "renderfm/core/log.h"

#ifdef RENDERFM_WITH_CUDA
#include <ATen/Context.h>

#include <filesystem>
#endif

namespace renderfm {
namespace {

// Why no GPU can be used, or "" when one can. The driver is asked first: it is cheap, and without one the
// gigabyte of libtorch_cuda would be loaded for nothing.
std::string why_no_cuda() {
#ifndef RENDERFM_WITH_CUDA
  return "this program was built without CUDA";
#else
  void* driver = ::dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (driver == nullptr) return "no NVIDIA driver (libcuda.so.1) is installed";
  const auto init = reinterpret_cast<int (*)(unsigned)>(::dlsym(driver, "cuInit"));
  const auto device_count = reinterpret_cast<int (*)(int*)>(::dlsym(driver, "cuDeviceGetCount"));
  int devices = 0;
  if (init == nullptr || device_count == nullptr || init(0) != 0 || device_count(&devices) != 0 ||
      devices == 0) {
    return "the NVIDIA driver finds no GPU";
  }
  // Beside the libtorch_cpu that this program runs with; its own rpath leads to the CUDA libraries.
  Dl_info cpu_library{};
  if (::dladdr(reinterpret_cast<void*>(&at::globalContext), &cpu_library) == 0)
    return "LibTorch cannot be located";
  const auto library = std::filesystem::path(cpu_library.dli_fname).parent_path() / "libtorch_cuda.so";
  // Global and never closed: it registers its kernels with LibTorch for the life of the process.
  if (::dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr) {
    const char* reason = ::dlerror();
    return fmt::format("LibTorch's CUDA half does not load ({})",
                       reason == nullptr ? library.string() : reason);
  }
  if (!at::hasCUDA() || at::getNumGPUs() == 0) return "LibTorch finds no GPU that it can use";
  return "";
#endif
}

}  // namespace

torch::Device pick_device(const std::string& name) {
  if (name == "cpu") return torch::kCPU;
  if (name != "auto" && name != "cuda") fail_input("unknown device '{}'; choose auto, cpu or cuda", name);
  static const std::string reason = why_no_cuda();
  if (reason.empty()) return {torch::kCUDA, 0};
  if (name == "cuda") fail_runtime("cannot run on a GPU: {}; use --device cpu or --device auto", reason);
  log_debug("running on the CPU: {}", reason);
  return torch::kCPU;
}

}  // namespace renderfm
