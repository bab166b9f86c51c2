#include "renderfm/train/traced_views.h"

#include <gtest/gtest.h>

#include <cmath>

#include "renderfm/core/log.h"
#include "support/scan_files.h"

namespace renderfm {
namespace {

const ViewSphere kSphere{{10, 20, 30}, 50};

Medium small_medium(std::int16_t hu) {
  CtVolume ct;
  ct.geometry.shape_zyx = {6, 6, 6};
  ct.geometry.spacing_zyx_mm = {2, 2, 2};
  ct.voxels.assign(216, hu);
  LabelVolume labels;
  labels.geometry = ct.geometry;
  labels.voxels.assign(216, 1);
  labels.names = {{1, "liver"}};
  TransferFunction tf;
  tf.name = "test";
  tf.layers = {{{"all"}, {{0, 0.1}, {400, 0.1}}, {{0, {0.8F, 0.5F, 0.25F}}}, {}}};
  std::array<bool, 256> everything{};
  everything.fill(true);
  return Medium(ct, labels, tf, everything);
}

struct Drawn {
  int pictures = 0, denoised = 0, most = 1000;
};
struct Killed {};

/// Pictures that tell seed, samples and camera; breaks off before the one after `most`.
class TellTale : public data::ViewRenderer {
 public:
  TellTale(Drawn& drawn, std::uint64_t seed) : drawn_(drawn), seed_(seed) {}
  data::ViewImages render(const Camera& camera, int samples, bool denoise) const override {
    if (drawn_.pictures == drawn_.most) throw Killed{};
    ++drawn_.pictures;
    drawn_.denoised += denoise ? 1 : 0;
    std::vector<float> picture(static_cast<std::size_t>(3 * camera.width * camera.height),
                               static_cast<float>(samples) / 255.0F);
    picture[0] = static_cast<float>(seed_ % 256) / 255.0F;
    return {std::move(picture), {}, {}};
  }

 private:
  Drawn& drawn_;
  std::uint64_t seed_;
};

data::Renderer tell_tale(Drawn& drawn) {
  data::Renderer renderer;
  renderer.denoiser = "test";
  renderer.make = [&drawn](const Medium&, std::uint64_t seed) {
    return std::make_unique<TellTale>(drawn, seed);
  };
  return renderer;
}

TracedViewsOptions few() {
  TracedViewsOptions options;
  options.train = 5;
  options.width = options.height = 8;
  options.train_samples = 60;
  options.held_out_samples = 200;
  return options;
}

TEST(TracedViews, LieOnTheSphereApartAndHeldOutOnesKeepTheirNoise) {
  set_verbosity(Verbosity::kQuiet);
  const test::ScratchFolder scratch;
  Drawn drawn;
  const ViewSplit views = trace_views(small_medium(100), kSphere, tell_tale(drawn), few(), scratch / "views");
  ASSERT_EQ(views.train.size(), 5U);
  ASSERT_EQ(views.held_out.size(), 3U);
  EXPECT_TRUE(views.test_views_given);
  EXPECT_EQ(drawn.denoised, 5);
  EXPECT_NEAR(views.train[0].srgb[1][4][4].item<double>() * 255, 60, 1e-3);
  EXPECT_NEAR(views.held_out[2].srgb[1][4][4].item<double>() * 255, 200, 1e-3);
  for (const PosedView& view : views.held_out) {
    EXPECT_NEAR(norm(view.camera.position_mm - kSphere.centre_mm), 50 / std::sin(15 * M_PI / 180), 1e-3);
    for (const PosedView& other : views.train) {
      EXPECT_GT(norm(view.camera.position_mm - other.camera.position_mm), 20) << view.name << other.name;
    }
  }
}

TEST(TracedViews, GoOnWhereTheyWereCutShortToTheSamePictures) {
  set_verbosity(Verbosity::kQuiet);
  const test::ScratchFolder scratch;
  const Medium medium = small_medium(100);
  Drawn whole, first, second;
  const ViewSplit expected = trace_views(medium, kSphere, tell_tale(whole), few(), scratch / "whole");
  EXPECT_EQ(whole.pictures, 8);
  first.most = 6;
  EXPECT_THROW(trace_views(medium, kSphere, tell_tale(first), few(), scratch / "cut"), Killed);
  const ViewSplit resumed = trace_views(medium, kSphere, tell_tale(second), few(), scratch / "cut");
  EXPECT_EQ(second.pictures, 2);
  for (std::size_t v = 0; v < 5; ++v) {
    EXPECT_TRUE(torch::equal(resumed.train[v].srgb, expected.train[v].srgb)) << v;
  }
  for (std::size_t v = 0; v < 3; ++v) {
    EXPECT_TRUE(torch::equal(resumed.held_out[v].srgb, expected.held_out[v].srgb)) << v;
  }
}

TEST(TracedViews, AreNotTakenForThoseOfAnotherScanOrSetting) {
  set_verbosity(Verbosity::kQuiet);
  const test::ScratchFolder scratch;
  Drawn drawn;
  const auto trace = [&](std::int16_t hu, const TracedViewsOptions& options) {
    trace_views(small_medium(hu), kSphere, tell_tale(drawn), options, scratch / "views");
  };
  trace(100, few());
  EXPECT_NE(test::error_of([&] { trace(101, few()); }).find("another scan, look or settings"),
            std::string::npos);
  TracedViewsOptions other = few();
  other.seed = 2;
  EXPECT_NE(test::error_of([&] { trace(100, other); }).find("another scan, look or settings"),
            std::string::npos);
  // Nor are a user's files taken for views.
  EXPECT_NE(test::error_of([&] {
              trace_views(small_medium(100), kSphere, tell_tale(drawn), few(), scratch / ".");
            }).find("holds other files"),
            std::string::npos);
}

}  // namespace
}  // namespace renderfm
