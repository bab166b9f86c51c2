// From a plan to what a case holds, views apart.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "data/case_plan.h"
#include "renderfm/data/case.h"
#include "renderfm/medium/medium.h"

namespace renderfm::data {

/// A case before its first view.
struct CaseStart {
  Case content;
  std::vector<StartPoint> points;
  std::unique_ptr<Medium> medium;  ///< of the box: what is path-traced
};

/// Keeps the last scan, since neighbouring plans share it.
class CaseMaker {
 public:
  CaseMaker(const PrepareConfig& config, const std::vector<ScanSource>& scans, const Renderer& renderer)
      : config_(config), scans_(scans), renderer_(renderer) {}

  /// Throws kBadInput where the scan cannot be used or nothing of it shows.
  CaseStart start(const CasePlan& plan, const std::filesystem::path& folder);

 private:
  struct Look {
    TransferFunction tf;
    std::vector<std::string> organs;
    std::unique_ptr<Medium> medium;  // of the whole scan
  };

  const Scene& scene(const CasePlan& plan);
  Look choose_look(const CasePlan& plan, const Scene& scene) const;
  void set_views(CaseInfo& info, const CasePlan& plan, const std::vector<StartPoint>& points) const;

  const PrepareConfig& config_;
  const std::vector<ScanSource>& scans_;
  const Renderer& renderer_;
  std::string scene_key_, scene_hash_;
  std::unique_ptr<Scene> scene_;
};

}  // namespace renderfm::data
