// Films: the same bits however the work was split, honest variances, and files that survive a kill.
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "renderfm/core/check.h"
#include "renderfm/core/parallel.h"
#include "renderfm/math/srgb.h"
#include "renderfm/pathtrace/path_tracer.h"
#include "unit/pathtrace/scenes.h"
#include "unit/pathtrace/statistics.h"

namespace renderfm::pathtrace {
namespace {

const Medium& ball() {
  static const Medium medium = test::ball(16, 5.5, 1.5, test::plain_liver(0.8, {0.9F, 0.5F, 0.3F}));
  return medium;
}

Camera camera(int width = 21, int height = 18) {
  return orbit_camera({{11.25, 11.25, 11.25}, 9}, 30, 20, width, height);
}

PathTraceOptions studio(std::uint64_t seed = 1) {
  PathTraceOptions options;
  options.rig = light_rig("studio");
  options.seed = seed;
  return options;
}

bool same(const Film& a, const Film& b) {
  return a.samples() == b.samples() && a.capped_paths() == b.capped_paths() && a.identity() == b.identity() &&
         a.pixels().size() == b.pixels().size() &&
         std::memcmp(a.pixels().data(), b.pixels().data(), a.pixels().size() * sizeof(a.pixels()[0])) == 0;
}

std::filesystem::path scratch(const std::string& name) {
  return std::filesystem::path(testing::TempDir()) / ("renderfm_film_test_" + name);
}

std::string message_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Film, IsTheSameForAnyThreadCountAndSplitOfTheSamples) {
  const PathTracer tracer(ball(), studio());
  Film whole(21, 18);
  set_thread_count(1);
  tracer.add_samples(camera(), whole, 24);
  for (const int threads : {2, 7}) {
    set_thread_count(threads);
    Film split(21, 18);
    for (const int count : {5, 1, 18}) tracer.add_samples(camera(), split, count);
    EXPECT_TRUE(same(whole, split)) << threads << " threads";
  }
  set_thread_count(0);
  EXPECT_GT(resolve(whole).alpha[9 * 21 + 10], 0.9);
}

TEST(Film, KilledAndResumedFromAFileEndsInTheSameBits) {
  const PathTracer tracer(ball(), studio());
  const std::filesystem::path path = scratch("resume.film");
  Film whole(21, 18);
  StopRule rule;
  rule.max_samples = 96;
  EXPECT_TRUE(trace_until(tracer, camera(), whole, rule));
  EXPECT_EQ(whole.samples(), 96);

  Film first(21, 18);
  EXPECT_FALSE(trace_until(tracer, camera(), first, rule, [&](int done, int wanted) {
    EXPECT_EQ(wanted, 96);
    EXPECT_LT(done, 96);
    return false;
  }));
  first.save(path);
  Film second = Film::load(path);
  EXPECT_TRUE(same(first, second));
  EXPECT_TRUE(trace_until(tracer, camera(), second, rule));
  EXPECT_TRUE(same(whole, second));
  std::filesystem::remove(path);
}

TEST(Film, IsNotMixedWithAnotherPicture) {
  Film film(21, 18);
  PathTracer(ball(), studio()).add_samples(camera(), film, 2);
  const auto refused = [&](const PathTracer& tracer, const Camera& view) {
    return message_of([&] { tracer.add_samples(view, film, 1); });
  };
  EXPECT_NE(refused(PathTracer(ball(), studio(2)), camera()).find("another picture"), std::string::npos);
  EXPECT_NE(refused(PathTracer(ball(), {}), camera()).find("another picture"), std::string::npos);
  Camera moved = camera();
  moved.position_mm.x += 1;
  EXPECT_NE(refused(PathTracer(ball(), studio()), moved).find("another picture"), std::string::npos);
  const Medium other = test::ball(16, 5.5, 1.5, test::plain_liver(0.79, {0.9F, 0.5F, 0.3F}));
  EXPECT_NE(refused(PathTracer(other, studio()), camera()).find("another picture"), std::string::npos);
  EXPECT_NE(refused(PathTracer(ball(), studio()), camera(20, 18)).find("21 x 18"), std::string::npos);
  // Cells are a matter of speed, but other random numbers come of them.
  PathTraceOptions coarse = studio();
  coarse.cell_voxels = 8;
  EXPECT_NE(refused(PathTracer(ball(), coarse), camera()).find("another picture"), std::string::npos);
  EXPECT_EQ(refused(PathTracer(ball(), studio()), camera()), "");
}

TEST(Film, DamagedFilesAreRefused) {
  const std::filesystem::path path = scratch("damaged.film");
  Film film(5, 4);
  PathTracer(ball(), studio()).add_samples(camera(5, 4), film, 2);
  film.save(path);
  const auto size = std::filesystem::file_size(path);
  const auto poke = [&](std::streamoff at) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(at);
    const char old = static_cast<char>(file.get());
    file.seekp(at);
    file.put(static_cast<char>(old ^ 1));
  };
  poke(static_cast<std::streamoff>(size / 2));
  EXPECT_NE(message_of([&] { Film::load(path); }).find("checksum"), std::string::npos);
  poke(static_cast<std::streamoff>(size / 2));
  EXPECT_TRUE(same(film, Film::load(path)));
  poke(0);
  EXPECT_NE(message_of([&] { Film::load(path); }).find("not a film"), std::string::npos);
  poke(0);
  std::filesystem::resize_file(path, size - 3);
  EXPECT_NE(message_of([&] { Film::load(path); }).find("cut short"), std::string::npos);
  std::filesystem::remove(path);
  EXPECT_NE(message_of([&] { Film::load(path); }).find("cannot be read"), std::string::npos);
}

