// The anatomy of a phantom: organs, bones, sides and sizes.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "renderfm/core/parallel.h"
#include "unit/volume/phantom_patients.h"

namespace renderfm {
namespace {

using namespace test;

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

TEST(Phantom, TheColonFramesTheSmallBowel) {
  for (const Phantom* patient : {&coarse(), &woman()}) {
    const char* who = patient == &coarse() ? "man" : "woman";
    const auto& facts = patient == &coarse() ? coarse_facts() : woman_facts();
    const auto centre = [&](const char* name) { return facts.at(name).centroid_mm; };
    const LabelVolume& labels = patient->labels;
    const Geometry& g = labels.geometry;
    const Vec3d loops = centre("small_bowel");
    const double l2 = centre("vertebrae_L2").z, l4 = centre("vertebrae_L4").z;
    std::int64_t ascending = 0, descending = 0, transverse_voxels = 0, rectum_voxels = 0;
    double hepatic_flexure = -1e9, splenic_flexure = -1e9;
    Vec3d transverse{0, 0, 0}, rectum{0, 0, 0};
    for (std::int64_t k = 0; k < g.depth(); ++k) {
      double right[2] = {1e9, 1e9}, left[2] = {-1e9, -1e9};  // extents of colon and small bowel
      const double z = g.world_from_index({0, 0, static_cast<double>(k)}).z;
      for (std::int64_t j = 0; j < g.height(); ++j) {
        for (std::int64_t i = 0; i < g.width(); ++i) {
          const auto found = labels.names.find(labels.at(k, j, i));
          if (found == labels.names.end()) continue;
          const bool colon = found->second == "colon";
          if (!colon && found->second != "small_bowel") continue;
          const Vec3d p =
              g.world_from_index({static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)});
          right[colon ? 0 : 1] = std::min(right[colon ? 0 : 1], p.x);
          left[colon ? 0 : 1] = std::max(left[colon ? 0 : 1], p.x);
          if (!colon) continue;
          const double side = p.x - loops.x;
          if (side < -50) hepatic_flexure = std::max(hepatic_flexure, z);
          if (side > 50) splenic_flexure = std::max(splenic_flexure, z);
          if (z > l4 && z < l2 && side < -50) ++ascending;
          if (z > l4 && z < l2 && side > 50) ++descending;
          if (z > l4 && std::abs(side) < 30) transverse = transverse + p, ++transverse_voxels;
          if (z < centre("sacrum").z - 20) rectum = rectum + p, ++rectum_voxels;
        }
      }
      if (z < l4 || z > l2) continue;
      // Between L2 and L4 the outermost bowel is colon on either side.
      EXPECT_LT(right[0], std::min(loops.x - 50, right[1] + 8)) << who << " at " << z;
      EXPECT_GT(left[0], std::max(loops.x + 50, left[1] - 8)) << who << " at " << z;
    }
    // The wide ascending colon is on the patient's right and turns below the liver; the narrow descending one
    // comes from the higher flexure below the spleen.
    EXPECT_GT(static_cast<double>(ascending), 1.3 * static_cast<double>(descending)) << who;
    EXPECT_GT(splenic_flexure, hepatic_flexure + 20) << who;
    // In the middle, the transverse colon hangs before and above the loops.
    ASSERT_GT(transverse_voxels, 50) << who;
    transverse = transverse * (1.0 / static_cast<double>(transverse_voxels));
    EXPECT_GT(transverse.z, loops.z + 50) << who;
    EXPECT_LT(transverse.y, centre("pancreas").y - 40) << who;
    // It ends as the rectum: in the midline, behind the bladder.
    ASSERT_GT(rectum_voxels, 50) << who;
    rectum = rectum * (1.0 / static_cast<double>(rectum_voxels));
    EXPECT_LT(std::abs(rectum.x - centre("sacrum").x), 15) << who;
    EXPECT_GT(rectum.y, centre("urinary_bladder").y + 40) << who;
    const auto pieces = piece_sizes(labels, [](const std::string& name) { return name == "colon"; });
    EXPECT_GT(static_cast<double>(pieces[0]), 0.95 * static_cast<double>(facts.at("colon").voxels)) << who;
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

}  // namespace
}  // namespace renderfm
