// What this build is made of, for --version, reports and benchmarks.
#pragma once

#include <string>
#include <string_view>

namespace renderfm {

/// Written by CMake when it configures; scripts/build.sh always does.
struct BuildInfo {
  std::string_view version;        ///< "0.1.0"
  std::string_view commit;         ///< "682d2d8", with "-dirty" after local changes; "unknown" outside git
  std::string_view build_type;     ///< "Release"
  std::string_view compiler;       ///< "GNU 12.2.0"
  std::string_view torch_version;  ///< of the LibTorch linked against; "" for a build without it
  std::string_view torch_cuda_version;  ///< that LibTorch was built for; "" where it has no CUDA
  std::string_view cuda_version;        ///< of our own kernels; "" for a CPU-only build
  std::string_view itk_version;
};

const BuildInfo& build_info();

/// What --version prints: one line per part, the CPU level last.
std::string version_text(std::string_view program);

}  // namespace renderfm