#ifndef RENDERFM_FEWER_SAMPLES  // these need them all
TEST(Film, PredictsTheSpreadOfFiftySeeds) {
  constexpr int kSeeds = 50, kSamples = 24;
  const Camera view = camera(24, 24);
  std::vector<double> sum(3 * 24 * 24), squared(sum.size()), predicted(sum.size());
  for (int seed = 1; seed <= kSeeds; ++seed) {
    Film film(24, 24);
    PathTracer(ball(), studio(static_cast<std::uint64_t>(seed))).add_samples(view, film, kSamples);
    const PathTraceImages images = resolve(film);
    for (std::size_t i = 0; i < sum.size(); ++i) {
      const auto value = static_cast<double>(images.rgb_linear[i]);
      sum[i] += value;
      squared[i] += value * value;
      predicted[i] += static_cast<double>(images.variance[i]) / kSeeds;
    }
  }
  double spread = 0, said = 0;
  for (std::size_t i = 0; i < sum.size(); ++i) {
    spread += (squared[i] - sum[i] * sum[i] / kSeeds) / (kSeeds - 1);
    said += predicted[i];
  }
  // About 300 pixels in which the body shows, whose channels go together: a variance of 50 draws is known to
  // 20 %, so the mean of 300 to 1.2 %; four times that.
  EXPECT_NEAR(said / spread, 1, 0.05);
}

TEST(Film, HalvesTellTheNoiseOfThePicture) {
  Film rough(24, 24), fine(24, 24);
  const Camera view = camera(24, 24);
  PathTracer(ball(), studio(1)).add_samples(view, rough, 64);
  PathTracer(ball(), studio(2)).add_samples(view, fine, 2048);
  const std::vector<float> a = encode_srgb(resolve(rough).rgb_linear),
                           b = encode_srgb(resolve(fine).rgb_linear);
  double mse = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double d = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    mse += d * d / static_cast<double>(a.size());
  }
  // 300 pixels say a mean square to 8 %, its root to 4 %; the halves as much.
  EXPECT_NEAR(noise_rmse(rough) / std::sqrt(mse), 1, 0.2);
}

