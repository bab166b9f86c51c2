// How traits are drawn and refused, and the noise of dose and kernel.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include "renderfm/core/check.h"
#include "unit/volume/phantom_patients.h"
#include "volume/phantom/scan_noise.h"

namespace renderfm {
namespace {

using namespace test;

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
  PhantomOptions options = abdomen_options(ContrastPhase::kPortalVenous);
  options.traits.kernel = ReconstructionKernel::kSharp;
  options.traits.noise_hu = 60;
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
  // At 6 mm three tenths of the 1.5 mm deviation are left; the sharp kernel has 1.8 times the standard one's.
  // Some 6000 voxels: 1 % standard error.
  EXPECT_NEAR(std::sqrt(sum2 / static_cast<double>(count)), 1.8 * 18, 2);
  EXPECT_FLOAT_EQ(phantom::kernel_facts(ReconstructionKernel::kStandard).noise_gain, 1);
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
