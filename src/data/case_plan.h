// The list of cases that a config asks for, in an order and under names that depend on nothing else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "renderfm/data/prepare_config.h"
#include "renderfm/data/view_renderer.h"

namespace renderfm::data {

struct CasePlan {
  std::string name;
  std::size_t scan = 0;                ///< of list_scans()
  std::optional<TransferFunction> tf;  ///< known beforehand; else drawn, or "auto"
  int random_look = -1;                ///< number of the random look; -1 for a preset
  bool unseen = false;
  std::vector<std::string> organs{"all"};  ///< under a preset; random looks draw theirs
  int box = -1;                            ///< number of the box; -1 for the whole scan
  TargetSpacing spacing;
  std::string fingerprint;  ///< of all settings that decide the case's bytes
};

std::vector<CasePlan> plan_cases(const PrepareConfig& config, const std::vector<ScanSource>& scans,
                                 const Renderer& renderer);

std::uint64_t case_seed(const PrepareConfig& config, const CasePlan& plan);

}  // namespace renderfm::data
