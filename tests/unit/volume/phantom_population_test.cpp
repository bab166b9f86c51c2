// What traits do to a phantom: phases, fields of view, sex, age and diseases.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "unit/volume/phantom_patients.h"

namespace renderfm {
namespace {

using namespace test;

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

}  // namespace
}  // namespace renderfm
