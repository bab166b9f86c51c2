#include "labels_check.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "index_map.h"
#include "renderfm/core/check.h"
#include "renderfm/volume/labels.h"
#include "renderfm/volume/resample.h"

namespace renderfm {
namespace {

constexpr int kAirHu = -900;             // under this there is no tissue, lung included
constexpr int kBodyHu = -300;            // over this there is tissue
constexpr std::int64_t kMinVoxels = 50;  // smaller labels are mostly boundary

struct HuRange {
  double low, high;
};

// The mean density that an organ of this name can have; nothing for organs that may hold gas, stones or dense
// contrast agent.
std::optional<HuRange> plausible_mean_hu(const std::string& name) {
  if (organ_matches(name, "lungs")) return HuRange{-990, -150};
  if (name == "trachea") return HuRange{-1024, -500};
  if (organ_matches(name, "chest_wall") && name.find("cartilage") != std::string::npos)
    return HuRange{0, 400};
  if (organ_matches(name, "skeleton")) return HuRange{60, kMaxHu};
  if (organ_matches(name, "muscles")) return HuRange{-90, 130};
  for (const char* solid : {"liver", "brain", "pancreas"}) {
    if (name == solid) return HuRange{-60, 250};
  }
  for (const char* blood : {"spleen", "kidneys", "heart", "vessels"}) {
    if (organ_matches(name, blood)) return HuRange{-60, 800};
  }
  return std::nullopt;
}

// Position of a vertebra counted from the head; -1 for anything else.
int vertebra_number(const std::string& name) {
  static constexpr std::string_view kPrefix = "vertebrae_";
  if (!name.starts_with(kPrefix) || name.size() < kPrefix.size() + 2) return -1;
  const std::string digits = name.substr(kPrefix.size() + 1);
  if (digits.find_first_not_of("0123456789") != std::string::npos || digits.size() > 2) return -1;
  const int number = std::stoi(digits);
  switch (name[kPrefix.size()]) {
    case 'C': return number;
    case 'T': return 7 + number;
    case 'L': return 19 + number;
    case 'S': return 24 + number;
    default: return -1;
  }
}

void count(AnatomyVote& vote, bool contradicted, const std::string& why) {
  ++vote.tested;
  if (!contradicted) return;
  if (vote.contradicted++ == 0) vote.example = why;
}

bool inside(const Geometry& grid, Vec3d index) {
  return index.x >= -0.5 && index.x <= static_cast<double>(grid.width()) - 0.5 && index.y >= -0.5 &&
         index.y <= static_cast<double>(grid.height()) - 0.5 && index.z >= -0.5 &&
         index.z <= static_cast<double>(grid.depth()) - 0.5;
}

// Of the voxels of `volume` that `wanted` accepts, the fraction inside the box of `other`; 1 where there are
// none.
template <class T, class Wanted>
double covered_fraction(const Volume<T>& volume, const Geometry& other, Wanted wanted) {
  const Geometry& grid = volume.geometry;
  const IndexMap map = source_from_target(other, grid);
  std::int64_t all = 0, covered = 0;
  std::size_t p = 0;
  for (std::int64_t k = 0; k < grid.depth(); ++k) {
    for (std::int64_t j = 0; j < grid.height(); ++j) {
      for (std::int64_t i = 0; i < grid.width(); ++i, ++p) {
        if (!wanted(volume.voxels[p])) continue;
        ++all;
        covered +=
            inside(other, map({static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)}));
      }
    }
  }
  return all == 0 ? 1.0 : static_cast<double>(covered) / static_cast<double>(all);
}

// True where the two grids hold the same voxel centres, in whatever order of axes.
bool same_voxel_centres(const Geometry& a, const Geometry& b) {
  if (a.voxel_count() != b.voxel_count()) return false;
  const IndexMap map = source_from_target(b, a);
  const std::array<double, 3> last_b{static_cast<double>(b.width() - 1), static_cast<double>(b.height() - 1),
                                     static_cast<double>(b.depth() - 1)};
  for (int corner = 0; corner < 8; ++corner) {
    const Vec3d index = map({corner & 1 ? static_cast<double>(a.width() - 1) : 0.0,
                             corner & 2 ? static_cast<double>(a.height() - 1) : 0.0,
                             corner & 4 ? static_cast<double>(a.depth() - 1) : 0.0});
    for (int axis = 0; axis < 3; ++axis) {
      if (std::min(std::abs(index[axis]), std::abs(index[axis] - last_b[axis])) > 0.05) return false;
    }
  }
  return true;
}

std::string describe(const Geometry& grid) {
  return fmt::format("{}x{}x{} voxels of {:.4g}x{:.4g}x{:.4g} mm", grid.width(), grid.height(), grid.depth(),
                     grid.spacing_zyx_mm[2], grid.spacing_zyx_mm[1], grid.spacing_zyx_mm[0]);
}

}  // namespace

