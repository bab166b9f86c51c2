// The GPU's samples against the CPU's, to the bit: both run the shared headers on the same records, and the
// emulated kernel sums in the same order. Textures are beyond the emulator; that field is compiled only.
#include "renderfm/pathtrace/cuda_device.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>

#include "renderfm/core/check.h"
#include "support/cuda_emulator/launch.h"

namespace renderfm::pathtrace {
namespace {

/// A liver with a dense core in a translucent body, both with surfaces, lifted off the grid's middle.
Medium two_tissues(double spacing_mm, bool gradient_opacity) {
  CtVolume ct;
  ct.geometry.shape_zyx = {13, 11, 12};
  ct.geometry.spacing_zyx_mm = {spacing_mm, spacing_mm, spacing_mm};
  ct.geometry.origin_mm = {-20, 10, 5};
  LabelVolume labels;
  labels.geometry = ct.geometry;
  labels.names = {{5, "liver"}, {52, "aorta"}};
  const auto count = static_cast<std::size_t>(ct.geometry.voxel_count());
  ct.voxels.assign(count, kMinHu);
  labels.voxels.assign(count, 0);
  for (int k = 0; k < 13; ++k) {
    for (int j = 0; j < 11; ++j) {
      for (int i = 0; i < 12; ++i) {
        const double r = std::hypot(i - 5.7, j - 5.2, k - 6.4);
        if (r > 4.6) continue;
        labels.at(k, j, i) = r < 2.3 ? 52 : 5;
        ct.at(k, j, i) = static_cast<std::int16_t>(40 + 30 * i + (r < 2.3 ? 200 : 0));
      }
    }
  }
  TransferFunction tf;
  tf.layers = {{{"liver"}, {{0, 0.02}, {500, 0.4}}, {{0, {0.7F, 0.3F, 0.2F}}, {400, {0.9F, 0.8F, 0.5F}}}, {}},
               {{"aorta"}, {{0, 0.9}}, {{0, {0.95F, 0.95F, 0.9F}}}, {}}};
  if (gradient_opacity) tf.layers[0].gradient_opacity = {{0, 0.1}, {60, 1}};
  std::array<bool, 256> organs{};
  organs.fill(true);
  return {ct, labels, tf, organs};
}

Camera camera_of(const Medium& medium, int width, int height) {
  const Geometry& g = medium.geometry();
  const Vec3d size = g.spacing_xyz_mm();
  const Vec3d centre = g.origin_mm + Vec3d{size.x * 5.5, size.y * 5, size.z * 6};
  return orbit_camera({centre, 6 * size.x}, 35, 20, width, height);
}

/// Films to compare: the same samples here and there.
struct Pair {
  Film cpu, gpu;
};
Pair trace(const Medium& medium, const PathTraceOptions& options, const Camera& camera,
           const std::vector<int>& counts) {
  const PathTracer cpu(medium, options);
  PathTracer gpu(medium, options);
  gpu.run_on(make_cuda_device(gpu, CudaField::kMemory));
  Pair pair{Film(camera.width, camera.height), Film(camera.width, camera.height)};
  for (const int count : counts) gpu.add_samples(camera, pair.gpu, count);
  for (const int count : counts) cpu.add_samples(camera, pair.cpu, count);
  return pair;
}

void expect_equal(const Pair& pair) {
  ASSERT_EQ(pair.cpu.samples(), pair.gpu.samples());
  EXPECT_EQ(pair.cpu.capped_paths(), pair.gpu.capped_paths());
  const auto& a = pair.cpu.pixels();
  const auto& b = pair.gpu.pixels();
  ASSERT_EQ(a.size(), b.size());
  double met = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    met += a[i].alpha;
    ASSERT_EQ(std::memcmp(&a[i], &b[i], sizeof(a[i])), 0)
        << "pixel " << i << ": red " << a[i].rgb[0] << " here, " << b[i].rgb[0] << " there; alpha "
        << a[i].alpha << ", " << b[i].alpha;
  }
  EXPECT_GT(met, 0.1 * static_cast<double>(a.size()) * static_cast<double>(pair.cpu.samples()))
      << "hardly a path met anything";
}

struct Case {
  const char* name;
  double spacing_mm;  // above 1.2 mm the class map is twice as fine
  bool gradient_opacity;
  const char* rig;
  SkySampling sky;
};

class CudaPathTracer : public ::testing::TestWithParam<Case> {};

TEST_P(CudaPathTracer, MakesTheCpusSamplesToTheBit) {
  const Case& c = GetParam();
  const Medium medium = two_tissues(c.spacing_mm, c.gradient_opacity);
  PathTraceOptions options;
  options.rig = light_rig(c.rig);
  options.sky_sampling = c.sky;
  expect_equal(trace(medium, options, camera_of(medium, 19, 17), {4}));  // several blocks, none full
}

INSTANTIATE_TEST_SUITE_P(
    Scenes, CudaPathTracer,
    ::testing::Values(Case{"Uniform", 1.0, false, "uniform", SkySampling::kEscape},
                      Case{"Studio", 1.0, false, "studio", SkySampling::kEscape},
                      Case{"HeadlightOnFineClasses", 3, false, "headlight", SkySampling::kEscape},
                      Case{"GradientOpacity", 1.0, true, "uniform", SkySampling::kEscape},
                      Case{"EverythingAtOnce", 3, true, "studio", SkySampling::kBoth}),
    [](const auto& scene) { return std::string(scene.param.name); });

TEST(CudaDevice, GoesOnWhereItStoppedAndCountsCappedPaths) {
  const Medium medium = two_tissues(1.5, false);
  PathTraceOptions options;
  options.max_scatters = 2;
  // The second call begins with an odd sample.
  const Pair pair = trace(medium, options, camera_of(medium, 5, 3), {67, 2});
  expect_equal(pair);
  EXPECT_GT(pair.gpu.capped_paths(), 0);
}

TEST(CudaDevice, CutsManySamplesIntoLaunchesThatFollowOnOneAnother) {
  const Medium medium = two_tissues(1.5, false);
  const Camera camera = camera_of(medium, 5, 3);
  const PathTracer tracer(medium, {});
  Pair pair{Film(5, 3), Film(5, 3)};
  tracer.add_samples(camera, pair.cpu, 131);
  // Asked directly: PathTracer's own passes are no longer than a launch.
  const auto device = make_cuda_device(tracer, CudaField::kMemory);
  device->add({tracer.params(camera), tracer.rays(camera), 0, 131}, pair.gpu.sums());
  pair.gpu.finish_pass(131, pair.cpu.capped_paths());
  expect_equal(pair);
}

TEST(CudaDevice, GivesTheSameBitsWhateverTheOrderOfThreads) {
  const Medium medium = two_tissues(1.5, false);
  for (const std::uint64_t seed : {2, 3}) {
    renderfm::cuda::emulator::set_seed(seed);
    expect_equal(trace(medium, {}, camera_of(medium, 9, 17), {2}));
  }
  renderfm::cuda::emulator::set_seed(1);
}

TEST(CudaDevice, SaysWhatItCannotTrace) {
  const auto message_of = [](const std::function<void()>& action) {
    try {
      action();
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  DensityGrid density;
  density.geometry.shape_zyx = {4, 4, 4};
  density.geometry.spacing_zyx_mm = {1, 1, 1};
  density.sigma_t_per_mm.assign(64, 0.1F);
  const PathTracer cloud(density, {});
  EXPECT_NE(message_of([&] { make_cuda_device(cloud); }).find("CPU"), std::string::npos);
  const PathTracer tissue(two_tissues(1.5, false), {});
  EXPECT_NE(message_of([&] { make_cuda_device(tissue, CudaField::kTexture); }).find("textures"),
            std::string::npos);
}

}  // namespace
}  // namespace renderfm::pathtrace
