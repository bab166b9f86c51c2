#include "data/case_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "data/name_bits.h"
#include "renderfm/core/check.h"
#include "renderfm/core/sha256.h"
#include "renderfm/data/case.h"
#include "renderfm/math/rng.h"
#include "renderfm/volume/labels.h"

namespace renderfm::data {
namespace {

struct Look {
  std::string name;
  std::optional<TransferFunction> tf;
  int random = -1;
  bool unseen = false;
  std::vector<std::string> organs{"all"};
};

std::vector<Look> looks_of(const LookWish& wish) {
  std::vector<Look> looks;
  std::set<std::string> names;
  for (const std::string& preset : wish.presets) {
    Look look;
    if (preset == "auto") {
      look.name = preset;
    } else {
      look.tf = load_transfer_function(preset);
      look.name = std::filesystem::path(preset).stem().string();
    }
    if (!names.insert(look.name).second) {
      fail_input("looks.presets: two transfer functions are called {}; rename one file", look.name);
    }
    for (const std::string& organs : wish.organs) {
      looks.push_back(look);
      if (organs == "all") continue;
      looks.back().organs = split_at_commas({organs});
      looks.back().name += fmt::format("-{}", fmt::join(looks.back().organs, "+"));
    }
  }
  for (int n = 0; n < wish.random; ++n) looks.push_back({fmt::format("seen{:02}", n), {}, n, false});
  for (int n = 0; n < wish.unseen; ++n) looks.push_back({fmt::format("unseen{:02}", n), {}, n, true});
  return looks;
}

std::string describe(const ScanSource& scan) {
  std::string text = fmt::format("{} {}", scan.id, scan.split);
  if (scan.estimate_labels) text += " without labels";
  if (!scan.phantom) {
    const ReadOptions& read = scan.files.read;
    return text + fmt::format(" {} {} {} {}", scan.files.label_version, read.series, read.time_point,
                              read.allow_gaps);
  }
  text += fmt::format(" {} {} {}", scan.phantom->seed, scan.phantom->spacing_mm, scan.phantom->contrast);
  for (const auto& [trait, value] : phantom_traits_json(scan.phantom->traits)) text += " " + value;
  return text;
}

std::string fingerprint(const PrepareConfig& config, const ScanSource& scan, const CasePlan& plan,
                        const Renderer& renderer) {
  const ViewWish& views = config.views;
  const ViewCounts& count = scan.views;
  const SceneWish& scenes = scan.scenes;
  std::string text =
      fmt::format("schema {} seed {} scan {} case {}\n", kCaseSchema, config.seed, describe(scan), plan.name);
  text += plan.tf ? to_yaml(*plan.tf)
                  : fmt::format("look {} {} {}\n", plan.random_look, plan.unseen,
                                plan.random_look >= 0 ? config.looks.organ_subsets : 0);
  if (plan.organs != CasePlan{}.organs) text += fmt::format("organs {}\n", fmt::join(plan.organs, ","));
  text += fmt::format("spacing {} {} box {}", static_cast<int>(plan.spacing.kind), plan.spacing.spacing_mm,
                      plan.box);
  if (plan.box >= 0) {
    text += fmt::format(" {} {} {}", scenes.box_voxels, scenes.halo_voxels, scenes.least_foreground);
  }
  text += fmt::format("\nviews {} {} {}x{} {} {} {} {} {} {} ", count.train, count.test, views.width,
                      views.height, views.samples, views.test_samples, renderer.denoiser, renderer.device,
                      config.exposure, config.points);
  // Nothing where they are off: data sets from before there were any go on.
  if (views.close_ups > 0) text += fmt::format("close-ups {} {} ", views.close_ups, views.zoom);
  if (views.maps) text += "maps ";
  std::error_code error;
  const bool own_light = std::filesystem::is_regular_file(config.light, error);
  text += own_light ? sha256_of_file(config.light) : config.light;
  return sha256(text);
}

}  // namespace

std::vector<CasePlan> plan_cases(const PrepareConfig& config, const std::vector<ScanSource>& scans,
                                 const Renderer& renderer) {
  const std::vector<Look> looks = looks_of(config.looks);
  std::vector<CasePlan> plans;
  for (std::size_t n = 0; n < scans.size(); ++n) {
    const SceneWish& scenes = scans[n].scenes;
    const bool one_scene = scenes.boxes + scenes.whole == 1;
    for (const Look& look : looks) {
      if (look.unseen && scans[n].split == "train") continue;
      CasePlan plan;
      plan.scan = n;
      plan.tf = look.tf;
      plan.random_look = look.random;
      plan.unseen = look.unseen;
      plan.organs = look.organs;
      const std::string name = looks.size() == 1 ? scans[n].id : scans[n].id + "-" + look.name;
      const auto add = [&](const std::string& scene) {
        plan.name = one_scene ? name : name + "-" + scene;
        plan.fingerprint = fingerprint(config, scans[n], plan, renderer);
        plans.push_back(plan);
      };
      plan.spacing = parse_spacing(scenes.spacing);
      for (plan.box = 0; plan.box < scenes.boxes; ++plan.box) add(fmt::format("box{:02}", plan.box));
      plan.box = -1;
      if (scenes.boxes > 0) plan.spacing = {TargetSpacing::Kind::kMillimetres, scenes.whole_spacing_mm};
      if (scenes.whole > 0) add("whole");
    }
  }
  if (plans.empty()) fail_input("no case is left: unseen looks are for validation and test scans alone");
  std::set<std::string> names;
  for (const CasePlan& plan : plans) {
    if (!names.insert(plan.name).second) fail_input("two cases would be called {}; rename a scan", plan.name);
  }
  return plans;
}

std::uint64_t case_seed(const PrepareConfig& config, const CasePlan& plan) {
  return hash64(config.seed, name_bits(plan.name));
}

}  // namespace renderfm::data
