#include "renderfm/eval/baselines.h"

#include <gtest/gtest.h>

#include <cmath>

#include "renderfm/eval/paired_bootstrap.h"
#include "renderfm/gaussian/layout.h"
#include "renderfm/math/rng.h"
#include "unit/raster/scenes.h"

namespace renderfm {
namespace {

TEST(Baselines, EveryMethodHasANameAndTheFullOnesTheAuthorsSchedule) {
  for (const Method method : all_methods()) EXPECT_EQ(parse_method(method_name(method)), method);
  EXPECT_THROW(parse_method("7dgs"), std::runtime_error);
  EXPECT_FALSE(schedule_of(Method::kPriming, {}).has_value());
  const auto full = schedule_of(Method::k6dgsAgp, {});
  ASSERT_TRUE(full && full->densify);
  EXPECT_EQ(full->steps, 30000);
  EXPECT_EQ(full->densify->last_step, 15000);
  EXPECT_EQ(full->densify->every, 100);
  MethodSettings shorter;
  shorter.steps = 3000;
  EXPECT_EQ(schedule_of(Method::k6dgs, shorter)->densify->first_step, 50);
  EXPECT_EQ(steps_of(Method::kFinetune, {}), 1500);
  EXPECT_EQ(steps_of(Method::kDvr, shorter), 0);
  EXPECT_EQ(schedule_of(Method::k3dgsAgp, {})->rates.direction_chol, 0);
}

TEST(Baselines, DensityControlIsChosen) {
  MethodSettings settings;
  settings.max_gaussians = 777;
  EXPECT_FALSE(schedule_of(Method::kFinetune, settings)->densify.has_value());
  settings.density = Density::kMcmc;
  const auto mcmc = schedule_of(Method::k6dgs, settings);
  ASSERT_TRUE(mcmc->mcmc.has_value());
  EXPECT_FALSE(mcmc->densify.has_value());
  EXPECT_EQ(mcmc->mcmc->max_gaussians, 777);
  EXPECT_EQ(mcmc->mcmc->last_step, 25000);
  settings.density = Density::kNone;
  EXPECT_FALSE(schedule_of(Method::k6dgs, settings)->densify.has_value());
  settings.density = Density::kAdaptive;
  EXPECT_EQ(schedule_of(Method::kFinetune, settings)->densify->lower_opacity_every, 0);
  for (const Density density : {Density::kAuto, Density::kNone, Density::kAdaptive, Density::kMcmc}) {
    EXPECT_EQ(parse_density(density_name(density), ""), density);
  }
  EXPECT_THROW(parse_density("dense", "x"), std::runtime_error);
}

TEST(Baselines, RandomStartFillsTheCubeInTheSphere) {
  const ViewSphere sphere{{10, 20, 30}, 100};
  const GaussianSet set = random_start(sphere, 20000, 3);
  const torch::Tensor offset = set.position_mm - torch::tensor({10.0F, 20.0F, 30.0F});
  const double half_side = 100 / std::sqrt(3.0);
  EXPECT_LE(offset.abs().max().item<double>(), half_side + 1e-4);
  EXPECT_NEAR(offset.std(0)[0].item<double>(), half_side / std::sqrt(3.0), 1);
  // Mean distance of a few points to their three nearest.
  const torch::Tensor inner = (offset.abs().amax(1) < 0.8 * half_side).nonzero().squeeze(1).slice(0, 0, 200);
  const torch::Tensor distance = torch::cdist(set.position_mm.index_select(0, inner), set.position_mm);
  const double nearest = std::get<0>(distance.topk(4, 1, false)).slice(1, 1).mean().item<double>();
  EXPECT_NEAR(set.chol[0][layout::c_index(0, 0)].item<double>(), nearest, 0.05 * nearest);
  EXPECT_TRUE(torch::equal(set.position_mm, random_start(sphere, 20000, 3).position_mm));
}

TEST(Baselines, DrawnStartKeepsTheVolumeAndTheLabels) {
  GaussianSet primed = raster::test::random_set(1000, 4);
  primed.label = torch::arange(1000).remainder(7).to(torch::kUInt8);
  const GaussianSet drawn = drawn_start(primed, 125, 2);
  ASSERT_EQ(drawn.size(), 125);
  const torch::Tensor c00 = primed.chol.select(1, layout::c_index(0, 0));
  // Each drawn one is one of the primed, twice as large.
  for (const int n : {0, 60, 124}) {
    const torch::Tensor same = (primed.position_mm == drawn.position_mm[n]).all(1).nonzero();
    ASSERT_EQ(same.size(0), 1);
    const auto at = same[0][0].item<std::int64_t>();
    EXPECT_NEAR(drawn.chol[n][layout::c_index(0, 0)].item<double>(), 2 * c00[at].item<double>(), 1e-5);
    EXPECT_EQ(drawn.label[n].item<int>(), at % 7);
  }
  EXPECT_EQ(drawn_start(primed, 5000, 2).size(), 1000);
}

TEST(Baselines, A3dgsStartLooksTheSameFromEverywhere) {
  GaussianSet primed = raster::test::random_set(50, 4);
  const GaussianSet before = primed;
  const GaussianSet plain = start_of(Method::k3dgsAgp, primed, {});
  EXPECT_EQ(plain.direction_mean.abs().max().item<double>(), 0);
  EXPECT_EQ(plain.chol.select(1, layout::b_index(1, 1)).abs().max().item<double>(), 0);
  EXPECT_GT(before.direction_mean.abs().max().item<double>(), 0);
}

TEST(PairedBootstrap, IntervalOfManyViewsIsThatOfTheNormalDistribution) {
  std::vector<double> differences;
  std::vector<int> one_case;
  double squares = 0, sum = 0;
  for (std::uint64_t n = 0; n < 400; ++n) {
    differences.push_back(0.7 + 2 * double{hash_normal(hash64(5, n))});
    one_case.push_back(0);
    sum += differences.back();
    squares += differences.back() * differences.back();
  }
  const double mean = sum / 400, error = std::sqrt((squares / 400 - mean * mean) / 400);
  const Interval interval = paired_bootstrap(differences, one_case);
  EXPECT_DOUBLE_EQ(interval.mean, mean);
  EXPECT_NEAR(interval.low, mean - 1.96 * error, 0.08 * error);
  EXPECT_NEAR(interval.high, mean + 1.96 * error, 0.08 * error);
}

TEST(PairedBootstrap, ViewsOfOneCaseAreNotIndependent) {
  // Two cases that differ: what is known of the mean is known from two values, however many views there are.
  std::vector<double> differences;
  std::vector<int> groups;
  for (int n = 0; n < 200; ++n) {
    differences.push_back(n < 100 ? 0.0 : 1.0);
    groups.push_back(n < 100 ? 0 : 1);
  }
  const Interval interval = paired_bootstrap(differences, groups);
  EXPECT_EQ(interval.low, 0);
  EXPECT_EQ(interval.high, 1);
}

}  // namespace
}  // namespace renderfm