TEST(StopRule, PlansTheSamplesThatTheWantedNoiseTakes) {
  const PathTracer tracer(ball(), {});
  StopRule rule;
  rule.max_samples = 4096;
  rule.noise_rmse = 0.01;
  const int wanted = planned_samples(tracer, camera(), rule);
  EXPECT_EQ(wanted, planned_samples(tracer, camera(), rule));
  EXPECT_EQ(wanted % 2, 0);
  Film film(21, 18);
  EXPECT_TRUE(trace_until(tracer, camera(), film, rule));
  EXPECT_EQ(film.samples(), wanted);
  EXPECT_NEAR(noise_rmse(film) / 0.01, 1, 0.3);
  rule.max_samples = 10;
  EXPECT_EQ(planned_samples(tracer, camera(), rule), 10);
}

#endif

TEST(Film, CountsPathsThatWereCutShort) {
  PathTraceOptions options;
  options.max_scatters = 1;
  Film film(21, 18);
  PathTracer(ball(), options).add_samples(camera(), film, 4);
  EXPECT_GT(film.capped_paths(), 100);
  Film deep(21, 18);
  PathTracer(ball(), {}).add_samples(camera(), deep, 4);
  EXPECT_EQ(deep.capped_paths(), 0);
}

TEST(LightRig, ReadsItsFileAndRefusesWhatItDoesNotKnow) {
  const std::filesystem::path path = scratch("rig.yaml");
  const auto written = [&](const std::string& text) {
    std::ofstream(path) << text;
    return path.string();
  };
  const LightRig rig = light_rig(
      written("sky: {base: 0.5, slope: 0.1}\nkey: {radiance: 2, half_angle_deg: 5, direction: [1, 0, 0]}\n"));
  EXPECT_EQ(rig.sky_base, 0.5F);
  EXPECT_EQ(rig.key_radiance, 2.0F);
  EXPECT_EQ(rig.key_direction.x, 1.0);
  const auto complaint = [&](const std::string& text) {
    const std::string file = written(text);
    return message_of([&] { light_rig(file); });
  };
  EXPECT_NE(complaint("sky: {bass: 1}\n").find("bass"), std::string::npos);
  EXPECT_NE(complaint("sky: {base: 0.1, slope: 0.2}\n").find("darker than black"), std::string::npos);
  EXPECT_NE(complaint("key: {direction: [0, 0]}\n").find("three numbers"), std::string::npos);
  EXPECT_NE(complaint("key: {half_angle_deg: 100}\n").find("half angle"), std::string::npos);
  std::filesystem::remove(path);
  EXPECT_NE(message_of([] { light_rig("sunset"); }).find("studio"), std::string::npos);
}

TEST(Film, FirstCollisionsGiveDepthAlbedoAndNormal) {
  // A camera in front of the ball: at the middle, the surface is a radius nearer than the centre.
  const Camera view = orbit_camera({{11.25, 11.25, 11.25}, 9}, 0, 0, 21, 21);
  Film film(21, 21);
  PathTracer(ball(), {}).add_samples(view, film, 64);
  const PathTraceImages images = resolve(film);
  const std::size_t middle = 10 * 21 + 10, plane = 21 * 21;
  // The border fades in over a voxel, and light comes from a mean free path of 0.6 mm below it.
  const double front = norm(view.position_mm - Vec3d{11.25, 11.25, 11.25}) - 8.25;
  EXPECT_GT(images.depth_mm[middle], front);
  EXPECT_LT(images.depth_mm[middle], front + 2.1);
  EXPECT_NEAR(images.albedo[middle], linear_from_srgb(0.9F), 1e-3);
  EXPECT_NEAR(images.albedo[2 * plane + middle], linear_from_srgb(0.3F), 1e-3);
  // Azimuth 0 looks at the patient's front: the normal points to -y.
  EXPECT_LT(images.normal[plane + middle], -0.8);
  EXPECT_NEAR(images.normal[middle], 0, 0.1);
  EXPECT_EQ(images.depth_mm[0], 0);
}

}  // namespace
}  // namespace renderfm::pathtrace
