#include "renderfm/volume/phantom.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "renderfm/core/check.h"
#include "renderfm/core/parallel.h"

namespace renderfm {
namespace {

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

std::map<std::string, OrganFacts> facts_of(const Phantom& phantom) {
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

PhantomOptions at_spacing(double spacing_mm, std::uint64_t seed = 1) {
  PhantomOptions options;
  options.seed = seed;
  options.spacing_mm = spacing_mm;
  return options;
}

const Phantom& coarse() {
  static const Phantom phantom = make_phantom(at_spacing(3));
  return phantom;
}
const std::map<std::string, OrganFacts>& coarse_facts() {
  static const auto facts = facts_of(coarse());
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

TEST(Phantom, HasEveryOrganOfATorso) {
  std::vector<std::string> expected = {"spleen",
                                       "kidney_right",
                                       "kidney_left",
                                       "gallbladder",
                                       "liver",
                                       "stomach",
                                       "pancreas",
                                       "adrenal_gland_right",
                                       "adrenal_gland_left",
                                       "lung_upper_lobe_left",
                                       "lung_lower_lobe_left",
                                       "lung_upper_lobe_right",
                                       "lung_middle_lobe_right",
                                       "lung_lower_lobe_right",
                                       "esophagus",
                                       "trachea",
                                       "thyroid_gland",
                                       "small_bowel",
                                       "duodenum",
                                       "colon",
                                       "vertebrae_S1",
                                       "vertebrae_C7",
                                       "heart",
                                       "aorta",
                                       "pulmonary_vein",
                                       "brachiocephalic_trunk",
                                       "subclavian_artery_right",
                                       "subclavian_artery_left",
                                       "common_carotid_artery_right",
                                       "common_carotid_artery_left",
                                       "brachiocephalic_vein_left",
                                       "brachiocephalic_vein_right",
                                       "atrial_appendage_left",
                                       "superior_vena_cava",
                                       "inferior_vena_cava",
                                       "portal_vein_and_splenic_vein",
                                       "iliac_artery_left",
                                       "iliac_artery_right",
                                       "iliac_vena_left",
                                       "iliac_vena_right",
                                       "humerus_left",
                                       "humerus_right",
                                       "scapula_left",
                                       "scapula_right",
                                       "clavicula_left",
                                       "clavicula_right",
                                       "hip_left",
                                       "hip_right",
                                       "spinal_cord",
                                       "gluteus_maximus_left",
                                       "gluteus_medius_right",
                                       "autochthon_left",
                                       "autochthon_right",
                                       "iliopsoas_left",
                                       "iliopsoas_right",
                                       "sternum",
                                       "costal_cartilages",
                                       "skin",
                                       "fat",
                                       "soft_tissue",
                                       "vessel"};
  for (int n = 1; n <= 12; ++n) {
    expected.push_back("rib_left_" + std::to_string(n));
    expected.push_back("rib_right_" + std::to_string(n));
    expected.push_back("vertebrae_T" + std::to_string(n));
    if (n <= 5) expected.push_back("vertebrae_L" + std::to_string(n));
  }
  for (const std::string& name : expected) EXPECT_TRUE(coarse_facts().count(name)) << name << " is missing";
}

TEST(Phantom, NamesExactlyTheLabelsThatOccur) {
  std::set<int> present, named;
  for (const std::uint8_t label : coarse().labels.voxels) {
    if (label != 0) present.insert(label);
  }
  for (const auto& [label, name] : coarse().labels.names) named.insert(label);
  EXPECT_EQ(present, named);
  // Numbers of TotalSegmentator v2 and of the tissue estimator.
  EXPECT_EQ(coarse().labels.names.at(5), "liver");
  EXPECT_EQ(coarse().labels.names.at(92), "rib_left_1");
  EXPECT_EQ(coarse().labels.names.at(117), "costal_cartilages");
  EXPECT_EQ(coarse().labels.names.at(206), "skin");
}

TEST(Phantom, OrgansHaveTheHounsfieldUnitsOfTextbooks) {
  const struct {
    const char* organ;
    int low, high;
  } ranges[] = {{"lung_upper_lobe_left", -900, -700},
                {"lung_lower_lobe_right", -900, -700},
                {"fat", -130, -70},
                {"soft_tissue", 30, 80},
                {"autochthon_left", 30, 80},
                {"liver", 90, 130},
                {"spleen", 90, 150},
                {"kidney_left", 110, 230},
                {"aorta", 270, 360},
                {"heart", 80, 320},
                {"spinal_cord", 10, 60},
                {"costal_cartilages", 60, 160},
                {"vertebrae_L3", 130, 450},
                {"rib_left_6", 200, 900},
                {"inferior_vena_cava", 120, 220},
                {"gallbladder", -10, 40},
                {"skin", -500, 40}};
  for (const auto& range : ranges) {
    const int median = coarse_facts().at(range.organ).median_hu();
    EXPECT_GE(median, range.low) << range.organ;
    EXPECT_LE(median, range.high) << range.organ;
  }
}

TEST(Phantom, WithoutContrastBloodLooksLikeMuscle) {
  PhantomOptions options = at_spacing(4);
  options.contrast = false;
  const auto facts = facts_of(make_phantom(options));
  for (const char* organ : {"aorta", "inferior_vena_cava", "portal_vein_and_splenic_vein", "heart"}) {
    EXPECT_NEAR(facts.at(organ).median_hu(), 40, 20) << organ;
  }
  EXPECT_NEAR(facts.at("liver").median_hu(), 58, 15);
}

TEST(Phantom, IsNotMirrored) {
  // LPS: x grows to the patient's left, y to the back, z to the head. Several patients, so that none is
  // lucky.
  for (const std::uint64_t seed : {1, 2, 3, 17}) {
    const auto facts = facts_of(make_phantom(at_spacing(5, seed)));
    const auto at = [&](const char* name) { return facts.at(name).centroid_mm; };
    EXPECT_LT(at("liver").x, -20) << seed;
    EXPECT_LT(at("gallbladder").x, -20) << seed;
    EXPECT_GT(at("spleen").x, 60) << seed;
    EXPECT_GT(at("stomach").x, 20) << seed;
    EXPECT_GT(at("heart").x, 3) << seed;
    EXPECT_GT(at("aorta").x, at("inferior_vena_cava").x + 20) << seed;
    EXPECT_LT(at("superior_vena_cava").x, 0) << seed;
    EXPECT_GT(at("kidney_left").z, at("kidney_right").z) << seed;
    EXPECT_GT(facts.at("lung_upper_lobe_left").voxels, 0) << seed;
    EXPECT_GT(at("rib_left_5").x, 60) << seed;
    EXPECT_LT(at("rib_right_5").x, -60) << seed;
    EXPECT_LT(at("sternum").y, at("heart").y) << seed;
    EXPECT_GT(at("vertebrae_T6").y, at("heart").y) << seed;
    EXPECT_GT(at("heart").z, at("liver").z) << seed;
    EXPECT_GT(at("vertebrae_T1").z, at("vertebrae_L5").z + 300) << seed;
    EXPECT_GT(at("trachea").z, at("heart").z) << seed;
  }
}

TEST(Phantom, OrgansHaveAdultSizes) {
  const struct {
    const char* organ;
    double low_ml, high_ml;
  } ranges[] = {{"liver", 900, 2300},      {"spleen", 90, 400},  {"kidney_left", 90, 260},
                {"kidney_right", 90, 260}, {"heart", 450, 1100}, {"stomach", 100, 700},
                {"pancreas", 30, 140}};
  for (const auto& range : ranges) {
    EXPECT_GE(coarse_facts().at(range.organ).volume_ml, range.low_ml) << range.organ;
    EXPECT_LE(coarse_facts().at(range.organ).volume_ml, range.high_ml) << range.organ;
  }
  double lungs_ml = 0;
  for (const auto& [name, f] : coarse_facts()) {
    if (name.rfind("lung_", 0) == 0) lungs_ml += f.volume_ml;
  }
  EXPECT_GE(lungs_ml, 3000);
  EXPECT_LE(lungs_ml, 7500);
}

TEST(Phantom, EachLungIsOnePieceAndTheyDoNotTouch) {
  for (const char* side : {"left", "right"}) {
    const auto sizes = piece_sizes(coarse().labels, [&](const std::string& name) {
      return name.rfind("lung_", 0) == 0 && name.find(side) != std::string::npos;
    });
    ASSERT_FALSE(sizes.empty());
    std::int64_t rest = 0;
    for (std::size_t n = 1; n < sizes.size(); ++n) rest += sizes[n];
    EXPECT_LE(rest, sizes[0] / 500) << side;  // a voxel or two behind a rib or a vessel
  }
  const auto both =
      piece_sizes(coarse().labels, [](const std::string& name) { return name.rfind("lung_", 0) == 0; });
  ASSERT_GE(both.size(), 2u);
  EXPECT_GT(both[1], both[0] / 3);
}

TEST(Phantom, LungsAndAbdomenAreEnclosedByTheBody) {
  // Nothing but skin, fat, muscle and bone touches the outside air, except where the scan ends.
  const LabelVolume& labels = coarse().labels;
  const Geometry& g = labels.geometry;
  std::int64_t skin_contacts = 0, other_contacts = 0;
  for (std::int64_t k = 1; k + 1 < g.depth(); ++k) {
    for (std::int64_t j = 1; j + 1 < g.height(); ++j) {
      for (std::int64_t i = 1; i + 1 < g.width(); ++i) {
        if (labels.at(k, j, i) != 0) continue;
        for (const std::uint8_t label : {labels.at(k, j - 1, i), labels.at(k, j + 1, i),
                                         labels.at(k, j, i - 1), labels.at(k, j, i + 1)}) {
          if (label == 0) continue;
          const std::string& name = labels.names.at(label);
          (name == "skin" || name == "fat" ? skin_contacts : other_contacts) += 1;
        }
      }
    }
  }
  EXPECT_GT(skin_contacts, 10000);
  EXPECT_EQ(other_contacts, 0);
}

TEST(Phantom, EveryRibReachesItsVertebra) {
  const LabelVolume& labels = coarse().labels;
  const Geometry& g = labels.geometry;
  std::map<std::string, std::uint8_t> number;
  for (const auto& [label, name] : labels.names) number[name] = label;
  for (int n = 1; n <= 12; ++n) {
    for (const char* side : {"left", "right"}) {
      const std::uint8_t rib = number.at(std::string("rib_") + side + "_" + std::to_string(n));
      const std::uint8_t vertebra = number.at("vertebrae_T" + std::to_string(n));
      bool touches = false;
      for (std::int64_t k = 2; k + 2 < g.depth() && !touches; ++k) {
        for (std::int64_t j = 2; j + 2 < g.height() && !touches; ++j) {
          for (std::int64_t i = 2; i + 2 < g.width() && !touches; ++i) {
            if (labels.at(k, j, i) != rib) continue;
            for (std::int64_t d = -2; d <= 2; ++d) {  // joint cartilage: within two voxels
              touches |= labels.at(k, j, i + d) == vertebra || labels.at(k, j + d, i) == vertebra ||
                         labels.at(k + d, j, i) == vertebra;
            }
          }
        }
      }
      EXPECT_TRUE(touches) << side << " rib " << n;
    }
  }
}

TEST(Phantom, IsTheSamePatientAtEverySpacing) {
  const auto finer = facts_of(make_phantom(at_spacing(2)));
  for (const auto& [name, fine] : finer) {
    if (fine.volume_ml < 8) continue;  // small organs are a few voxels at 3 mm
    ASSERT_TRUE(coarse_facts().count(name)) << name;
    const OrganFacts& rough = coarse_facts().at(name);
    // Half a diagonal of the 3 mm voxel bounds what sampling alone does to a thin rib.
    EXPECT_LT(norm(fine.centroid_mm - rough.centroid_mm), 2.6) << name;
    // Thin shells (skin, bowel walls painted over each other) lose up to a tenth between 2 and 3 mm voxels.
    EXPECT_NEAR(rough.volume_ml / fine.volume_ml, 1, 0.12) << name;
  }
}

TEST(Phantom, GivesTheSameBytesForAnyThreadCount) {
  set_thread_count(1);
  const Phantom one = make_phantom(at_spacing(4));
  for (const int threads : {2, 7}) {
    set_thread_count(threads);
    const Phantom many = make_phantom(at_spacing(4));
    EXPECT_TRUE(one.ct.voxels == many.ct.voxels) << threads;
    EXPECT_TRUE(one.labels.voxels == many.labels.voxels) << threads;
  }
  set_thread_count(0);
}

TEST(Phantom, DifferentSeedsAreDifferentPatients) {
  const auto a = facts_of(make_phantom(at_spacing(5, 1))), b = facts_of(make_phantom(at_spacing(5, 2)));
  int moved = 0;
  for (const char* name : {"liver", "heart", "spleen", "kidney_left", "rib_left_7", "aorta"}) {
    moved += norm(a.at(name).centroid_mm - b.at(name).centroid_mm) > 2;
  }
  EXPECT_GE(moved, 4);
}

TEST(Phantom, NoiseHasTheDeviationThatWasAskedFor) {
  PhantomOptions options = at_spacing(1.5);
  options.spacing_mm =
      3;  // deviation falls with the root of the voxel's volume: 12 HU at 1.5 mm, 4.24 at 3 mm
  options.noise_hu = 0;
  const Phantom clean = make_phantom(options);
  double sum = 0, sum2 = 0, neighbours = 0;
  std::int64_t count = 0;
  const Geometry& g = clean.ct.geometry;
  for (std::int64_t k = 0; k < g.depth(); ++k) {
    for (std::int64_t j = 0; j < g.height(); ++j) {
      for (std::int64_t i = 0; i + 1 < g.width(); ++i) {
        if (clean.ct.at(k, j, i) < -900 || clean.ct.at(k, j, i + 1) < -900) continue;  // where HU clamp
        const double d = coarse().ct.at(k, j, i) - clean.ct.at(k, j, i);
        const double e = coarse().ct.at(k, j, i + 1) - clean.ct.at(k, j, i + 1);
        sum += d, sum2 += d * d, neighbours += d * e;
        ++count;
      }
    }
  }
  EXPECT_NEAR(sum / static_cast<double>(count), 0, 0.1);
  // Rounding to whole HU twice adds 1/6 of a HU squared.
  EXPECT_NEAR(std::sqrt(sum2 / static_cast<double>(count)), std::sqrt(18 + 1.0 / 6), 0.1);
  // (0.5, 1, 0.5) correlates neighbours by (0.5 + 0.5) / 1.5.
  EXPECT_NEAR(neighbours / sum2, 2.0 / 3, 0.03);
}

TEST(Phantom, RefusesImpossibleOptionsInOneSentence) {
  for (const double spacing_mm : {0.0, -1.0, 0.2, 50.0, std::nan("")}) {
    try {
      make_phantom(at_spacing(spacing_mm));
      FAIL() << spacing_mm;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
      EXPECT_NE(std::string(error.what()).find("0.5 to 20 mm"), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace renderfm
