// The options of every program that starts from a CT.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/cli_main.h"
#include "renderfm/model/network.h"
#include "renderfm/model/predictor.h"
#include "renderfm/volume/scene.h"

namespace renderfm::tools {

struct ScanOptions {
  std::string labels, label_version, model, spacing = "auto", series, device = "auto";
  std::vector<std::string> tf{"auto"}, organs{"all"};
  std::vector<double> tf_range;
  std::int64_t max_gaussians = 1000000;
  int time_point = -1;
  bool allow_gaps = false, force = false;
};

void add_scan_options(CLI::App& app, ScanOptions& options);

/// The options as another of our programs takes them, but for --labels and --tf.
std::vector<std::string> scan_arguments(const ScanOptions& options);

/// Reads the CT and its labels, onto the grid that the network was trained for; `network` may be null.
Scene load_scene(const std::string& ct, const ScanOptions& options, const Network* network);
/// The transfer functions asked for. Files and presets are read at once, so that a mistake in one is told
/// before a scan is; "auto" waits for the scan. "all" is every preset.
class TransferFunctionChoice {
 public:
  explicit TransferFunctionChoice(const ScanOptions& options);
  std::vector<TransferFunction> resolve(const Scene& scene) const;
  std::size_t size() const { return functions_.size(); }

 private:
  std::vector<std::optional<TransferFunction>> functions_;  ///< none for "auto"
};
/// By --model, as choose_network() says.
std::unique_ptr<Network> load_network(const ScanOptions& options);
/// Predicts, and says what was left out.
Prediction predict(const Scene& scene, const TransferFunction& tf, const ScanOptions& options,
                   const Network* network);

/// True where a program is given Gaussians instead of a CT.
bool is_gaussian_file(const std::filesystem::path& path);

}  // namespace renderfm::tools
