#include <algorithm>
#include <mutex>
#include <utility>

#include "raster/backend.h"
#include "raster/cpu/render_cpu.h"
#include "renderfm/raster/camera_view.h"

namespace renderfm::raster {
namespace {

// One picture after another of the same set is the usual case: buffers are worth keeping, up to this many
// bytes.
constexpr std::int64_t kKeptBytes = std::int64_t{1} << 29;

template <class S>
cpu::Workspace<S>& workspace() {
  thread_local cpu::Workspace<S> own;
  return own;
}

template <class S>
void give_back_excess() {
  if (workspace<S>().bytes() > kKeptBytes) workspace<S>() = {};
}

/// The last recording that was done with, for the next one to fill again.
template <class S>
class SpareRecording {
 public:
  cpu::Recording<S> take() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return std::exchange(spare_, {});
  }
  void give(cpu::Recording<S>&& recording) {
    if (recording.bytes() > kKeptBytes) return;
    const std::lock_guard<std::mutex> lock(mutex_);
    spare_ = std::move(recording);
  }
  static SpareRecording& instance() {
    static SpareRecording only;
    return only;
  }

 private:
  std::mutex mutex_;
  cpu::Recording<S> spare_;
};

template <class S>
GaussianPointers<S> pointers_of(const DrawInputs& in) {
  return {in.position_mm.const_data_ptr<S>(),    in.sh.const_data_ptr<S>(),   in.opacity.const_data_ptr<S>(),
          in.direction_mean.const_data_ptr<S>(), in.chol.const_data_ptr<S>(), in.size(),
          static_cast<S>(in.lambda_opacity),     in.low_pass_compensation,    clip_planes<S>(in.clip)};
}

template <class S>
std::vector<View<S>> views_of(const DrawInputs& in) {
  std::vector<View<S>> views;
  for (const Camera& camera : in.cameras) views.push_back(make_view<S>(camera));
  return views;
}

template <class S>
std::vector<ImagePointers<S>> images_of(RenderOutput& out, int width, int height) {
  const std::int64_t pixels = static_cast<std::int64_t>(width) * height;
  S* const rgb = out.rgb.mutable_data_ptr<S>();
  S* const alpha = out.alpha.mutable_data_ptr<S>();
  S* const depth = out.depth.mutable_data_ptr<S>();
  std::vector<ImagePointers<S>> images;
  for (std::int64_t v = 0; v < out.rgb.size(0); ++v) {
    S* const own = rgb + 3 * v * pixels;
    images.push_back(
        {own, own + pixels, own + 2 * pixels, alpha + v * pixels, depth + v * pixels, width, height});
  }
  return images;
}

template <class S>
class CpuRecord : public DrawRecord {
 public:
  cpu::Recording<S> recording = SpareRecording<S>::instance().take();

  CpuRecord() = default;
  ~CpuRecord() override { SpareRecording<S>::instance().give(std::move(recording)); }

  DrawGradients backward(const DrawInputs& in, const RenderOutput& v_output) const override {
    const auto views = static_cast<std::int64_t>(in.cameras.size());
    const int width = in.cameras[0].width, height = in.cameras[0].height;
    const std::int64_t pixels = static_cast<std::int64_t>(width) * height;
    const auto dense = [&](const torch::Tensor& t) { return t.defined() ? t.contiguous() : t; };
    const torch::Tensor v_rgb = v_output.rgb.defined()
                                    ? v_output.rgb.contiguous()
                                    : torch::zeros({views, 3, height, width}, in.opacity.options());
    const torch::Tensor v_alpha = dense(v_output.alpha), v_depth = dense(v_output.depth);
    std::vector<ImageGradientPointers<S>> v_images;
    for (std::int64_t v = 0; v < views; ++v) {
      const S* const rgb = v_rgb.const_data_ptr<S>() + 3 * v * pixels;
      const auto plane = [&](const torch::Tensor& t) {
        return t.defined() ? t.const_data_ptr<S>() + v * pixels : nullptr;
      };
      v_images.push_back(
          {rgb, rgb + pixels, rgb + 2 * pixels, plane(v_alpha), plane(v_depth), width, height});
    }
    DrawGradients out{torch::zeros_like(in.position_mm),
                      torch::zeros_like(in.sh),
                      torch::zeros_like(in.opacity),
                      torch::zeros_like(in.direction_mean),
                      torch::zeros_like(in.chol),
                      torch::empty({views, 3}, in.opacity.options()),
                      torch::empty({views, 3, 3}, in.opacity.options())};
    const GaussianGradientPointers<S> v_gaussians{
        out.position_mm.mutable_data_ptr<S>(), out.sh.mutable_data_ptr<S>(),
        out.opacity.mutable_data_ptr<S>(), out.direction_mean.mutable_data_ptr<S>(),
        out.chol.mutable_data_ptr<S>()};
    std::vector<PoseGradient<S>> v_poses;
    cpu::RenderSettings settings;
    settings.memory_limit_bytes = in.memory_limit_bytes;
    cpu::backward_views(pointers_of<S>(in), views_of<S>(in), recording, v_images, v_gaussians, v_poses,
                        workspace<S>(), settings);
    give_back_excess<S>();
    S* position = out.pose_position_mm.mutable_data_ptr<S>();
    S* rotation = out.pose_rotation.mutable_data_ptr<S>();
    for (const PoseGradient<S>& pose : v_poses) {
      const auto put = [](S*& to, const Vec3<S>& v) {
        for (int k = 0; k < 3; ++k) *to++ = v[k];
      };
      put(position, pose.position_mm);
      put(rotation, pose.right);
      put(rotation, pose.down);
      put(rotation, pose.forward);
    }
    return out;
  }
};

template <class S>
Drawing draw(const DrawInputs& in, bool for_backward) {
  const auto views = static_cast<std::int64_t>(in.cameras.size());
  const int width = in.cameras[0].width, height = in.cameras[0].height;
  const auto options = in.opacity.options().requires_grad(false);
  Drawing drawing;
  drawing.output = {torch::empty({views, 3, height, width}, options),
                    torch::empty({views, height, width}, options),
                    torch::empty({views, height, width}, options)};
  cpu::Recording<S>* recording = nullptr;
  if (for_backward) {
    auto record = c10::make_intrusive<CpuRecord<S>>();
    recording = &record->recording;
    drawing.record = std::move(record);
  }
  cpu::RenderSettings settings;
  settings.memory_limit_bytes = in.memory_limit_bytes;
  const cpu::RenderStats stats =
      cpu::render_views(pointers_of<S>(in), views_of<S>(in), images_of<S>(drawing.output, width, height),
                        workspace<S>(), recording, settings);
  give_back_excess<S>();
  drawing.not_finite = stats.not_finite;
  return drawing;
}

}  // namespace

Drawing draw_cpu(const DrawInputs& inputs, bool for_backward) {
  return inputs.opacity.scalar_type() == torch::kFloat64 ? draw<double>(inputs, for_backward)
                                                         : draw<float>(inputs, for_backward);
}

}  // namespace renderfm::raster
