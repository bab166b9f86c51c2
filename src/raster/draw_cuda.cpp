// The CUDA backend's host side: memory from Torch's caching allocator, work on Torch's current stream. The
// kernels know neither; this file has no kernel.
#include <c10/core/DeviceGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>
#include <utility>

#include "common/cuda_error.h"
#include "raster/backend.h"
#include "renderfm/core/check.h"
#include "renderfm/raster/camera_view.h"
#include "renderfm/raster/cuda_params.h"

namespace renderfm::raster {
namespace {

using torch::Tensor;

cuda::Stream current_stream(torch::Device device) {
  if (!device.is_cuda()) return nullptr;  // the emulator's tests: host memory, no stream
  const c10::impl::VirtualGuardImpl guard(device.type());
  return static_cast<cuda::Stream>(guard.getStream(device).native_handle());
}

/// What is kept of a batch of views between its passes.
struct BatchRecord {
  cuda::BatchShape shape;
  std::int64_t first_view = 0;
  cuda::BatchTotals totals;
  Tensor pair_block, list_block;  // what `pairs` and `entries` point into
  Tensor transmittance, stop;     // [V, H, W]
  cuda::PairArrays pairs{};
  cuda::EntryArrays entries{};
};

cuda::Batch make_batch(const DrawInputs& in, const cuda::BatchShape& shape, std::int64_t first_view) {
  cuda::Batch batch;
  batch.shape = shape;
  batch.gaussians = {in.position_mm.const_data_ptr<float>(),
                     in.sh.const_data_ptr<float>(),
                     in.opacity.const_data_ptr<float>(),
                     in.direction_mean.const_data_ptr<float>(),
                     in.chol.const_data_ptr<float>(),
                     in.size(),
                     static_cast<float>(in.lambda_opacity),
                     in.low_pass_compensation,
                     clip_planes<float>(in.clip)};
  for (int v = 0; v < shape.views; ++v) {
    batch.views[v] = make_view<float>(in.cameras[static_cast<std::size_t>(first_view + v)]);
  }
  return batch;
}

class Allocator {
 public:
  explicit Allocator(const DrawInputs& in)
      : bytes_(in.opacity.options().dtype(torch::kUInt8).requires_grad(false)),
        limit_(in.memory_limit_bytes) {}

  Tensor block(std::size_t bytes) {
    taken_ += static_cast<std::int64_t>(bytes);
    if (limit_ > 0 && taken_ > limit_) {
      fail_runtime(
          "drawing needs {:.2f} GB of GPU memory and {:.2f} GB are allowed; use fewer Gaussians, smaller "
          "pictures or fewer views at once",
          static_cast<double>(taken_) / 1e9, static_cast<double>(limit_) / 1e9);
    }
    return torch::empty({static_cast<std::int64_t>(bytes)}, bytes_);
  }

 private:
  torch::TensorOptions bytes_;
  std::int64_t limit_, taken_ = 0;
};

// What CUDA and the allocator throw, as this library's errors.
template <class Body>
auto translated(const Body& body) -> decltype(body()) {
  try {
    return body();
  } catch (const ::renderfm::cuda::CudaError& error) {
    fail_runtime("{}", error.what());
  } catch (const c10::OutOfMemoryError& error) {
    fail_runtime(
        "the GPU has too little memory for this picture; use fewer Gaussians, smaller pictures or fewer "
        "views at once ({})",
        error.what_without_backtrace());
  }
}

void draw_batch(const DrawInputs& in, BatchRecord& record, const RenderOutput& out, Allocator& allocator,
                cuda::Stream stream) {
  const cuda::BatchShape& shape = record.shape;
  const cuda::Batch batch = make_batch(in, shape, record.first_view);
  const cuda::BatchPlan plan = cuda::plan_batch(shape);
  record.pair_block = allocator.block(plan.pair_bytes);
  record.pairs = cuda::bind_pairs(record.pair_block.mutable_data_ptr(), shape);
  const Tensor order_block = allocator.block(plan.order_bytes);
  cuda::OrderArrays order = cuda::bind_order(order_block.mutable_data_ptr(), plan, shape);
  record.totals = cuda::project_and_count(batch, record.pairs, order, stream);

  const cuda::EntryPlan entry_plan = cuda::plan_entries(shape, record.totals);
  record.list_block = allocator.block(entry_plan.list_bytes);
  record.entries = cuda::bind_entries(record.list_block.mutable_data_ptr(), shape, record.totals);
  const Tensor scratch_block = allocator.block(entry_plan.scratch_bytes);
  cuda::EntryScratch scratch =
      cuda::bind_entry_scratch(scratch_block.mutable_data_ptr(), entry_plan, record.totals);
  cuda::list_entries(batch, record.pairs, order, record.totals, record.entries, scratch, stream);

  cuda::PixelArrays pixels{nullptr, nullptr};
  if (shape.gradients) {
    const auto options = in.opacity.options().requires_grad(false);
    record.transmittance = torch::empty({shape.views, shape.height, shape.width}, options);
    record.stop = torch::empty({shape.views, shape.height, shape.width}, options.dtype(torch::kInt32));
    pixels = {record.transmittance.mutable_data_ptr<float>(),
              reinterpret_cast<std::uint32_t*>(record.stop.mutable_data_ptr<std::int32_t>())};
  }
  const std::int64_t pixel_count = static_cast<std::int64_t>(shape.width) * shape.height;
  const std::int64_t at = record.first_view * pixel_count;
  const cuda::BatchImages images{out.rgb.mutable_data_ptr<float>() + 3 * at,
                                 out.alpha.mutable_data_ptr<float>() + at,
                                 out.depth.mutable_data_ptr<float>() + at};
  cuda::blend_forward(batch, record.pairs, record.entries, images, pixels, stream);
}

class CudaRecord : public DrawRecord {
 public:
  std::vector<BatchRecord> batches;

