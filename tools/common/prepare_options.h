// The arguments of renderfm-prepare that stand for a config.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/cli_main.h"
#include "renderfm/data/prepare_config.h"

namespace renderfm::tools {

struct PrepareOptions {
  std::vector<std::string> ct, labels, tf{"auto"};
  std::optional<int> phantoms, test_views;
  std::string size = "512x512", split = "train";
  int crop = 0, crops = 4;
  bool healthy = false, no_contrast = false;
  data::PrepareConfig wish;  ///< what the arguments set directly
};

void add_prepare_options(CLI::App& app, PrepareOptions& options);

/// The first of these arguments that the user gave; "" for none.
std::string given_prepare_option(const CLI::App& app);
/// True where scans are named.
bool names_scans(const PrepareOptions& options);
/// Throws kUsage and kBadInput.
data::PrepareConfig prepare_config(const PrepareOptions& options, std::uint64_t seed);

}  // namespace renderfm::tools