std::map<std::uint8_t, LabelStatistics> label_statistics(const LabelVolume& labels, const CtVolume& ct) {
  struct Sums {
    std::int64_t count = 0, hu = 0, air = 0, x = 0, y = 0, z = 0;
  };
  std::array<Sums, 256> sums{};
  const Geometry& grid = ct.geometry;
  std::size_t p = 0;
  for (std::int64_t k = 0; k < grid.depth(); ++k) {
    for (std::int64_t j = 0; j < grid.height(); ++j) {
      for (std::int64_t i = 0; i < grid.width(); ++i, ++p) {
        if (labels.voxels[p] == 0) continue;
        Sums& s = sums[labels.voxels[p]];
        ++s.count;
        s.hu += ct.voxels[p];
        s.air += ct.voxels[p] < kAirHu;
        s.x += i, s.y += j, s.z += k;
      }
    }
  }
  std::map<std::uint8_t, LabelStatistics> out;
  for (int label = 1; label < 256; ++label) {
    const Sums& s = sums[label];
    if (s.count == 0) continue;
    const double n = static_cast<double>(s.count);
    out[static_cast<std::uint8_t>(label)] = {
        s.count, static_cast<double>(s.hu) / n, static_cast<double>(s.air) / n,
        grid.world_from_index(
            {static_cast<double>(s.x) / n, static_cast<double>(s.y) / n, static_cast<double>(s.z) / n})};
  }
  return out;
}

AnatomyVote vote_on_anatomy(const std::map<std::uint8_t, LabelStatistics>& statistics,
                            const LabelNames& names) {
  AnatomyVote vote;
  std::map<std::string, Vec3d> centroid_mm;
  std::map<int, std::pair<std::string, double>> vertebra_z_mm;  // head to foot
  for (const auto& [label, organ] : statistics) {
    const auto found = names.find(label);
    if (found == names.end() || organ.count < kMinVoxels) continue;
    const std::string& name = found->second;
    if (const std::optional<HuRange> range = plausible_mean_hu(name)) {
      count(vote, organ.mean_hu < range->low || organ.mean_hu > range->high,
            fmt::format("{} would have a mean of {:.0f} HU", name, organ.mean_hu));
    }
    centroid_mm[name] = organ.centroid_mm;
    if (const int number = vertebra_number(name); number >= 0)
      vertebra_z_mm[number] = {name, organ.centroid_mm.z};
  }
  for (const auto& [name, left_mm] : centroid_mm) {
    const std::size_t side = name.find("left");
    if (side == std::string::npos || name.starts_with("lung_")) continue;  // lobes have no partner
    const auto right = centroid_mm.find(std::string(name).replace(side, 4, "right"));
    if (right == centroid_mm.end()) continue;
    count(vote, left_mm.x <= right->second.x, fmt::format("{} would lie right of {}", name, right->first));
  }
  for (auto upper = vertebra_z_mm.begin(); upper != vertebra_z_mm.end(); ++upper) {
    const auto lower = std::next(upper);
    if (lower == vertebra_z_mm.end()) break;
    count(vote, upper->second.second <= lower->second.second,
          fmt::format("{} would lie under {}", upper->second.first, lower->second.first));
  }
  return vote;
}

