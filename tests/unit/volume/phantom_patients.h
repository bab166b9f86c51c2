// The phantoms that several cases look at, made once a process, and what is measured of them.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "renderfm/volume/phantom.h"

namespace renderfm::test {

struct OrganFacts {
  std::int64_t voxels = 0;
  Vec3d centroid_mm{0, 0, 0};
  std::vector<int> hu;
  double volume_ml = 0;
  int median_hu() const {
    auto sorted = hu;
    std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2),
                     sorted.end());
    return sorted[sorted.size() / 2];
  }
};

inline std::map<std::string, OrganFacts> facts_of(const Phantom& phantom) {
  std::map<std::string, OrganFacts> facts;
  const Geometry& grid = phantom.ct.geometry;
  for (std::int64_t k = 0; k < grid.depth(); ++k) {
    for (std::int64_t j = 0; j < grid.height(); ++j) {
      for (std::int64_t i = 0; i < grid.width(); ++i) {
        const std::uint8_t label = phantom.labels.at(k, j, i);
        if (label == 0) continue;
        OrganFacts& f = facts[phantom.labels.names.at(label)];
        ++f.voxels;
        f.hu.push_back(phantom.ct.at(k, j, i));
        f.centroid_mm = f.centroid_mm + grid.world_from_index({static_cast<double>(i), static_cast<double>(j),
                                                               static_cast<double>(k)});
      }
    }
  }
  for (auto& [name, f] : facts) {
    f.centroid_mm = f.centroid_mm * (1.0 / static_cast<double>(f.voxels));
    f.volume_ml = static_cast<double>(f.voxels) * std::pow(grid.min_spacing_mm(), 3) / 1000;
  }
  return facts;
}

inline PhantomOptions at_spacing(double spacing_mm, std::uint64_t seed = 1) {
  PhantomOptions options;
  options.seed = seed;
  options.spacing_mm = spacing_mm;
  options.traits.noise_hu = 0;
  return options;
}

// A healthy man in the arterial phase, shared by the cases of this process.
inline const Phantom& coarse() {
  static const Phantom phantom = make_phantom(at_spacing(4));
  return phantom;
}
inline const std::map<std::string, OrganFacts>& coarse_facts() {
  static const auto facts = facts_of(coarse());
  return facts;
}

inline PhantomOptions old_woman() {
  PhantomOptions options = at_spacing(5, 7);
  options.traits.sex = Sex::kFemale;
  options.traits.age_years = 78;
  options.traits.height_cm = 160;
  options.traits.weight_kg = 66;
  options.traits.phase = ContrastPhase::kPortalVenous;
  return options;
}
// The same woman with and without her diseases.
inline const Phantom& woman() {
  static const Phantom phantom = make_phantom(old_woman());
  return phantom;
}
inline const Phantom& ill_woman() {
  static const Phantom phantom = [] {
    PhantomOptions options = old_woman();
    PhantomTraits& t = options.traits;
    t.scoliosis_deg = 34;
    t.effusion_right_ml = 600;
    t.lung_mass_mm = 55;
    t.aortic_calcification = 1;
    t.resections = {Resection::kSpleen, Resection::kGallbladder, Resection::kKidneyLeft,
                    Resection::kLungLobe};
    return make_phantom(options);
  }();
  return phantom;
}
// Her chest alone.
inline PhantomOptions her_chest() {
  PhantomOptions options = old_woman();
  options.traits.field_of_view = FieldOfView::kChest;
  return options;
}
inline const Phantom& chest() {
  static const Phantom phantom = make_phantom(her_chest());
  return phantom;
}
// A man's abdomen by phase; the unenhanced one by the option that overrules the traits.
inline PhantomOptions abdomen_options(ContrastPhase phase) {
  PhantomOptions options = at_spacing(6);
  options.traits.field_of_view = FieldOfView::kAbdomen;
  options.traits.phase = phase;
  return options;
}
inline const Phantom& abdomen(ContrastPhase phase) {
  static std::map<ContrastPhase, Phantom> made;
  auto found = made.find(phase);
  if (found == made.end()) {
    PhantomOptions options = abdomen_options(phase);
    if (phase == ContrastPhase::kNone)
      options.contrast = false, options.traits.phase = ContrastPhase::kDelayed;
    found = made.emplace(phase, make_phantom(options)).first;
  }
  return found->second;
}
inline const std::map<std::string, OrganFacts>& woman_facts() {
  static const auto facts = facts_of(woman());
  return facts;
}
inline const std::map<std::string, OrganFacts>& ill_facts() {
  static const auto facts = facts_of(ill_woman());
  return facts;
}

// Voxels of the labels whose name passes, in 6-connected pieces, largest first.
template <class Passes>
std::vector<std::int64_t> piece_sizes(const LabelVolume& labels, const Passes& passes) {
  std::vector<char> open(labels.voxels.size(), 0);
  for (std::size_t n = 0; n < open.size(); ++n) {
    const std::uint8_t label = labels.voxels[n];
    open[n] = label != 0 && passes(labels.names.at(label));
  }
  const Geometry& g = labels.geometry;
  std::vector<std::int64_t> sizes;
  std::vector<std::int64_t> stack;
  for (std::int64_t n = 0; n < g.voxel_count(); ++n) {
    if (!open[static_cast<std::size_t>(n)]) continue;
    std::int64_t size = 0;
    stack.push_back(n);
    open[static_cast<std::size_t>(n)] = 0;
    while (!stack.empty()) {
      const std::int64_t at = stack.back();
      stack.pop_back();
      ++size;
      const std::int64_t i = at % g.width(), j = at / g.width() % g.height(),
                         k = at / (g.width() * g.height());
      const auto visit = [&](std::int64_t kk, std::int64_t jj, std::int64_t ii) {
        if (kk < 0 || jj < 0 || ii < 0 || kk >= g.depth() || jj >= g.height() || ii >= g.width()) return;
        const std::int64_t to = g.offset(kk, jj, ii);
        if (open[static_cast<std::size_t>(to)]) {
          open[static_cast<std::size_t>(to)] = 0;
          stack.push_back(to);
        }
      };
      visit(k - 1, j, i), visit(k + 1, j, i), visit(k, j - 1, i), visit(k, j + 1, i), visit(k, j, i - 1),
          visit(k, j, i + 1);
    }
    sizes.push_back(size);
  }
  std::sort(sizes.rbegin(), sizes.rend());
  return sizes;
}

}  // namespace renderfm::test
