// Which built-in preset suits a scan that says nothing about it.
#include <algorithm>
#include <array>
#include <cstdint>

#include "renderfm/volume/labels.h"
#include "renderfm/volume/tissue_estimator.h"
#include "renderfm/volume/transfer_function.h"

namespace renderfm {
namespace {

// Blood without contrast agent is 30 to 60 HU; a vein in the late phase is above 100.
constexpr int kContrastHu = 110;
// Smaller shares of the labelled body are stray voxels.
constexpr double kPresentShare = 0.002;
constexpr double kMuchLungShare = 0.08;
constexpr int kManyOrgans = 3;

/// Voxels of each label.
using LabelCounts = std::array<std::int64_t, 256>;

std::int64_t count_of(const LabelVolume& labels, const LabelCounts& counts, const char* term) {
  std::int64_t count = 0;
  for (const auto& [label, name] : labels.names) {
    if (label != 0 && organ_matches(name, term)) count += counts[label];
  }
  return count;
}

/// Organs with a label of their own in the group, the estimator's tissues apart.
int named_organs(const LabelVolume& labels, const LabelCounts& counts, const char* term) {
  int organs = 0;
  for (const auto& [label, name] : labels.names) {
    const bool estimated = label >= static_cast<int>(Tissue::kLung);
    if (label != 0 && !estimated && counts[label] > 0 && organ_matches(name, term)) ++organs;
  }
  return organs;
}

/// Median HU of the blood in heart and great vessels, kMinHu where nothing is labelled so.
int blood_hu(const CtVolume& ct, const LabelVolume& labels) {
  std::array<bool, 256> blood{};
  for (const auto& [label, name] : labels.names) {
    blood[label] = label != 0 && (organ_matches(name, "vessels") || organ_matches(name, "heart"));
  }
  std::vector<std::int64_t> histogram(kMaxHu - kMinHu + 1);
  std::int64_t total = 0;
  for (std::size_t i = 0; i < ct.voxels.size(); ++i) {
    if (!blood[labels.voxels[i]]) continue;
    ++histogram[static_cast<std::size_t>(std::clamp<int>(ct.voxels[i], kMinHu, kMaxHu) - kMinHu)];
    ++total;
  }
  if (total == 0) return kMinHu;
  std::int64_t below = 0;
  std::size_t bin = 0;
  while (2 * (below += histogram[bin]) < total) ++bin;
  return kMinHu + static_cast<int>(bin);
}

}  // namespace

std::string choose_preset(const CtVolume& ct, const LabelVolume& labels) {
  LabelCounts counts{};
  for (const std::uint8_t label : labels.voxels) ++counts[label];
  std::int64_t body = 0;
  for (std::size_t label = 1; label < counts.size(); ++label) body += counts[label];
  if (body == 0) return "skin";
  const auto share = [&](const char* term) {
    return static_cast<double>(count_of(labels, counts, term)) / static_cast<double>(body);
  };

  // Labelled organs are the best picture there is; the lungs' glass shows the heart better where they
  // dominate.
  const bool heart = share("heart") > kPresentShare && named_organs(labels, counts, "heart") > 0;
  if (named_organs(labels, counts, "abdomen") >= kManyOrgans) return "organs";
  if (heart && share("lungs") > kMuchLungShare) return "thorax";

  const bool bones = share("skeleton") > kPresentShare;
  if (share("vessels") > kPresentShare && blood_hu(ct, labels) > kContrastHu) {
    return bones ? "bone-and-vessels" : "heart-and-vessels";
  }
  if (bones) return "bone";
  if (share("lungs") > kMuchLungShare) return "lungs";
  return share("muscles") > kPresentShare || share("soft_tissue") > kPresentShare ? "muscle" : "skin";
}

}  // namespace renderfm