LabelVolume fit_to_grid(LabelVolume labels, const CtVolume& ct, const std::string& what, ScanReport& report) {
  const double tolerance_mm = 0.05 * std::min(labels.geometry.min_spacing_mm(), ct.geometry.min_spacing_mm());
  if (same_grid(labels.geometry, ct.geometry, tolerance_mm)) {
    labels.geometry = ct.geometry;
    return labels;
  }
  const double labels_in_ct =
      covered_fraction(labels, ct.geometry, [](std::uint8_t label) { return label != 0; });
  if (labels_in_ct < 0.5) {
    fail_input(
        "{}: only {:.0f} % of the labelled voxels lie inside the CT, so these are labels of another scan "
        "(labels: {}; CT: {}); give the labels of this CT",
        what, 100 * labels_in_ct, describe(labels.geometry), describe(ct.geometry));
  }
  const double body_covered =
      covered_fraction(ct, labels.geometry, [](std::int16_t hu) { return hu > kBodyHu; });
  if (body_covered < 0.5) {
    fail_input(
        "{}: the label grid covers only {:.0f} % of the body in the CT (labels: {}; CT: {}); give labels of "
        "the "
        "whole scan, or crop the CT to them",
        what, 100 * body_covered, describe(labels.geometry), describe(ct.geometry));
  }
  if (labels_in_ct < 0.98) {
    report.add_repair("labels_outside_ct",
                      fmt::format("{}: {:.0f} % of the labelled voxels lie outside the CT and "
                                  "were dropped",
                                  what, 100 * (1 - labels_in_ct)));
  }
  if (body_covered < 0.98) {
    report.add_repair("labels_partial",
                      fmt::format("{}: the label grid covers {:.0f} % of the body in the CT; the "
                                  "rest stays unlabelled",
                                  what, 100 * body_covered));
  }
  if (same_voxel_centres(labels.geometry, ct.geometry)) {
    report.add_fact("label_axes", "reordered to the CT's");
  } else {
    report.add_repair(
        "labels_resampled",
        fmt::format("{}: the label grid ({}) is not the CT's ({}), so labels were taken from the "
                    "nearest voxel",
                    what, describe(labels.geometry), describe(ct.geometry)));
  }
  LabelVolume fitted = resample_labels(labels, ct.geometry);
  fitted.names = std::move(labels.names);
  return fitted;
}

void check_same_patient(const LabelVolume& labels, const CtVolume& ct, const std::string& what,
                        ScanReport& report) {
  const auto statistics = label_statistics(labels, ct);
  double all = 0, air = 0;
  for (const auto& [label, organ] : statistics) {
    const auto name = labels.names.find(label);
    // Healthy lungs come near air, airways and bowel are full of it.
    if (name != labels.names.end() &&
        (organ_matches(name->second, "lungs") || organ_matches(name->second, "airways") ||
         organ_matches(name->second, "digestive"))) {
      continue;
    }
    all += static_cast<double>(organ.count);
    air += organ.air_fraction * static_cast<double>(organ.count);
  }
  if (all > 0 && air > 0.5 * all) {
    fail_input(
        "{}: {:.0f} % of the labelled voxels lie in air, so these are labels of another scan; give the "
        "labels "
        "of this CT",
        what, 100 * air / all);
  }
  const AnatomyVote vote = vote_on_anatomy(statistics, labels.names);
  if (vote.contradicted >= 3 && 2 * vote.contradicted > vote.tested) {
    fail_input(
        "{}: {} of {} labels contradict the CT ({}), so these are labels of another scan or of another "
        "numbering; give the labels of this CT, or --label-version v1 or v2",
        what, vote.contradicted, vote.tested, vote.example);
  }
  if (vote.contradicted >= 3 && 5 * vote.contradicted > vote.tested) {
    report.add_repair("labels_doubtful",
                      fmt::format("{}: {} of {} labels do not fit the CT ({}); they were kept", what,
                                  vote.contradicted, vote.tested, vote.example));
  }
}

}  // namespace renderfm
