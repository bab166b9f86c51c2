// One benchmark of the CPU backend: a scene, views of it, what is done with them; and the counters that stand
// beside its time.
#pragma once

#include <benchmark/benchmark.h>

#include <functional>
#include <string>
#include <vector>

#include "bench/raster_scenes.h"
#include "raster/cpu/render_cpu.h"

namespace renderfm::bench {

/// kForward: pictures alone, nothing kept for a backward pass. kBackward: from a recording made once; adds to
/// the gradients of the iteration before, so nothing is zeroed. kBoth, a training step: pictures with a
/// recording, gradients zeroed, backward. Gradients come in through rgb, as in training; kBackwardAll has
/// alpha's and depth's too. kFrame is kForward through the public interface, which allocates its pictures.
enum class Stage { kForward, kBackward, kBackwardAll, kBoth, kFrame };
inline bool has_gradients(Stage stage) { return stage != Stage::kForward && stage != Stage::kFrame; }
const char* stage_name(Stage stage);

struct Case {
  std::string name{};
  Stage stage = Stage::kForward;
  int size = 512;
  int views = 1;
  int threads = 1;
  std::string level{};  ///< empty: the best, or RENDERFM_SIMD
};

/// Pictures, gradients and the scratch of both, made once and warm: everything that a program that draws
/// again and again has at hand.
class Stages {
 public:
  Stages(const Scene& scene, const Case& what);
  ~Stages();
  Stages(const Stages&) = delete;
  Stages& operator=(const Stages&) = delete;

  void run(benchmark::State& state);

 private:
  struct Seconds;

  void forward(bool recorded, Seconds& spent);
  void backward(Seconds& spent);
  void zero_gradients();
  void set_counters(benchmark::State& state, const Seconds& spent) const;

  Case what_;
  const Scene& scene_;
  std::vector<raster::View<float>> views_;
  std::vector<float> planes_, v_planes_;  // [views, 5, H, W]
  std::vector<raster::ImagePointers<float>> images_;
  std::vector<raster::ImageGradientPointers<float>> v_images_;
  test::PlainGaussians<float> v_gaussians_;
  std::vector<raster::PoseGradient<float>> v_poses_;
  raster::cpu::Workspace<float> workspace_;
  raster::cpu::Recording<float> recording_;
  raster::cpu::RenderStats counted_;
  std::function<void()> frame_;
};

}  // namespace renderfm::bench
