// The estimate before a data set is made, by a clock that the test winds.
#include "data/estimate.h"

#include <gtest/gtest.h>

#include "renderfm/view/camera.h"

namespace renderfm {
namespace {

/// Takes a quarter of a second for every picture, and a tenth for every sample of it.
class WoundRenderer : public data::ViewRenderer {
 public:
  explicit WoundRenderer(double& now_s) : now_s_(now_s) {}
  data::ViewImages render(const Camera& camera, int samples, bool) const override {
    now_s_ += 0.25 + 0.1 * samples;
    const std::size_t pixels =
        static_cast<std::size_t>(camera.width) * static_cast<std::size_t>(camera.height);
    return {std::vector<float>(3 * pixels, 0.5F), std::vector<float>(pixels, 1),
            std::vector<float>(pixels, 1)};
  }

 private:
  double& now_s_;
};

TEST(Estimate, ExtrapolatesTimeFromFewSamplesAndBytesFromOnePicture) {
  data::CaseInfo info;
  const ViewSphere sphere{{0, 0, 0}, 10};
  info.train_views = {data::make_view(orbit_camera(sphere, 0, 0, 64, 48), "000", "case", true)};
  data::ViewWish wish;
  wish.samples = 64;
  wish.test_samples = 1024;
  double now_s = 5;
  const auto measured = [&] {
    return data::measure_pilot(info, WoundRenderer(now_s), wish, false, [&] { return now_s; });
  };
  const data::Estimate estimate = measured();
  EXPECT_NEAR(estimate.seconds_per_train_view, 0.25 + 6.4, 1e-9);
  EXPECT_NEAR(estimate.seconds_per_test_view, 0.25 + 102.4, 1e-9);
  // A depth of 4 bytes a pixel, and two pictures of one colour, which compress to almost nothing.
  EXPECT_GT(estimate.view_bytes, 64 * 48 * 4);
  EXPECT_LT(estimate.view_bytes, 64 * 48 * 4 + 2000);

  // Held-out views alone, without maps.
  info.test_views = {data::make_view(orbit_camera(sphere, 0, 0, 64, 48), "000", "case", false)};
  info.train_views.clear();
  EXPECT_LT(measured().view_bytes, 1000);
}

TEST(Estimate, IsSaidInUnitsThatAPersonReads) {
  EXPECT_EQ(data::duration_text(45), "45 s");
  EXPECT_EQ(data::duration_text(720), "12 min");
  EXPECT_EQ(data::duration_text(3.4 * 3600), "3.4 h");
  EXPECT_EQ(data::duration_text(2.1 * 86400), "2.1 days");
  EXPECT_EQ(data::size_text(8.3e5), "830 kB");
  EXPECT_EQ(data::size_text(1.2e9), "1.2 GB");
}

}  // namespace
}  // namespace renderfm
