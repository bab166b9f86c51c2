// Path-traced pictures of a CT: the reference that Gaussians are measured by.
#pragma once

#include <filesystem>
#include <string>

#include "common/cli_main.h"
#include "common/pictures.h"
#include "common/scan_options.h"

namespace renderfm::tools {

struct PathTracingOptions {
  bool enabled = false, denoise = false, no_denoise = false, pfm = false;
  int samples = 0;      ///< a pixel; 0 chooses
  double noise_db = 0;  ///< wanted PSNR against a picture without noise, before denoising; 0: none
  std::string rig = "uniform";
  double save_every_s = 10;
};

/// Options that call for options of add_scan_options(), which comes first.
void add_path_tracing_options(CLI::App& app, PathTracingOptions& options);

/// Draws all views. What a killed run has traced lies in .film files beside the pictures; the same command
/// goes on from there, to the same bits as without the kill. Throws kBadInput where `ct` holds Gaussians.
void path_trace_pictures(const std::string& ct, const std::filesystem::path& out, const ScanOptions& scan,
                         const PictureOptions& pictures, const PathTracingOptions& options,
                         std::uint64_t seed);

}  // namespace renderfm::tools
