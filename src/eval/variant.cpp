#include "renderfm/eval/variant.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "renderfm/core/check.h"
#include "renderfm/core/parallel.h"
#include "renderfm/math/rng.h"
#include "renderfm/volume/crop.h"
#include "renderfm/volume/resample.h"
#include "renderfm/volume/tissue_estimator.h"

namespace renderfm {
namespace {

struct Entry {
  Variant variant;
  const char *name, *meaning;
};
constexpr std::array<Entry, 7> kEntries{
    {{Variant::kLabelsNone, "labels-none", "no labels: tissues estimated from the CT"},
     {Variant::kLabelsEroded, "labels-eroded", "every organ without its outermost voxels"},
     {Variant::kLabelsDilated, "labels-dilated", "every organ larger by a voxel all around"},
     {Variant::kLabelsMissing, "labels-missing", "a third of the organs not labelled"},
     {Variant::kSpacing15, "spacing-1.5", "the CT resampled to 1.5 mm"},
     {Variant::kSpacing3, "spacing-3", "the CT resampled to 3 mm"},
     {Variant::kNoise, "noise", "white noise of 25 HU on every voxel"}}};

constexpr float kNoise_hu = 25;
constexpr std::uint64_t kMissingOneIn = 3;
constexpr std::int64_t kGrain = 1 << 16;
constexpr auto kFirstTissue = static_cast<std::uint8_t>(Tissue::kLung);

double spacing_of(Variant variant) {
  return variant == Variant::kSpacing15 ? 1.5 : variant == Variant::kSpacing3 ? 3 : 0;
}

bool is_organ(std::uint8_t label) { return label != 0 && label < kFirstTissue; }

/// Calls visit(voxel, neighbour) for the six neighbours of every voxel that lie in the grid.
template <class Visit>
void for_neighbours(const Geometry& grid, const Visit& visit) {
  const std::int64_t size[3] = {grid.width(), grid.height(), grid.depth()};
  const std::int64_t stride[3] = {1, size[0], size[0] * size[1]};
  for (std::int64_t voxel = 0; voxel < grid.voxel_count(); ++voxel) {
    const std::int64_t at[3] = {voxel % size[0], voxel / size[0] % size[1], voxel / stride[2]};
    for (int axis = 0; axis < 3; ++axis) {
      if (at[axis] > 0) visit(voxel, voxel - stride[axis]);
      if (at[axis] + 1 < size[axis]) visit(voxel, voxel + stride[axis]);
    }
  }
}

/// An organ's voxel beside another label is given up.
LabelVolume eroded(const LabelVolume& labels) {
  LabelVolume result = labels;
  for_neighbours(labels.geometry, [&](std::int64_t voxel, std::int64_t neighbour) {
    const std::uint8_t label = labels.voxels[static_cast<std::size_t>(voxel)];
    if (is_organ(label) && labels.voxels[static_cast<std::size_t>(neighbour)] != label) {
      result.voxels[static_cast<std::size_t>(voxel)] = 0;
    }
  });
  return result;
}

/// A voxel of no organ becomes that of the organ beside it; of several, the one with the least number.
LabelVolume dilated(const LabelVolume& labels) {
  LabelVolume result = labels;
  for_neighbours(labels.geometry, [&](std::int64_t voxel, std::int64_t neighbour) {
    const std::uint8_t organ = labels.voxels[static_cast<std::size_t>(neighbour)];
    std::uint8_t& now = result.voxels[static_cast<std::size_t>(voxel)];
    if (is_organ(labels.voxels[static_cast<std::size_t>(voxel)]) || !is_organ(organ)) return;
    if (!is_organ(now) || organ < now) now = organ;
  });
  return result;
}

/// At least one organ is missing.
LabelVolume without_some(const LabelVolume& labels, std::uint64_t seed) {
  std::vector<std::pair<std::uint64_t, std::uint8_t>> order;
  for (const auto& [label, name] : labels.names) {
    if (is_organ(label)) order.emplace_back(hash64(seed, label), label);
  }
  std::sort(order.begin(), order.end());
  order.resize((order.size() + kMissingOneIn - 1) / kMissingOneIn);
  LabelVolume result = labels;
  std::array<bool, 256> missing{};
  for (const auto& [rank, label] : order) {
    missing[label] = true;
    result.names.erase(label);
  }
  for (std::uint8_t& label : result.voxels) {
    if (missing[label]) label = 0;
  }
  return result;
}

CtVolume noisy(CtVolume ct, std::uint64_t seed) {
  parallel_for(0, ct.geometry.voxel_count(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      std::int16_t& hu = ct.voxels[static_cast<std::size_t>(n)];
      const float value =
          static_cast<float>(hu) + kNoise_hu * hash_normal(hash64(seed, static_cast<std::uint64_t>(n)));
      hu = static_cast<std::int16_t>(
          std::clamp(std::lround(value), static_cast<long>(kMinHu), static_cast<long>(kMaxHu)));
    }
  });
  return ct;
}

LabelVolume changed_labels(const data::Case& content, Variant variant, std::uint64_t seed) {
  const LabelVolume& given = content.labels_volume;
  switch (variant) {
    case Variant::kLabelsNone: return estimate_tissues(content.ct);
    case Variant::kLabelsEroded: return complete_labels(eroded(given), estimate_tissues(content.ct));
    case Variant::kLabelsDilated: return dilated(given);
    case Variant::kLabelsMissing:
      return complete_labels(without_some(given, seed), estimate_tissues(content.ct));
    default: return given;
  }
}

}  // namespace

