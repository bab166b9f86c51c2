// The gradients of the CPU backend: in double against central differences through the whole operator and
// against the oracle, in float against double on every instruction set, and the comparison itself against
// planted errors.
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <string>
#include <vector>

#include "renderfm/core/parallel.h"
#include "renderfm/raster/rasterize.h"
#include "unit/raster/gradients.h"
#include "unit/raster/scenes.h"

namespace renderfm::raster {
namespace {

using test::Blob;
using test::disagreement;
using test::Gradients;
using test::Loss;
using test::make_set;
using test::plain_camera;
using test::Problem;
using test::random_set;
using test::to_double;

std::vector<Camera> orbit(int width, int height, double radius_mm = 32) {
  std::vector<Camera> cameras;
  for (const auto& [azimuth, elevation] : {std::pair{10.0, 5.0}, {130.0, -40.0}}) {
    cameras.push_back(orbit_camera({{0, 0, 0}, radius_mm}, azimuth, elevation, width, height));
  }
  return cameras;
}

struct DifferenceCount {
  int compared = 0, jumps = 0;
  double worst = 0;  // relative
  std::string where;
};

// Central differences of every entry of every leaf. A step that carries a pixel over the 1/255 cut, the stop
// rule or an exchange of depths meets a jump, which is no gradient: there two step sizes disagree, and the
// entry is counted apart.
DifferenceCount compare_with_differences(Problem& problem, const Loss& loss) {
  gradients_of(problem, loss, Backend::kCpu);
  const torch::NoGradGuard no_grad;
  DifferenceCount count;
  const auto leaves = problem.leaves();
  for (std::size_t l = 0; l < leaves.size(); ++l) {
    const torch::Tensor gradient = leaves[l]->grad().flatten();
    const double scale = gradient.abs().max().item<double>();
    double* const values = leaves[l]->mutable_data_ptr<double>();
    for (std::int64_t i = 0; i < gradient.size(0); ++i) {
      const double before = values[i];
      const auto difference = [&](double step) {
        double side[2];
        for (const int s : {0, 1}) {
          values[i] = before + (s == 0 ? -step : step);
          side[s] =
              loss(rasterize(problem.set, problem.cameras, {Backend::kCpu}, problem.poses)).item<double>();
        }
        values[i] = before;
        return (side[1] - side[0]) / (2 * step);
      };
      // The error of a difference: h^2 from the curvature, 1e-13 / h from rounding.
      const double step = 1e-6 * std::max(1.0, std::abs(before));
      const double wide = difference(2 * step), narrow = difference(step);
      const double size = std::max(std::abs(narrow), 1e-3 * scale) + 1e-4;  // rounding alone: 5e-9
      if (std::abs(wide - narrow) > 1e-4 * size) {
        ++count.jumps;
        continue;
      }
      ++count.compared;
      const double error = std::abs(gradient[i].item<double>() - narrow) / size;
      if (error > count.worst) {
        count.worst = error;
        count.where = "leaf " + std::to_string(l) + " entry " + std::to_string(i) + ": " +
                      std::to_string(gradient[i].item<double>()) + " against " + std::to_string(narrow);
      }
    }
  }
  return count;
}

void expect_differences_agree(const GaussianSet& set, const std::vector<Camera>& cameras) {
  Problem problem(to_double(set), cameras);
  const DifferenceCount count = compare_with_differences(problem, Loss(cameras));
  EXPECT_LE(count.worst, 1e-4) << count.where;  // two differences may themselves be 1e-4 apart
  EXPECT_LE(count.jumps, count.compared / 25) << "too many jumps to call this a test";
  EXPECT_GT(count.compared, 200);
}

TEST(GradientsInDouble, MatchCentralDifferencesForEveryParameterAndThePose) {
  expect_differences_agree(random_set(20, 9, 3.0), orbit(24, 18));
}

TEST(GradientsInDouble, MatchCentralDifferencesForSmallGaussiansUnderTheLowPass) {
  expect_differences_agree(random_set(40, 21, 0.35), orbit(48, 48));
}

TEST(GradientsInDouble, MatchCentralDifferencesWithoutCompensation) {
  GaussianSet set = random_set(20, 22, 1.0);
  set.low_pass_compensation = false;
  expect_differences_agree(set, orbit(24, 18));
}

// Opacity above the cap, colours below zero, compensation at its floor, slopes beyond the frustum's margin.
TEST(GradientsInDouble, MatchCentralDifferencesWhereClampsHold) {
  std::vector<Blob> blobs;
  blobs.push_back({.position_mm = {0.3, -0.2, 10}, .scale_mm = 0.8, .opacity = 0.999, .a = 2});
  blobs.push_back({.position_mm = {-0.5, 0.4, 11},
                   .scale_mm = 0.5,
                   .opacity = 0.6,
                   .colour = {-0.4, 0.5, 1.4},
                   .a = 1.5});
  blobs.push_back({.position_mm = {0.2, 0.6, 9}, .scale_mm = 2e-3, .opacity = 0.97, .a = 3});
  for (int n = 0; n < 16; ++n) {  // specks a quarter of a pixel apart: some reach a pixel's centre
    blobs.push_back(
        {.position_mm = {0.0125 * (n % 4), 0.0125 * (n / 4), 5}, .scale_mm = 1e-3, .opacity = 0.99, .a = 9});
  }
  blobs.push_back({.position_mm = {-4.5, 0.5, 10}, .scale_mm = 2.5, .opacity = 0.8, .a = 2});
  blobs.push_back({.position_mm = {0.5, 5.5, 12}, .scale_mm = 3, .opacity = 0.7, .a = 2.5});
  for (std::size_t i = 0; i < blobs.size(); ++i) {
    blobs[i].direction_mean = {0.1, -0.05 * static_cast<double>(i), 0.8};
    blobs[i].b = {{{0.1, 0.05, -0.1}, {0.02, -0.1, 0.1}, {0.05, 0.1, 0.2}}};
    blobs[i].sh_linear = {0.1, -0.2, 0.3, 0.2, 0.1, -0.1, 0.3, 0.1, 0.2};
  }
  expect_differences_agree(make_set(blobs), {plain_camera()});
}

// Opaque layers: most pixels close after a few, and what lies behind has no part in them.
TEST(GradientsInDouble, MatchCentralDifferencesWherePixelsClose) {
  std::vector<Blob> blobs;
  for (int n = 0; n < 14; ++n) {
    blobs.push_back({.position_mm = {0.3 * (n % 3) - 0.3, 0.25 * (n % 4) - 0.4, 10.0 + n},
                     .scale_mm = 0.9 + 0.1 * n,
                     .opacity = 0.9 + 0.005 * n,
                     .colour = {0.1 * (n % 7), 0.5, 0.9 - 0.05 * n},
                     .direction_mean = {0.1, -0.1, 0.9},
                     .a = 3});
  }
  const GaussianSet set = make_set(blobs);
  ASSERT_GT(rasterize(set, {plain_camera(20, 20)}).alpha.max().item<double>(), 0.999);
  expect_differences_agree(set, {plain_camera(20, 20)});
}

// Needles, plates and a direction factor with a condition number of a thousand.
TEST(GradientsInDouble, MatchCentralDifferencesWhenNearlySingular) {
  GaussianSet set = random_set(16, 23, 2.0);
  using layout::a_index;
  using layout::c_index;
  for (std::int64_t i = 0; i < 16; ++i) {
    const int thin = static_cast<int>(i % 3);
    set.chol[i][c_index(thin, thin)] = 2e-3f;
    if (i % 2 == 0) set.chol[i][c_index((thin + 1) % 3, (thin + 1) % 3)] = 5e-3f;
    set.chol[i][a_index(thin, thin)] = 2.0f;
    set.chol[i][a_index((thin + 1) % 3, (thin + 1) % 3)] = 2e3f;
  }
  expect_differences_agree(set, orbit(40, 30));
}

TEST(GradientsInDouble, MatchCentralDifferencesWithACameraInsideTheSet) {
  std::vector<Camera> cameras = orbit(20, 20);
  for (Camera& camera : cameras) camera.position_mm = {2, -3, 1};
  expect_differences_agree(random_set(24, 24, 1.5), cameras);
}

TEST(GradientsInDouble, MatchTheOracle) {
  for (const auto& [seed, scale, count] : {std::tuple{31u, 0.8, 600}, {32u, 4.0, 200}}) {
    Problem problem(to_double(random_set(count, seed, scale)), orbit(61, 47));
    const Loss loss(problem.cameras);
    const Gradients expected = gradients_of(problem, loss, Backend::kReference);
    const Gradients actual = gradients_of(problem, loss, Backend::kCpu);
    // Constants are float here and double there: 0.99, the cut, 0.3 and so on, 1e-8 relative.
    const test::Agreement allowed{.tight = 1e-6, .relative_l2 = 1e-6, .far_fraction = 0};
    EXPECT_EQ(disagreement(actual.gaussians, expected.gaussians, allowed), "") << "scale " << scale;
    EXPECT_EQ(disagreement(actual.poses, expected.poses, allowed), "") << "scale " << scale;
  }
}

class GradientsInFloat : public testing::TestWithParam<std::string> {
 protected:
  test::ForcedSimd forced_{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Levels, GradientsInFloat, testing::ValuesIn(test::simd_levels()),
                         [](const auto& instance) { return instance.param; });

// Rounding flips thresholds here and there; a flip moves the gradients of the Gaussians at that pixel.
constexpr test::Agreement kFloatAgainstDouble{.tight = 1e-3, .relative_l2 = 5e-3, .far_fraction = 0.01};

TEST_P(GradientsInFloat, MatchDouble) {
  for (const auto& [seed, scale, count] : {std::tuple{41u, 0.8, 3000}, {42u, 4.0, 400}, {43u, 0.3, 3000}}) {
    const GaussianSet set = random_set(count, seed, scale);
    const std::vector<Camera> cameras = orbit(101, 77);
    const Loss loss(cameras);
    Problem in_double(to_double(set), cameras), in_float(set, cameras);
    const Gradients expected = gradients_of(in_double, loss, Backend::kCpu);
    const Gradients actual = gradients_of(in_float, loss, Backend::kCpu);
    EXPECT_EQ(disagreement(actual.gaussians, expected.gaussians, kFloatAgainstDouble), "")
        << "scale " << scale;
    // A pose gathers the cancelling shares of all.
    EXPECT_EQ(
        disagreement(actual.poses, expected.poses, {.tight = 2e-2, .relative_l2 = 2e-2, .far_fraction = 0}),
        "")
        << "scale " << scale;
  }
}

TEST_P(GradientsInFloat, AreTheSameBitsForAnyThreadCount) {
  Problem problem(random_set(30000, 44, 0.4), orbit(203, 151));
  const Loss loss(problem.cameras);
  set_thread_count(1);
  const Gradients one = gradients_of(problem, loss, Backend::kCpu);
  for (const int threads : {2, 5}) {
    set_thread_count(threads);
    const Gradients many = gradients_of(problem, loss, Backend::kCpu);
    EXPECT_TRUE(torch::equal(one.gaussians, many.gaussians)) << threads << " threads";
    EXPECT_TRUE(torch::equal(one.poses, many.poses)) << threads << " threads";
  }
  set_thread_count(0);
  EXPECT_GT(one.gaussians.abs().max().item<double>(), 1e-3);
}

// More views than are worked on at once.
TEST_P(GradientsInFloat, OfManyViewsAreTheSumOfThoseOfEach) {
  std::vector<Camera> cameras;
  for (int v = 0; v < 11; ++v) cameras.push_back(orbit_camera({{0, 0, 0}, 32}, 30.0 * v, 5.0 * v, 40, 33));
  const GaussianSet set = random_set(9000, 45, 0.6);
  Problem together(set, cameras);
  const Loss loss(cameras);
  const Gradients all = gradients_of(together, loss, Backend::kCpu);
  torch::Tensor sum = torch::zeros_like(all.gaussians);
  for (std::int64_t v = 0; v < 11; ++v) {
    Problem alone(set, {cameras[static_cast<std::size_t>(v)]});
    Loss own = loss;
    own.rgb = loss.rgb.slice(0, v, v + 1);
    own.alpha = loss.alpha.slice(0, v, v + 1);
    own.depth = loss.depth.slice(0, v, v + 1);
    const Gradients one = gradients_of(alone, own, Backend::kCpu);
    sum += one.gaussians;
    const double size = all.poses[v].norm().item<double>();  // lanes are filled differently: rounding differs
    EXPECT_LE((one.poses[0] - all.poses[v]).norm().item<double>(), 1e-4 * size) << "view " << v;
  }
  EXPECT_EQ(disagreement(all.gaussians, sum, {.tight = 1e-5, .relative_l2 = 1e-5, .far_fraction = 0}), "");
}

// Every column in turn with its gradient zeroed, scaled by 1.01 and turned round: each must be noticed.
TEST(GradientComparison, RejectsAColumnThatIsZeroedScaledOrTurnedRound) {
  const std::vector<Camera> cameras = orbit(61, 47);
  Problem in_double(to_double(random_set(600, 46, 0.8)), cameras);
  const Gradients good = gradients_of(in_double, Loss(cameras), Backend::kCpu);
  ASSERT_EQ(disagreement(good.gaussians, good.gaussians, kFloatAgainstDouble), "");
  for (int column = 0; column < test::kGaussianColumns; ++column) {
    for (const double factor : {0.0, 1.01, -1.0}) {
      torch::Tensor bad = good.gaussians.clone();
      bad.select(1, column) *= factor;
      EXPECT_NE(disagreement(bad, good.gaussians, kFloatAgainstDouble), "")
          << test::column_name(column) << " times " << factor;
    }
  }
  EXPECT_NE(disagreement(good.gaussians, torch::zeros_like(good.gaussians), kFloatAgainstDouble), "");
}

TEST(Gradients, AreZeroForWhatIsNotDrawnAndLeaveTheOthersAlone) {
  const auto nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<Camera> cameras{plain_camera(41, 37)};
  std::vector<Blob> blobs{Blob{.colour = {0.9, 0.1, 0.2}, .a = 2},
                          Blob{.position_mm = {0.4, 0.1, 12}, .a = 2}};
  const std::size_t good = blobs.size();
  blobs.push_back({.position_mm = {0, 0, -10}});         // behind
  blobs.push_back({.position_mm = {0, 0, 0}});           // on the camera
  blobs.push_back({.position_mm = {90, 0, 10}});         // beside the picture
  blobs.push_back({.opacity = 0});                       // invisible
  blobs.push_back({.opacity = 1e-3});                    // below the cut
  blobs.push_back({.position_mm = {0, 0, 11}, .a = 0});  // singular
  blobs.push_back({.position_mm = {0, 0, 3e38}});        // overflows
  blobs.push_back({.scale_mm = 3e38});                   // overflows
  GaussianSet set = make_set(blobs);
  for (int column = 0; column < 3; ++column) {  // and one with NaN in each of three tensors
    GaussianSet bad = make_set({Blob{}});
    (column == 0 ? bad.sh : column == 1 ? bad.chol : bad.position_mm).fill_(nan);
    for (const auto& member : {&GaussianSet::position_mm, &GaussianSet::sh, &GaussianSet::opacity,
                               &GaussianSet::direction_mean, &GaussianSet::chol}) {
      set.*member = torch::cat({set.*member, bad.*member});
    }
  }
  for (const bool as_double : {false, true}) {
    Problem all(as_double ? to_double(set) : set, cameras);
    const auto rows = torch::arange(static_cast<std::int64_t>(good));
    Problem only(all.set.select(rows), cameras);
    const Loss loss(cameras);
    const Gradients of_all = gradients_of(all, loss, Backend::kCpu);
    const Gradients of_good = gradients_of(only, loss, Backend::kCpu);
    const auto n = static_cast<std::int64_t>(good);
    EXPECT_TRUE(torch::equal(of_all.gaussians.slice(0, 0, n), of_good.gaussians));
    EXPECT_TRUE(torch::equal(of_all.poses, of_good.poses));
    EXPECT_EQ(of_all.gaussians.slice(0, n).abs().max().item<double>(), 0);
    EXPECT_GT(of_good.gaussians.abs().max().item<double>(), 1e-2);
  }
}

TEST(Gradients, ReachOnlyWhatAsksForThem) {
  GaussianSet set = random_set(200, 47, 1.5);
  set.opacity.requires_grad_(true);
  const std::vector<Camera> cameras = orbit(32, 32);
  const RenderOutput out = rasterize(set, cameras);
  EXPECT_TRUE(out.rgb.requires_grad());
  out.rgb.sum().backward();
  EXPECT_GT(set.opacity.grad().abs().max().item<double>(), 0);
  EXPECT_FALSE(set.chol.grad().defined());
  const torch::NoGradGuard no_grad;
  EXPECT_FALSE(rasterize(set, cameras).rgb.requires_grad());
}

TEST(Gradients, OfOneOutputAloneAreThatOutputs) {
  const std::vector<Camera> cameras = orbit(24, 20);
  const auto gradient = [&](Backend backend, int which) {
    Problem problem(to_double(random_set(60, 48, 1.5)), cameras);
    const RenderOutput out = rasterize(problem.set, cameras, {backend}, problem.poses);
    torch::manual_seed(1);
    const torch::Tensor& chosen = which == 0 ? out.rgb : which == 1 ? out.alpha : out.depth;
    (chosen * torch::randn_like(chosen)).sum().backward();
    return problem.set.chol.grad().clone();
  };
  for (const int which : {0, 1, 2}) {
    const torch::Tensor expected = gradient(Backend::kReference, which),
                        actual = gradient(Backend::kCpu, which);
    EXPECT_LE((actual - expected).norm().item<double>(), 1e-6 * expected.norm().item<double>()) << which;
  }
}

TEST(Gradients, SecondDerivativesAreRefused) {
  Problem problem(random_set(20, 49, 3.0), orbit(16, 16));
  const torch::Tensor loss = rasterize(problem.set, problem.cameras).rgb.sum();
  EXPECT_THROW(torch::autograd::grad({loss}, {problem.set.opacity}, {}, true, true), std::exception);
}

}  // namespace
}  // namespace renderfm::raster