  DrawGradients backward(const DrawInputs& in, const RenderOutput& v_output) const override {
    const c10::OptionalDeviceGuard guard(in.opacity.device());
    return translated([&] { return run(in, v_output); });
  }

 private:
  DrawGradients run(const DrawInputs& in, const RenderOutput& v_output) const {
    const cuda::Stream stream = current_stream(in.opacity.device());
    const auto views = static_cast<std::int64_t>(in.cameras.size());
    const std::int64_t pixels = static_cast<std::int64_t>(in.cameras[0].width) * in.cameras[0].height;
    const auto options = in.opacity.options().requires_grad(false);
    const auto dense = [](const Tensor& t) { return t.defined() ? t.contiguous() : t; };
    const Tensor v_rgb = v_output.rgb.defined()
                             ? v_output.rgb.contiguous()
                             : torch::zeros({views, 3, in.cameras[0].height, in.cameras[0].width}, options);
    const Tensor v_alpha = dense(v_output.alpha), v_depth = dense(v_output.depth);
    DrawGradients out{torch::zeros_like(in.position_mm),
                      torch::zeros_like(in.sh),
                      torch::zeros_like(in.opacity),
                      torch::zeros_like(in.direction_mean),
                      torch::zeros_like(in.chol),
                      {},
                      {}};
    const GaussianGradientPointers<float> v_gaussians{
        out.position_mm.mutable_data_ptr<float>(), out.sh.mutable_data_ptr<float>(),
        out.opacity.mutable_data_ptr<float>(), out.direction_mean.mutable_data_ptr<float>(),
        out.chol.mutable_data_ptr<float>()};
    const Tensor v_poses = torch::zeros({views, 12}, options);  // PoseGradient: position and three axes
    static_assert(sizeof(PoseGradient<float>) == 12 * sizeof(float));
    for (const BatchRecord& record : batches) {
      const cuda::Batch batch = make_batch(in, record.shape, record.first_view);
      const cuda::EntryPlan plan = cuda::plan_entries(record.shape, record.totals);
      const Tensor slot_block = Allocator(in).block(plan.slot_bytes);
      const cuda::SlotArrays slots = cuda::bind_slots(slot_block.mutable_data_ptr(), record.totals);
      const std::int64_t at = record.first_view * pixels;
      const auto plane = [&](const Tensor& t) {
        return t.defined() ? t.const_data_ptr<float>() + at : nullptr;
      };
      const cuda::BatchImageGradients v_images{v_rgb.const_data_ptr<float>() + 3 * at, plane(v_alpha),
                                               plane(v_depth)};
      const cuda::PixelArrays seen{
          record.transmittance.mutable_data_ptr<float>(),
          reinterpret_cast<std::uint32_t*>(record.stop.mutable_data_ptr<std::int32_t>())};
      cuda::blend_backward(batch, record.pairs, record.entries, record.totals, v_images, seen, slots, stream);
      const Tensor partials =
          torch::empty({in.pose_gradients ? cuda::pose_partials(record.shape) : 0}, options);
      auto* const poses =
          reinterpret_cast<PoseGradient<float>*>(v_poses.mutable_data_ptr<float>()) + record.first_view;
      cuda::chain_backward(batch, record.pairs, slots, v_gaussians, in.pose_gradients ? poses : nullptr,
                           in.pose_gradients ? partials.mutable_data_ptr<float>() : nullptr, stream);
    }
    if (!in.pose_gradients) return out;
    out.pose_position_mm = v_poses.slice(1, 0, 3).contiguous();
    out.pose_rotation = v_poses.slice(1, 3, 12).reshape({views, 3, 3});
    return out;
  }
};

}  // namespace

bool has_cuda() { return true; }

Drawing draw_cuda(const DrawInputs& in, bool for_backward) {
  const c10::OptionalDeviceGuard guard(in.opacity.device());
  const auto views = static_cast<std::int64_t>(in.cameras.size());
  const int width = in.cameras[0].width, height = in.cameras[0].height;
  const auto options = in.opacity.options().requires_grad(false);
  return translated([&] {
    Drawing drawing;
    drawing.output = {torch::empty({views, 3, height, width}, options),
                      torch::empty({views, height, width}, options),
                      torch::empty({views, height, width}, options)};
    auto record = c10::make_intrusive<CudaRecord>();
    const cuda::Stream stream = current_stream(in.opacity.device());
    Allocator allocator(in);
    for (std::int64_t first = 0; first < views; first += cuda::kMaxBatchViews) {
      BatchRecord batch;
      batch.first_view = first;
      batch.shape = {in.size(), static_cast<int>(std::min<std::int64_t>(cuda::kMaxBatchViews, views - first)),
                     width, height, for_backward};
      draw_batch(in, batch, drawing.output, allocator, stream);
      drawing.not_finite = std::max(drawing.not_finite, batch.totals.not_finite);
      if (for_backward) record->batches.push_back(std::move(batch));
    }
    if (for_backward) drawing.record = std::move(record);
    return drawing;
  });
}

}  // namespace renderfm::raster
