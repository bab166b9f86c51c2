#include "renderfm/train/finetune.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/optim/adam.h>

#include <cmath>
#include <cstdlib>
#include <numbers>

#include "renderfm/core/check.h"
#include "renderfm/core/log.h"
#include "renderfm/core/parallel.h"
#include "renderfm/gaussian/layout.h"
#include "renderfm/raster/rasterize.h"
#include "support/scan_files.h"
#include "unit/raster/scenes.h"

namespace renderfm {
namespace {

constexpr int kSize = 48;
const ViewSphere kSphere{{0, 0, 0}, 32};

GaussianSet known_scene() {
  GaussianSet set = raster::test::random_set(150, 71, 3.0);
  set.position_mm *= 0.7;
  set.sh *= 0.6;
  set.view_sphere = kSphere;
  set.label = torch::arange(150).to(torch::kUInt8);
  set.label_names = {{1, "liver"}};
  return set;
}

/// The same Gaussians, displaced, recoloured and smaller.
GaussianSet disturbed(GaussianSet set) {
  torch::manual_seed(5);
  set.position_mm = set.position_mm + torch::randn_like(set.position_mm);
  set.sh = set.sh + 0.3 * torch::randn_like(set.sh);
  set.opacity = (0.8 * set.opacity).contiguous();
  set.chol = (0.85 * set.chol).contiguous();
  return set;
}

std::vector<PosedView> views_of(const GaussianSet& set, int count, double turn_deg) {
  std::vector<PosedView> views;
  for (int v = 0; v < count; ++v) {
    const double elevation = std::asin((2 * v + 1.0) / count - 1) * 180 / std::numbers::pi;
    const Camera camera = orbit_camera(kSphere, turn_deg + 137.50776 * v, 0.9 * elevation, kSize, kSize);
    views.push_back({camera, raster::rasterize(set, {camera}).rgb[0].clamp(0, 1), fmt::format("{:03}", v)});
  }
  return views;
}

ViewSplit split_of(const GaussianSet& set) {
  const torch::NoGradGuard no_grad;
  return {views_of(set, 10, 0), views_of(set, 4, 68), true};
}

FinetuneOptions short_run(int steps) {
  FinetuneOptions options;
  options.steps = steps;
  options.evaluations = 4;
  options.rates.position = 3e-3;
  return options;
}

bool same_bits(const GaussianSet& a, const GaussianSet& b) {
  return torch::equal(a.position_mm, b.position_mm) && torch::equal(a.sh, b.sh) &&
         torch::equal(a.opacity, b.opacity) && torch::equal(a.direction_mean, b.direction_mean) &&
         torch::equal(a.chol, b.chol) && torch::equal(a.label, b.label);
}

class Finetune : public ::testing::Test {
 protected:
  void TearDown() override { set_thread_count(0); }
  const GaussianSet truth_ = known_scene(), start_ = disturbed(truth_);
  const ViewSplit views_ = split_of(truth_);
  test::ScratchFolder folder_;
};

TEST_F(Finetune, LearnsADisturbedSceneAndKeepsItsLabels) {
  const FinetuneResult result = finetune(start_, views_, short_run(300));
  RecordProperty("gain_db", std::to_string(result.psnr_after_db - result.psnr_before_db));
  EXPECT_TRUE(result.made_progress);
  EXPECT_GT(result.psnr_after_db, result.psnr_before_db + 4);
  EXPECT_EQ(result.psnr_after_db, mean_psnr_db(result.gaussians, views_.held_out));
  EXPECT_TRUE(torch::equal(result.gaussians.label, start_.label));
  EXPECT_EQ(result.gaussians.label_names, start_.label_names);
  EXPECT_EQ(result.curve.size(), 5U);
}

TEST_F(Finetune, GivesTheSameBitsForAnyThreadCountAndAfterAnInterruption) {
  FinetuneOptions options = short_run(60);
  options.keep_best = false;  // the last step's bits hold all that went before
  options.coarse_share = 0.3;
  options.densify = DensifyOptions{.first_step = 10, .last_step = 50, .every = 10, .gradient = 1e-5};
  set_thread_count(1);
  const FinetuneResult whole = finetune(start_, views_, options);
  EXPECT_GT(whole.gaussians.size(), start_.size());
  set_thread_count(3);
  EXPECT_TRUE(same_bits(whole.gaussians, finetune(start_, views_, options).gaussians));

  options.state_file = folder_ / "run.state";
  options.save_every_s = 0;
  struct Killed {};
  // Between the evaluation and the next save: the state on disk is a step old.
  const FinetuneWatch kill = [](const FinetunePoint& point) {
    if (point.step == 45) throw Killed{};
  };
  EXPECT_THROW(finetune(start_, views_, options, kill), Killed);
  const FinetuneResult resumed = finetune(start_, views_, options);
  EXPECT_EQ(resumed.steps, 60);
  EXPECT_TRUE(same_bits(whole.gaussians, resumed.gaussians));
  EXPECT_EQ(resumed.psnr_after_db, whole.psnr_after_db);

  options.seed = 2;
  EXPECT_NE(
      test::error_of([&] { finetune(start_, views_, options); }).find("other Gaussians, views or options"),
      std::string::npos);
}

TEST_F(Finetune, LeavesWhatThePicturesHardlyShowAsItWas) {
  // A hundred more inside of an opaque ball, seen by nobody.
  GaussianSet inside = start_.select(torch::arange(100));
  inside.position_mm = 0.02 * inside.position_mm;
  inside.chol.slice(1, layout::b_index(0, 0)).mul_(0.1);  // B and C: small
  inside.label = torch::full({100}, 200, torch::kUInt8);
  GaussianSet wall = start_.select(torch::zeros({400}, torch::kInt64));
  const torch::Tensor turn = 2.399963 * torch::arange(400);
  const torch::Tensor height = 1 - (2 * torch::arange(400) + 1) / 400.0;
  const torch::Tensor radius = (1 - height.square()).sqrt();
  wall.position_mm = 8 * torch::stack({radius * turn.cos(), radius * turn.sin(), height}, 1);
  wall.chol = torch::zeros({400, layout::kCholCount});
  for (int k = 0; k < 3; ++k) {
    wall.chol.select(1, layout::a_index(k, k)).fill_(1e4);
    wall.chol.select(1, layout::c_index(k, k)).fill_(1);
  }
  wall.opacity = torch::full({400}, 0.99);
  wall.label = torch::full({400}, 100, torch::kUInt8);
  const GaussianSet scene = inside.joined(wall);
  ViewSplit views = split_of(scene);
  for (auto* side : {&views.train, &views.held_out}) {
    for (PosedView& view : *side) view.srgb = 0.7 * view.srgb;
  }
  const FinetuneResult result = finetune(scene, views, short_run(60));
  EXPECT_GT(result.psnr_after_db, result.psnr_before_db + 2);
  EXPECT_EQ(result.psnr_after_db, mean_psnr_db(result.gaussians, views.held_out));
  ASSERT_EQ(result.gaussians.size(), scene.size());
  EXPECT_EQ(result.curve.back().gaussians, scene.size());
  const torch::Tensor unseen = result.gaussians.label == 200;
  EXPECT_TRUE(same_bits(result.gaussians.select(unseen), inside));

  // Nearly what it is where all are drawn at every step.
  FinetuneOptions all = short_run(60);
  all.resting_share = -1;
  EXPECT_NEAR(result.psnr_after_db, finetune(scene, views, all).psnr_after_db, 0.3);
}

TEST_F(Finetune, ReturnsTheStartWhereNothingIsBetter) {
  FinetuneOptions options = short_run(40);
  ViewSplit wrong = views_;  // every picture belongs to the next camera
  for (std::size_t v = 0; v < wrong.train.size(); ++v) {
    wrong.train[v].srgb = views_.train[(v + 1) % wrong.train.size()].srgb;
  }
  for (const ViewSplit* split : {&views_, static_cast<const ViewSplit*>(&wrong)}) {
    // The truth cannot be bettered, with or without right pictures to learn from.
    const FinetuneResult result = finetune(truth_, *split, options);
    EXPECT_FALSE(result.made_progress);
    EXPECT_TRUE(same_bits(result.gaussians, truth_));
    EXPECT_EQ(result.psnr_after_db, result.psnr_before_db);
  }
  // A run that flies apart ends with what it was given, not with an error.
  options.rates.position = 1e6;
  options.rates.log_scale = 1e3;
  EXPECT_GE(finetune(start_, views_, options).psnr_after_db, mean_psnr_db(start_, views_.held_out));
}

TEST_F(Finetune, NeverReturnsWorseHeldOutViewsThanItWasGiven) {
  set_verbosity(Verbosity::kQuiet);
  const torch::NoGradGuard no_grad;
  GaussianSet other = raster::test::random_set(150, 5, 3.0);
  other.position_mm *= 0.7;
  ViewSplit cameras = views_, one{{views_.train[0]}, {views_.train[0]}, false}, one_learnt = views_;
  for (std::size_t v = 0; v < cameras.train.size(); ++v) {
    cameras.train[v].camera = views_.train[(v + 3) % cameras.train.size()].camera;
  }
  for (std::size_t v = 0; v < cameras.held_out.size(); ++v) {
    cameras.held_out[v].camera = views_.held_out[(v + 1) % cameras.held_out.size()].camera;
  }
  one_learnt.train.resize(1);
  const ViewSplit another = split_of(other);
  ViewSplit learnt_from_another = views_;
  learnt_from_another.train = another.train;
  struct Wrong {
    const char* what;
    const ViewSplit* views;
    bool hopeless;
  };
  const torch::AutoGradMode grad(true);
  for (const Wrong& w :
       {Wrong{"wrong cameras on both sides", &cameras, false}, Wrong{"one view on both sides", &one, false},
        Wrong{"one view to learn from", &one_learnt, false}, Wrong{"views of another scan", &another, false},
        Wrong{"another scan to learn from", &learnt_from_another, true}}) {
    SCOPED_TRACE(w.what);
    const GaussianSet& start = w.hopeless ? truth_ : start_;
    const double before_db = mean_psnr_db(start, w.views->held_out);
    const FinetuneResult result = finetune(start, *w.views, short_run(40));
    // Measured anew on what was returned, not on what it says.
    const double after_db = mean_psnr_db(result.gaussians, w.views->held_out);
    EXPECT_GE(after_db, before_db);
    EXPECT_EQ(result.made_progress, after_db > before_db);
    EXPECT_EQ(same_bits(result.gaussians, start), !result.made_progress);
    EXPECT_FALSE(w.hopeless && result.made_progress);
  }
}

TEST_F(Finetune, StopsWhereHeldOutViewsNoLongerImprove) {
  FinetuneOptions options = short_run(400);
  options.evaluations = 100;
  options.patience = 3;
  const FinetuneResult result = finetune(truth_, views_, options);
  EXPECT_TRUE(result.stopped_early);
  EXPECT_EQ(result.steps, 12);
}

TEST_F(Finetune, RefusesViewsInAnotherFrame) {
  GaussianSet elsewhere = start_;
  elsewhere.position_mm = start_.position_mm + 5000;
  EXPECT_NE(test::error_of([&] { finetune(elsewhere, views_, short_run(10)); })
                .find("2 no Gaussian is seen in any "
                      "of the 14 views"),
            std::string::npos);
}

// Torch's Adam on the same unknowns, activated by Torch.
TEST(GaussianOptimizer, StepsAsTorchsAdamDoes) {
  const GaussianSet start = raster::test::random_set(40, 3);
  GaussianRates rates;
  rates.direction_mean = 0;  // frozen
  GaussianOptimizer ours(start, 30, rates);
  const double size_mm = ours.state().size_mm;

  torch::Tensor theirs = unknowns_of(start).requires_grad_(true);
  torch::Tensor rate = torch::zeros({kUnknowns});
  rate.slice(0, 0, 3).fill_(rates.position * 30);
  rate.slice(0, 3, 6).fill_(rates.sh_constant);
  rate.slice(0, 6, 15).fill_(rates.sh_linear);
  rate[15] = rates.opacity_logit;
  torch::Tensor diagonal = torch::zeros({21}, torch::kBool);
  for (int row = 0; row < 6; ++row) {
    for (int column = 0; column <= row; ++column) {
      const int at = layout::chol_index(row, column);
      diagonal[at] = row == column;
      rate[19 + at] = row < 3        ? rates.direction_chol
                      : column < 3   ? rates.shift * size_mm
                      : row > column ? rates.shear * size_mm
                                     : rates.log_scale;
    }
  }
  // A rate of 1 for all, so that the difference of two steps times `rate` is the step.
  torch::optim::Adam adam({theirs}, torch::optim::AdamOptions(1).eps(1e-15));
  torch::manual_seed(9);
  for (int step = 0; step < 8; ++step) {
    const torch::Tensor w = torch::randn({40, 40});
    const auto loss = [&](const torch::Tensor& position, const torch::Tensor& sh,
                          const torch::Tensor& opacity, const torch::Tensor& mean,
                          const torch::Tensor& chol) {
      return (torch::cat({position, sh, opacity.unsqueeze(1), mean, chol}, 1) * w).square().sum();
    };
    const GaussianSet& set = ours.gaussians();
    loss(set.position_mm, set.sh, set.opacity, set.direction_mean, set.chol).backward();
    ours.step(0.5, 0.25);

    const torch::Tensor chol = theirs.slice(1, 19);
    adam.zero_grad();
    loss(theirs.slice(1, 0, 3), theirs.slice(1, 3, 15), torch::sigmoid(theirs.select(1, 15)),
         theirs.slice(1, 16, 19), torch::where(diagonal, chol.exp(), chol))
        .backward();
    const torch::Tensor before = theirs.detach().clone();
    adam.step();
    const torch::NoGradGuard no_grad;
    torch::Tensor scaled = 0.5 * rate;
    scaled.slice(0, 0, 3) *= 0.5;
    theirs.copy_(before + (theirs - before) * scaled);
  }
  EXPECT_LT((ours.state().unknowns - theirs).abs().max().item<double>(), 2e-5);
  EXPECT_TRUE(torch::equal(ours.gaussians().direction_mean, start.direction_mean));
  EXPECT_GT((ours.state().unknowns - unknowns_of(start)).abs().max().item<double>(), 0.05);
}

TEST(DensityControl, ClonesSmallOnesSplitsLargeOnesAndPrunesTheTransparent) {
  std::vector<raster::test::Blob> blobs(4);
  for (std::size_t i = 0; i < 4; ++i) blobs[i].position_mm = {static_cast<double>(i), 0, 50};
  blobs[1].scale_mm = 4;    // is pulled, and large: split
  blobs[2].opacity = 1e-3;  // transparent: pruned
  GaussianSet start = raster::test::make_set(blobs);
  start.label = torch::tensor({1, 2, 3, 4}, torch::kUInt8);
  DensifyOptions options{.first_step = 1, .last_step = 9, .every = 1};
  GaussianOptimizer optimizer(start, 100, {});
  DensityControl density(options, 1);
  const Camera camera = raster::test::plain_camera(64, 64);
  const GaussianSet& set = optimizer.gaussians();
  // A pull of exactly `gradient` on 0 and 1, none on 3: |g| z / f x half the width.
  const double pull = options.gradient * 100 / 50 / 32 * 1.0001;
  ((set.position_mm.select(1, 0) * torch::tensor({pull, pull, 1.0, 0.0}, torch::kFloat32)).sum()).backward();
  density.observe(set, camera);
  const DensifyCounts counts = density.densify(optimizer, 1);
  EXPECT_EQ(counts.cloned, 1);
  EXPECT_EQ(counts.split, 1);
  EXPECT_EQ(counts.pruned, 1);
  const GaussianSet after = optimizer.snapshot();
  EXPECT_TRUE(torch::equal(after.label, torch::tensor({1, 4, 1, 2, 2}, torch::kUInt8)));
  EXPECT_NEAR(after.chol[3][layout::c_index(0, 0)].item<double>(), 4 / 1.6, 1e-5);
  EXPECT_GT((after.position_mm[3] - after.position_mm[4]).norm().item<double>(), 0.1);

  optimizer.cap_opacity(0.01);
  EXPECT_NEAR(optimizer.gaussians().opacity.max().item<double>(), 0.01, 1e-6);

  options.max_gaussians = 3;  // no room: pruning alone
  GaussianOptimizer full(start, 100, {});
  DensityControl capped(options, 1);
  (full.gaussians().position_mm.select(1, 0).sum()).backward();
  capped.observe(full.gaussians(), camera);
  capped.densify(full, 1);
  EXPECT_EQ(full.size(), 3);
}

}  // namespace
}  // namespace renderfm