std::string variant_name(Variant variant) {
  for (const Entry& entry : kEntries) {
    if (entry.variant == variant) return entry.name;
  }
  return "";
}

std::string variant_meaning(Variant variant) {
  for (const Entry& entry : kEntries) {
    if (entry.variant == variant) return entry.meaning;
  }
  return "";
}

Variant parse_variant(const std::string& name) {
  std::string list;
  for (const Entry& entry : kEntries) {
    if (name == entry.name) return entry.variant;
    list += (list.empty() ? "" : ", ") + std::string(entry.name);
  }
  fail_input("there is no robustness variant '{}'; there are {}", name, list);
}

std::vector<Variant> all_variants() {
  std::vector<Variant> variants;
  for (const Entry& entry : kEntries) variants.push_back(entry.variant);
  return variants;
}

bool applies(Variant variant, const data::CaseInfo& info) {
  constexpr double kCoarser = 1.01;  // else it is the same grid, or a finer one with nothing in it
  switch (variant) {
    case Variant::kLabelsNone:
    case Variant::kLabelsEroded:
    case Variant::kLabelsDilated:
    case Variant::kLabelsMissing:
      return std::any_of(info.labels.begin(), info.labels.end(),
                         [](const auto& entry) { return is_organ(entry.first); });
    case Variant::kSpacing15:
    case Variant::kSpacing3: return spacing_of(variant) >= kCoarser * info.geometry.min_spacing_mm();
    case Variant::kNone:
    case Variant::kNoise: break;
  }
  return true;
}

Scene scene_of(const data::Case& content, Variant variant, std::uint64_t seed) {
  Scene scene;
  // Labels change on the whole grid, halo included: an organ does not end where the box does.
  scene.labels = crop(changed_labels(content, variant, seed), content.box);
  scene.ct = crop(content.ct, content.box);
  if (variant == Variant::kNoise) scene.ct = noisy(std::move(scene.ct), seed);
  const double spacing_mm = spacing_of(variant);
  if (spacing_mm > 0) {
    const Geometry grid = network_grid(scene.ct.geometry, {TargetSpacing::Kind::kMillimetres, spacing_mm});
    scene.ct = resample_ct(scene.ct, grid);
    scene.labels = resample_labels(scene.labels, grid);
  }
  return scene;
}

}  // namespace renderfm
