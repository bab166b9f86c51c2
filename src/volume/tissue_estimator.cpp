#include "renderfm/volume/tissue_estimator.h"

#include <algorithm>
#include <array>

#include "renderfm/core/check.h"
#include "renderfm/volume/labels.h"
#include "tissue_estimator_parts.h"

namespace renderfm {
namespace {

constexpr int kFatHu = -30;      // fat ends and muscle begins
constexpr double kSkinMm = 2.5;  // epidermis and dermis
constexpr double kFineMm = 2.2;  // coarser voxels need no smoothing

constexpr std::pair<Tissue, const char*> kTissueNames[] = {
    {Tissue::kLung, "lung"},     {Tissue::kBone, "bone"},
    {Tissue::kVessel, "vessel"}, {Tissue::kSoftTissue, "soft_tissue"},
    {Tissue::kFat, "fat"},       {Tissue::kSkin, "skin"},
    {Tissue::kAirway, "airway"}};

bool names_member_of(const LabelVolume& labels, const char* group) {
  return std::any_of(labels.names.begin(), labels.names.end(),
                     [&](const auto& entry) { return organ_matches(entry.second, group); });
}

}  // namespace

LabelVolume estimate_tissues(const CtVolume& ct) {
  const Geometry& grid = ct.geometry;
  const std::vector<std::int16_t> smooth_hu = tissue::smooth(ct, kFineMm);
  const tissue::BodyMasks body = tissue::find_body(ct, smooth_hu);
  const tissue::BrightMasks bright = tissue::find_bright(ct, smooth_hu, body);
  // At least one voxel, or a coarse scan would have no skin.
  const tissue::Mask under_skin =
      tissue::erode(body.body, grid, std::max(kSkinMm, 1.001 * grid.min_spacing_mm()));

  // Between air and muscle a voxel that holds both has the density of fat.
  tissue::Mask air_inside(ct.voxels.size());
  for (std::size_t p = 0; p < air_inside.size(); ++p) air_inside[p] = body.lung[p] || body.airway[p];
  const tissue::Mask at_air = tissue::dilate(air_inside, grid, 1.1 * grid.max_spacing_mm());

  LabelVolume out;
  out.geometry = grid;
  out.voxels.resize(ct.voxels.size());
  std::array<bool, 256> present{};
  for (std::size_t p = 0; p < out.voxels.size(); ++p) {
    if (!body.body[p]) continue;
    Tissue tissue = smooth_hu[p] < kFatHu && !at_air[p] ? Tissue::kFat : Tissue::kSoftTissue;
    if (bright.bone[p]) {
      tissue = Tissue::kBone;
    } else if (bright.vessel[p]) {
      tissue = Tissue::kVessel;
    } else if (body.lung[p]) {
      tissue = Tissue::kLung;
    } else if (body.airway[p]) {
      tissue = Tissue::kAirway;
    } else if (!under_skin[p]) {
      tissue = Tissue::kSkin;
    }
    out.voxels[p] = static_cast<std::uint8_t>(tissue);
    present[out.voxels[p]] = true;
  }
  for (const auto& [tissue, name] : kTissueNames) {
    const auto label = static_cast<std::uint8_t>(tissue);
    if (present[label]) out.names[label] = name;
  }
  return out;
}

LabelVolume complete_labels(const LabelVolume& labels, const LabelVolume& tissues) {
  RFM_CHECK(labels.voxels.size() == tissues.voxels.size() &&
                same_grid(labels.geometry, tissues.geometry, 0.05 * tissues.geometry.min_spacing_mm()),
            "complete_labels: labels are {}x{}x{}, tissues {}x{}x{}", labels.geometry.width(),
            labels.geometry.height(), labels.geometry.depth(), tissues.geometry.width(),
            tissues.geometry.height(), tissues.geometry.depth());
  const bool has_bones = names_member_of(labels, "skeleton"), has_lungs = names_member_of(labels, "lungs"),
             has_vessels = names_member_of(labels, "vessels");

  // What each tissue becomes: itself, soft tissue, or another number where the labels use its own for
  // something else.
  std::array<std::uint8_t, 256> becomes{};
  std::array<bool, 256> taken{};
  for (const auto& [label, name] : labels.names) taken[label] = true;
  for (const auto& [label, name] : tissues.names) {
    const auto same = std::find_if(labels.names.begin(), labels.names.end(),
                                   [&](const auto& entry) { return entry.second == name; });
    int number = label;
    if (same != labels.names.end()) {
      number = same->first;
    } else if (taken[label]) {
      number = 255;
      while (number > 0 && (taken[number] || tissues.names.count(static_cast<std::uint8_t>(number))))
        --number;
      if (number == 0)
        fail_input("the labels use all 255 numbers, so none is left for {}; leave some out", name);
    }
    becomes[label] = static_cast<std::uint8_t>(number);
    taken[number] = true;
  }
  const auto soft = static_cast<std::uint8_t>(Tissue::kSoftTissue);
  std::array<std::uint8_t, 256> result = becomes;
  const std::uint8_t soft_number = becomes[soft] > 0 ? becomes[soft] : soft;
  if (has_bones) result[static_cast<std::uint8_t>(Tissue::kBone)] = soft_number;
  if (has_lungs) result[static_cast<std::uint8_t>(Tissue::kLung)] = soft_number;
  if (has_vessels) result[static_cast<std::uint8_t>(Tissue::kVessel)] = soft_number;

  LabelVolume out = labels;
  std::array<bool, 256> present{};
  for (std::size_t p = 0; p < out.voxels.size(); ++p) {
    if (out.voxels[p] != 0) continue;
    out.voxels[p] = result[tissues.voxels[p]];
    present[out.voxels[p]] = true;
  }
  for (const auto& [label, name] : tissues.names) {
    if (present[becomes[label]] && result[label] == becomes[label]) out.names.emplace(becomes[label], name);
  }
  if (present[soft_number]) out.names.emplace(soft_number, "soft_tissue");
  return out;
}

}  // namespace renderfm
