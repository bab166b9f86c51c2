#include "renderfm/volume/phantom.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "renderfm/core/check.h"
#include "renderfm/core/parallel.h"
#include "volume/phantom/scan_noise.h"

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
  options.traits.noise_hu = 0;
  return options;
}

// A healthy man in the arterial phase, shared by the cases of this process.
const Phantom& coarse() {
  static const Phantom phantom = make_phantom(at_spacing(4));
  return phantom;
}
const std::map<std::string, OrganFacts>& coarse_facts() {
  static const auto facts = facts_of(coarse());
  return facts;
}

PhantomOptions old_woman() {
  PhantomOptions options = at_spacing(5, 7);
  options.traits.sex = Sex::kFemale;
  options.traits.age_years = 78;
  options.traits.height_cm = 160;
  options.traits.weight_kg = 66;
  options.traits.phase = ContrastPhase::kPortalVenous;
  return options;
}
// The same woman with and without her diseases.
const Phantom& woman() {
  static const Phantom phantom = make_phantom(old_woman());
  return phantom;
}
const Phantom& ill_woman() {
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
PhantomOptions her_chest() {
  PhantomOptions options = old_woman();
  options.traits.field_of_view = FieldOfView::kChest;
  return options;
}
const Phantom& chest() {
  static const Phantom phantom = make_phantom(her_chest());
  return phantom;
}
// A man's abdomen by phase; the unenhanced one by the option that overrules the traits.
PhantomOptions abdomen_options(ContrastPhase phase) {
  PhantomOptions options = at_spacing(6);
  options.traits.field_of_view = FieldOfView::kAbdomen;
  options.traits.phase = phase;
  return options;
}
const Phantom& abdomen(ContrastPhase phase) {
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
const std::map<std::string, OrganFacts>& woman_facts() {
  static const auto facts = facts_of(woman());
  return facts;
}
const std::map<std::string, OrganFacts>& ill_facts() {
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
                                       "femur_left",
                                       "femur_right",
                                       "sacrum",
                                       "urinary_bladder",
                                       "prostate",
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
  } ranges[] = {{"lung_upper_lobe_left", -900, -720},
                {"lung_lower_lobe_right", -900, -720},
                {"fat", -130, -70},
                {"soft_tissue", 30, 80},
                {"autochthon_left", 30, 80},
                {"liver", 55, 85},
                {"spleen", 90, 150},
                {"kidney_left", 110, 230},
                {"aorta", 270, 380},
                {"heart", 80, 320},
                {"spinal_cord", 10, 60},
                {"costal_cartilages", 60, 160},
                {"vertebrae_L3", 130, 450},
                {"rib_left_6", 200, 900},
                {"inferior_vena_cava", 55, 100},
                {"gallbladder", -10, 40},
                {"skin", -500, 40}};
  for (const auto& range : ranges) {
    const int median = coarse_facts().at(range.organ).median_hu();
    EXPECT_GE(median, range.low) << range.organ;
    EXPECT_LE(median, range.high) << range.organ;
  }
}

TEST(Phantom, IsNotMirrored) {
  // LPS: x grows to the patient's left, y to the back, z to the head.
  for (const auto* patient : {&coarse_facts(), &woman_facts()}) {
    const auto& facts = *patient;
    const char* seed = patient == &coarse_facts() ? "man" : "woman";
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
    for (const char* organ :
         {"femur", "hip", "kidney", "scapula", "humerus", "iliac_artery", "gluteus_medius"}) {
      EXPECT_GT(at((std::string(organ) + "_left").c_str()).x,
                at((std::string(organ) + "_right").c_str()).x + 40)
          << seed << " " << organ;
    }
    EXPECT_LT(at("urinary_bladder").y, at("sacrum").y) << seed;
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

TEST(Phantom, EveryBoneIsOnePiece) {
  for (const Phantom* phantom : {&coarse(), &woman()}) {
    for (const auto& [label, name] : phantom->labels.names) {
      const bool thin =
          name.rfind("rib_", 0) == 0 || name.rfind("scapula", 0) == 0 || name.rfind("clav", 0) == 0;
      if (phantom == &woman() && thin) continue;  // thinner than her 5 mm voxels
      if (!thin && name.rfind("vertebrae_", 0) != 0 && name.rfind("hip_", 0) != 0 &&
          name.rfind("femur_", 0) != 0 && name != "sacrum" && name != "sternum" &&
          name.rfind("humerus_", 0) != 0) {
        continue;
      }
      if (name == "vertebrae_C7") continue;  // cut by the top of the scan
      const auto sizes = piece_sizes(phantom->labels, [&](const std::string& n) { return n == name; });
      std::int64_t rest = 0;
      for (std::size_t n = 1; n < sizes.size(); ++n) rest += sizes[n];
      EXPECT_LE(rest, sizes[0] / 8) << name << " in " << sizes.size() << " pieces";
    }
  }
}

TEST(Phantom, FemoralHeadsSitInTheirSockets) {
  // The upper third of each femur lies within the hip's extent, and nowhere do the bones fuse.
  const auto& facts = coarse_facts();
  for (const char* side : {"left", "right"}) {
    const std::string femur = std::string("femur_") + side, hip = std::string("hip_") + side;
    EXPECT_LT(facts.at(femur).centroid_mm.z, facts.at(hip).centroid_mm.z - 50) << side;
    EXPECT_GT(std::abs(facts.at(femur).centroid_mm.x), std::abs(facts.at(hip).centroid_mm.x) + 15) << side;
    EXPECT_NEAR(facts.at(femur).volume_ml, 165, 70) << side;  // the head to 8 cm below the lesser trochanter
    EXPECT_NEAR(facts.at(hip).volume_ml, 300, 130) << side;
  }
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
  const auto rougher = facts_of(make_phantom(at_spacing(6)));
  for (const auto& [name, fine] : coarse_facts()) {
    // Small organs are a few voxels at 6 mm; the cord is as thin as one and half a metre long.
    if (fine.volume_ml < 25 || name == "spinal_cord") continue;
    ASSERT_TRUE(rougher.count(name)) << name;
    const OrganFacts& rough = rougher.at(name);
    // Within a voxel: half its diagonal is what sampling alone does to a thin rib.
    EXPECT_LT(norm(fine.centroid_mm - rough.centroid_mm), 6) << name;
    if (fine.volume_ml < 150 || name == "skin") continue;
    EXPECT_NEAR(rough.volume_ml / fine.volume_ml, 1, 0.12) << name;
  }
}

TEST(Phantom, GivesTheSameBytesForAnyThreadCount) {
  const Phantom& many = abdomen(ContrastPhase::kPortalVenous);
  set_thread_count(1);
  const Phantom one = make_phantom(abdomen_options(ContrastPhase::kPortalVenous));
  set_thread_count(0);
  EXPECT_TRUE(one.ct.voxels == many.ct.voxels);
  EXPECT_TRUE(one.labels.voxels == many.labels.voxels);
}

TEST(Phantom, PhasesEnhanceVesselsAndOrgansInTheirOrder) {
  std::map<ContrastPhase, std::map<std::string, OrganFacts>> facts;
  for (const auto phase : {ContrastPhase::kNone, ContrastPhase::kPortalVenous, ContrastPhase::kDelayed}) {
    facts[phase] = facts_of(abdomen(phase));
  }
  facts[ContrastPhase::kArterial] = coarse_facts();
  const auto hu = [&](ContrastPhase phase, const char* organ) {
    return facts.at(phase).at(organ).median_hu();
  };
  using P = ContrastPhase;
  EXPECT_NEAR(hu(P::kNone, "aorta"), 42, 22);  // 6 mm voxels share some of the spine
  EXPECT_NEAR(hu(P::kNone, "liver"), 58, 8);
  EXPECT_GT(hu(P::kArterial, "aorta"), hu(P::kPortalVenous, "aorta") + 80);
  EXPECT_GT(hu(P::kPortalVenous, "aorta"), hu(P::kDelayed, "aorta") + 30);
  EXPECT_GT(hu(P::kDelayed, "aorta"), hu(P::kNone, "aorta") + 30);
  EXPECT_GT(hu(P::kPortalVenous, "inferior_vena_cava"), hu(P::kArterial, "inferior_vena_cava") + 30);
  EXPECT_GT(hu(P::kPortalVenous, "liver"), hu(P::kArterial, "liver") + 25);
  EXPECT_GT(hu(P::kArterial, "spleen"), hu(P::kNone, "spleen") + 40);
  EXPECT_GT(hu(P::kArterial, "kidney_left"), hu(P::kNone, "kidney_left") + 50);
  // Excreted contrast settles in the bladder.
  EXPECT_GT(facts.at(P::kDelayed).at("urinary_bladder").median_hu(), -10);
  const auto brightest = [&](P phase) {
    auto sorted = facts.at(phase).at("urinary_bladder").hu;
    std::sort(sorted.begin(), sorted.end());
    return sorted[sorted.size() * 9 / 10];  // beyond it, the pubic bones share the voxels
  };
  EXPECT_GT(brightest(P::kDelayed), 150);
  EXPECT_LT(brightest(P::kPortalVenous), 70);
  // The agent changes no shape.
  for (const char* organ : {"liver", "aorta", "hip_left"}) {
    EXPECT_EQ(facts.at(P::kNone).at(organ).voxels, facts.at(P::kDelayed).at(organ).voxels) << organ;
  }
}

TEST(Phantom, FieldsOfViewShowTheirOrgansAndAgreeWhereTheyOverlap) {
  const auto seen = facts_of(chest());
  EXPECT_FALSE(seen.count("hip_left") || seen.count("urinary_bladder") || seen.count("femur_left"));
  ASSERT_TRUE(seen.count("heart") && seen.count("vertebrae_T1"));
  EXPECT_NEAR(seen.at("heart").volume_ml / woman_facts().at("heart").volume_ml, 1, 0.03);
  EXPECT_LT(norm(seen.at("heart").centroid_mm - woman_facts().at("heart").centroid_mm), 1.5);
}

TEST(Phantom, MenAndWomenOfAllSizesHaveOrgansOfThePhysiologicalRange) {
  std::vector<PhantomOptions> people;
  for (const auto& [sex, height_cm, weight_kg, age] :
       {std::tuple{Sex::kFemale, 150.0, 45.0, 30.0}, {Sex::kMale, 192.0, 125.0, 60.0}}) {
    PhantomOptions options = at_spacing(7, people.size() + 40);
    options.traits.sex = sex;
    options.traits.height_cm = height_cm;
    options.traits.weight_kg = weight_kg;
    options.traits.age_years = age;
    people.push_back(options);
  }
  const struct {
    const char* organ;
    double low_ml, high_ml;
  } ranges[] = {{"liver", 850, 2600},   {"spleen", 70, 450},   {"kidney_left", 80, 300},
                {"heart", 330, 1300},   {"pancreas", 25, 170}, {"urinary_bladder", 40, 400},
                {"hip_left", 150, 550}, {"aorta", 70, 400}};
  std::vector<std::map<std::string, OrganFacts>> all{coarse_facts(), woman_facts()};
  for (const PhantomOptions& options : people) all.push_back(facts_of(make_phantom(options)));
  for (std::size_t n = 0; n < all.size(); ++n) {
    for (const auto& range : ranges) {
      EXPECT_GE(all[n].at(range.organ).volume_ml, range.low_ml) << range.organ << " of person " << n;
      EXPECT_LE(all[n].at(range.organ).volume_ml, range.high_ml) << range.organ << " of person " << n;
    }
    EXPECT_EQ(all[n].count("prostate"), n == 0 || n == 3 ? 1u : 0u);
  }
  // The heavy man has more of everything, most of all fat.
  EXPECT_GT(all[3].at("liver").volume_ml, all[2].at("liver").volume_ml * 1.2);
  EXPECT_GT(all[3].at("fat").volume_ml, all[2].at("fat").volume_ml * 3);
  // Women's pelves flare: their hip joints stand further apart for the body's width.
  const auto apart = [&](std::size_t n) {
    return norm(all[n].at("femur_left").centroid_mm - all[n].at("femur_right").centroid_mm) /
           std::cbrt(all[n].at("sacrum").volume_ml + all[n].at("hip_left").volume_ml);
  };
  EXPECT_GT(apart(1) / apart(0), 1.0);
}

TEST(Phantom, OldBonesAreLessDense) {
  EXPECT_GT(coarse_facts().at("vertebrae_L3").median_hu(), woman_facts().at("vertebrae_L3").median_hu() + 30);
}

// Cobb angle from the centroids of T2 to L2: the greatest difference between the tangents' tilts.
double cobb_angle_deg(const std::map<std::string, OrganFacts>& facts) {
  std::vector<Vec3d> centres;
  for (int n = 1; n <= 12; ++n) centres.push_back(facts.at("vertebrae_T" + std::to_string(n)).centroid_mm);
  for (int n = 1; n <= 4; ++n) centres.push_back(facts.at("vertebrae_L" + std::to_string(n)).centroid_mm);
  double low = 1e9, high = -1e9;
  for (std::size_t v = 1; v + 1 < centres.size(); ++v) {
    const Vec3d d = centres[v - 1] - centres[v + 1];
    const double tilt = std::atan2(d.x, d.z) * 180 / 3.14159265;
    low = std::min(low, tilt), high = std::max(high, tilt);
  }
  return high - low;
}

TEST(Phantom, ScoliosisHasItsCobbAngleAndItsSide) {
  EXPECT_LT(cobb_angle_deg(woman_facts()), 10);  // below that it is no scoliosis
  // Centroids hold the processes, which turn towards the concavity, and tangents over two discs cut the ends
  // of the curve: they see up to a third less than the tilt of the end plates.
  EXPECT_GT(cobb_angle_deg(ill_facts()), 23);
  EXPECT_LT(cobb_angle_deg(ill_facts()), 40);
  // Convex to the right: the apex lies to the right of both ends.
  const auto x = [&](const char* name) { return ill_facts().at(name).centroid_mm.x; };
  EXPECT_LT(x("vertebrae_T8") + 8, 0.5 * (x("vertebrae_T2") + x("vertebrae_L2")));
  // The ribs follow: crowded on the concave side, spread on the convex one.
  const auto spread = [&](const char* side) {
    const auto z = [&](int n) {
      return ill_facts().at(std::string("rib_") + side + "_" + std::to_string(n)).centroid_mm.z;
    };
    return z(5) - z(9);
  };
  EXPECT_GT(spread("right"), spread("left") + 4);
}

TEST(Phantom, EffusionHasItsVolumeAndLiesAtTheBack) {
  PhantomOptions wet = her_chest();
  wet.traits.effusion_right_ml = 600;
  const Phantom &without = chest(), with = make_phantom(wet);
  std::int64_t fluid = 0, elsewhere = 0;
  double fluid_hu = 0;
  const Geometry& g = with.labels.geometry;
  for (std::int64_t k = 0; k < g.depth(); ++k) {
    for (std::int64_t j = 0; j < g.height(); ++j) {
      for (std::int64_t i = 0; i < g.width(); ++i) {
        const std::uint8_t before = without.labels.at(k, j, i), after = with.labels.at(k, j, i);
        if (before == after) continue;
        const std::string& was = without.labels.names.at(before);
        if (was.rfind("lung_", 0) == 0 && was.find("right") != std::string::npos &&
            with.labels.names.at(after) == "soft_tissue") {
          ++fluid, fluid_hu += with.ct.at(k, j, i);
        } else {
          ++elsewhere;
        }
      }
    }
  }
  EXPECT_NEAR(static_cast<double>(fluid) * 0.125, 600, 60);
  EXPECT_NEAR(fluid_hu / static_cast<double>(fluid), 10, 12);
  EXPECT_LT(elsewhere, fluid / 8);  // fat under the pleura
  // She lies on her back: behind fluid there is no lung.
  std::int64_t columns = 0, floating = 0;
  for (std::int64_t k = 0; k < g.depth(); ++k) {
    for (std::int64_t i = 0; i < g.width(); ++i) {
      std::int64_t deepest_lung = -1, first_fluid = g.height();
      for (std::int64_t j = 0; j < g.height(); ++j) {
        const auto was = without.labels.names.find(without.labels.at(k, j, i));
        if (was == without.labels.names.end() || was->second.rfind("lung_", 0) != 0) continue;
        if (with.labels.at(k, j, i) == without.labels.at(k, j, i)) {
          deepest_lung = j;
        } else {
          first_fluid = std::min(first_fluid, j);
        }
      }
      if (first_fluid == g.height()) continue;
      ++columns;
      floating += deepest_lung > first_fluid;
    }
  }
  EXPECT_GT(columns, 200);
  EXPECT_LT(floating, columns / 20);
}

TEST(Phantom, ResectedOrgansAreAbsentAndNothingElse) {
  const std::set<std::string> gone = {"spleen", "gallbladder", "kidney_left", "lung_upper_lobe_right"};
  for (const auto& [name, facts] : woman_facts()) {
    EXPECT_EQ(ill_facts().count(name), gone.count(name) ? 0u : 1u) << name;
  }
}

TEST(Phantom, CalcifiedAortasHavePlaquesAndHealthyOnesHaveNone) {
  const auto dense_share = [](const OrganFacts& aorta) {
    const auto dense = std::count_if(aorta.hu.begin(), aorta.hu.end(), [](int hu) { return hu > 300; });
    return static_cast<double>(dense) / static_cast<double>(aorta.voxels);
  };
  EXPECT_LT(dense_share(woman_facts().at("aorta")), 0.005);  // touching a vertebra
  EXPECT_GT(dense_share(ill_facts().at("aorta")), 0.04);
}

TEST(Phantom, LesionsHaveTheLabelOfTheirOrganAndTheirDensity) {
  PhantomOptions ill = abdomen_options(ContrastPhase::kPortalVenous);
  ill.traits.liver_lesions = 6;
  ill.traits.kidney_mass_mm = 50;
  ill.traits.kidney_cysts = 3;
  ill.traits.aneurysm_mm = 55;
  const auto before = facts_of(abdomen(ContrastPhase::kPortalVenous)), after = facts_of(make_phantom(ill));
  EXPECT_EQ(before.at("liver").voxels, after.at("liver").voxels);
  const auto dark = [](const OrganFacts& liver) {
    return std::count_if(liver.hu.begin(), liver.hu.end(), [](int hu) { return hu > -20 && hu < 85; });
  };
  EXPECT_GT(dark(after.at("liver")), dark(before.at("liver")) + 40);
  EXPECT_EQ(before.count("kidney_cyst_left") + before.count("kidney_cyst_right"), 0u);
  EXPECT_GE(after.count("kidney_cyst_left") + after.count("kidney_cyst_right"), 1u);
  const auto volume = [&](const char* name) { return after.count(name) ? after.at(name).volume_ml : 0.0; };
  const double kidneys_before = before.at("kidney_left").volume_ml + before.at("kidney_right").volume_ml,
               kidneys_after = volume("kidney_left") + volume("kidney_right") + volume("kidney_cyst_left") +
                               volume("kidney_cyst_right");
  EXPECT_GT(kidneys_after, kidneys_before + 10);  // half of the 65 ml bulge out
  EXPECT_GT(after.at("aorta").volume_ml, before.at("aorta").volume_ml + 40);
}

TEST(ScanNoise, HasUnitVarianceAndTheSpectrumOfItsKernel) {
  double neighbour[3];
  for (int kernel = 0; kernel < 3; ++kernel) {
    phantom::ScanNoise noise(3, static_cast<ReconstructionKernel>(kernel), 1.5, 96, 96);
    double sum2 = 0, next = 0;
    std::int64_t count = 0;
    // Power at f cycles a voxel along x, from blocks of 24 x 24 voxels; 1 for white noise.
    const double frequencies[] = {0, 1.0 / 12, 1.0 / 6, 1.0 / 4, 1.0 / 3};
    double power[5] = {0, 0, 0, 0, 0};
    const int slices = 24;
    for (std::int64_t k = 0; k < slices; ++k) {
      const auto& slice = noise.slice(k);
      for (std::size_t n = 0; n < slice.size(); ++n, ++count) {
        sum2 += static_cast<double>(slice[n]) * static_cast<double>(slice[n]);
        if (n % 96 != 95) next += static_cast<double>(slice[n]) * static_cast<double>(slice[n + 1]);
      }
      for (std::size_t block = 0; block < 16; ++block) {
        for (int f = 0; f < 5; ++f) {
          double real = 0, imaginary = 0;
          for (std::size_t j = 0; j < 24; ++j) {
            for (std::size_t i = 0; i < 24; ++i) {
              const auto value = static_cast<double>(slice[(block / 4 * 24 + j) * 96 + block % 4 * 24 + i]);
              const double angle = 6.283185307 * frequencies[f] * static_cast<double>(i);
              real += value * std::cos(angle), imaginary += value * std::sin(angle);
            }
          }
          power[f] += (real * real + imaginary * imaginary) / (576.0 * 16 * slices);
        }
      }
    }
    // 220 000 correlated values: the variance's standard error is below 1 %.
    EXPECT_NEAR(sum2 / static_cast<double>(count), 1, 0.04) << kernel;
    // The ramp filter takes the slow noise away; a kernel's blur the fast one.
    const double most = *std::max_element(power, power + 5);
    EXPECT_LT(power[0], 0.4 * most) << kernel;
    if (kernel == 0) {
      EXPECT_LT(power[4], 0.7 * most);
    } else if (kernel == 2) {
      EXPECT_GT(power[4], 0.8 * most);
    }
    neighbour[kernel] = next / sum2;
  }
  EXPECT_GT(neighbour[0], neighbour[1] + 0.1);
  EXPECT_GT(neighbour[1], neighbour[2] + 0.1);
}

TEST(Phantom, NoiseFollowsDoseAndKernel) {
  const Phantom& clean = abdomen(ContrastPhase::kPortalVenous);
  const auto deviation = [&](double noise_hu, ReconstructionKernel kernel) {
    PhantomOptions options = abdomen_options(ContrastPhase::kPortalVenous);
    options.traits.kernel = kernel;
    options.traits.noise_hu = noise_hu;
    const Phantom noisy = make_phantom(options);
    double sum2 = 0;
    std::int64_t count = 0;
    for (std::size_t n = 0; n < clean.ct.voxels.size(); ++n) {
      const auto found = clean.labels.names.find(clean.labels.voxels[n]);
      if (found == clean.labels.names.end() || found->second != "liver") continue;
      if (std::abs(clean.ct.voxels[n] - 112) > 40) continue;  // edges, which the kernel changes too
      const double d = noisy.ct.voxels[n] - clean.ct.voxels[n];
      sum2 += d * d, ++count;
    }
    return std::sqrt(sum2 / static_cast<double>(count));
  };
  // At 6 mm three tenths of the 1.5 mm deviation are left. Some 6000 voxels: 1 % standard error.
  EXPECT_NEAR(deviation(60, ReconstructionKernel::kStandard), 18, 1.2);
  EXPECT_NEAR(deviation(60, ReconstructionKernel::kSharp), 1.8 * 18, 2);
}

TEST(PhantomTraits, ArePlausibleAndSpreadAsDocumented) {
  const int people = 4000;
  int women = 0, spines = 0, effusions = 0, aneurysms = 0, chests = 0;
  int phases[4] = {0, 0, 0, 0};
  double height[2] = {0, 0}, age = 0, calcification_young = 0, calcification_old = 0;
  int young = 0, old = 0;
  for (int n = 0; n < people; ++n) {
    const PhantomTraits t = sample_phantom_traits(static_cast<std::uint64_t>(n));
    ASSERT_NO_THROW(check_phantom_traits(t)) << n << ": " << describe(t);
    const bool female = t.sex == Sex::kFemale;
    women += female;
    height[female ? 0 : 1] += t.height_cm;
    age += t.age_years;
    ++phases[static_cast<int>(t.phase)];
    chests += t.field_of_view == FieldOfView::kChest;
    spines += t.scoliosis_deg != 0;
    effusions += t.effusion_left_ml > 0 || t.effusion_right_ml > 0;
    aneurysms += t.aneurysm_mm > 0;
    if (t.age_years < 45) calcification_young += t.aortic_calcification, ++young;
    if (t.age_years > 75) calcification_old += t.aortic_calcification, ++old;
    EXPECT_FALSE(female && t.aneurysm_mm > 0);
  }
  // Four standard errors of a share of 4000 are at most 0.032.
  const auto share = [&](int count) { return static_cast<double>(count) / people; };
  EXPECT_NEAR(share(women), 0.5, 0.032);
  EXPECT_NEAR(share(phases[0]), 0.25, 0.028);
  EXPECT_NEAR(share(phases[1]), 0.25, 0.028);
  EXPECT_NEAR(share(phases[2]), 0.4, 0.032);
  EXPECT_NEAR(share(chests), 0.2, 0.026);
  EXPECT_NEAR(share(spines), 0.15, 0.023);
  EXPECT_NEAR(share(effusions), 0.12, 0.021);
  EXPECT_GT(aneurysms, 5);
  EXPECT_NEAR(height[0] / women, 163, 1.5);
  EXPECT_NEAR(height[1] / (people - women), 176, 1.5);
  EXPECT_NEAR(age / people, (18 + 66 + 92) / 3.0, 1.2);
  EXPECT_EQ(calcification_young, 0);
  EXPECT_GT(calcification_old / old, 0.4);
}

TEST(PhantomTraits, AreTheSameForTheSameSeedAndSayWhatTheyAre) {
  PhantomTraits t;
  t.sex = Sex::kFemale;
  t.age_years = 71;
  t.height_cm = 158;
  t.weight_kg = 66;
  t.kernel = ReconstructionKernel::kSharp;
  t.noise_hu = 14;
  t.scoliosis_deg = 24;
  t.aortic_calcification = 0.5;
  t.resections = {Resection::kSpleen};
  EXPECT_EQ(describe(t),
            "female, 71 y, 158 cm, 66 kg, trunk, arterial phase, sharp kernel, 14 HU noise, scoliosis 24 deg "
            "convex "
            "to the right, moderately calcified aorta, spleen resected");
  std::map<std::string, std::string> json;
  for (const auto& [key, value] : phantom_traits_json(t)) json[key] = value;
  EXPECT_EQ(json.at("sex"), "\"female\"");
  EXPECT_EQ(json.at("scoliosis_deg"), "24");
  EXPECT_EQ(json.at("resections"), "[\"spleen\"]");
  EXPECT_EQ(phantom_traits_json(sample_phantom_traits(9)), phantom_traits_json(sample_phantom_traits(9)));
  EXPECT_NE(phantom_traits_json(sample_phantom_traits(9)), phantom_traits_json(sample_phantom_traits(10)));
}

template <class Change>
void expect_refusal(const Change& change, const char* words) {
  PhantomOptions options = at_spacing(5);
  change(options);
  try {
    check_phantom_options(options);
    FAIL() << words;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
    EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what();
  }
}

TEST(Phantom, RefusesImpossibleOptionsInOneSentence) {
  for (const double spacing_mm : {0.0, -1.0, 0.2, 50.0, std::nan("")}) {
    expect_refusal([&](PhantomOptions& o) { o.spacing_mm = spacing_mm; }, "0.5 to 20 mm");
  }
  expect_refusal([](PhantomOptions& o) { o.traits.age_years = 7; },
                 "an age of 7 years; choose 18 to 100 years");
  expect_refusal([](PhantomOptions& o) { o.traits.weight_kg = 40, o.traits.height_cm = 190; },
                 "body mass index");
  expect_refusal([](PhantomOptions& o) { o.traits.noise_hu = std::nan(""); }, "a noise of nan HU");
  expect_refusal(
      [](PhantomOptions& o) {
        o.traits.resections = {Resection::kKidneyLeft, Resection::kKidneyRight};
      },
      "both kidneys");
  expect_refusal(
      [](PhantomOptions& o) {
        o.traits.resections = {Resection::kSpleen, Resection::kSpleen};
      },
      "twice");
}

}  // namespace
}  // namespace renderfm
