#include "unit/cuda_raster/emulated_raster.h"

#include "raster/cpu/render_cpu.h"
#include "raster/stages.cuh"
#include "support/cuda_emulator/device_memory.h"

namespace renderfm::test {

using raster::View;
using renderfm::cuda::emulator::DeviceBuffer;
namespace gpu = raster::cuda;

struct EmulatedRaster::Memory {
  template <class T>
  using Buffer = std::unique_ptr<DeviceBuffer<T>>;
  template <class T>
  static Buffer<T> make(std::int64_t count, const char* name) {
    return std::make_unique<DeviceBuffer<T>>(static_cast<std::size_t>(count), name);
  }
  template <class T>
  static Buffer<T> copy(const std::vector<T>& values, const char* name) {
    return std::make_unique<DeviceBuffer<T>>(values, name);
  }

  gpu::Batch batch;
  gpu::BatchTotals totals;
  Buffer<float> position_mm, sh, opacity, direction_mean, chol;
  Buffer<gpu::Splat> splats;
  Buffer<gpu::CellRect> rects;
  Buffer<std::uint64_t> first_slot;
  Buffer<std::uint32_t> entry_pairs, entry_spare, first;
  Buffer<float> rgb, alpha, depth, transmittance;
  Buffer<std::uint32_t> stop;
  gpu::PairArrays pairs{};
  gpu::EntryArrays entries{};
  gpu::PixelArrays pixels{};
  Images<float> images;
};

EmulatedRaster::EmulatedRaster(const PlainGaussians<float>& gaussians, const std::vector<Camera>& cameras,
                               DrawOptions options)
    : memory_(std::make_unique<Memory>()) {
  using M = Memory;
  M& m = *memory_;
  gpu::BatchShape& shape = m.batch.shape;
  shape = {gaussians.count(), static_cast<int>(cameras.size()), cameras[0].width, cameras[0].height,
           options.gradients};
  m.position_mm = M::copy(gaussians.position_mm, "position_mm");
  m.sh = M::copy(gaussians.sh, "sh");
  m.opacity = M::copy(gaussians.opacity, "opacity");
  m.direction_mean = M::copy(gaussians.direction_mean, "direction_mean");
  m.chol = M::copy(gaussians.chol, "chol");
  m.batch.gaussians = {
      m.position_mm->data(), m.sh->data(),      m.opacity->data(),        m.direction_mean->data(),
      m.chol->data(),        gaussians.count(), gaussians.lambda_opacity, gaussians.low_pass_compensation};
  const std::vector<View<float>> views = views_of<float>(cameras);
  std::copy(views.begin(), views.end(), m.batch.views);

  const gpu::BatchPlan plan = gpu::plan_batch(shape);
  const std::int64_t pairs = shape.pairs();
  m.splats = M::make<gpu::Splat>(pairs, "splats");
  m.rects = M::make<gpu::CellRect>(pairs, "rects");
  m.pairs = {m.splats->data(), m.rects->data(), nullptr};
  if (options.gradients) {
    m.first_slot = M::make<std::uint64_t>(pairs + 1, "first_slot");
    m.pairs.first_slot = m.first_slot->data();
  }
  const auto numbers = [&](const char* name) { return M::make<std::uint32_t>(pairs, name); };
  const auto keys = numbers("keys"), order_pairs = numbers("pairs"), spare_keys = numbers("spare keys"),
             spare_pairs = numbers("spare pairs"), counts = numbers("counts"),
             statistics = M::make<std::uint32_t>(gpu::kStatistics, "statistics");
  const auto first_entry = M::make<std::uint64_t>(pairs + 1, "first_entry");
  const auto scratch = M::make<unsigned char>(static_cast<std::int64_t>(plan.order_scratch_bytes), "scratch");
  gpu::OrderArrays order{keys->data(),        order_pairs->data(), spare_keys->data(),
                         spare_pairs->data(), counts->data(),      first_entry->data(),
                         statistics->data(),  scratch->data(),     plan.order_scratch_bytes};
  m.totals = gpu::project_and_count(m.batch, m.pairs, order, nullptr);

  const gpu::EntryPlan entry_plan = gpu::plan_entries(shape, m.totals);
  m.entry_pairs = M::make<std::uint32_t>(m.totals.entries, "entry pairs");
  m.entry_spare = M::make<std::uint32_t>(m.totals.entries, "spare entry pairs");
  m.first = M::make<std::uint32_t>(shape.views * shape.tiles() + 1, "first");
  m.entries = {m.entry_pairs->data(), m.entry_spare->data(), m.first->data()};
  const auto entry_keys = M::make<std::uint32_t>(m.totals.entries, "entry keys"),
             spare_entry_keys = M::make<std::uint32_t>(m.totals.entries, "spare entry keys");
  const auto entry_scratch =
      M::make<unsigned char>(static_cast<std::int64_t>(entry_plan.sort_scratch_bytes), "entry scratch");
  gpu::EntryScratch for_entries{entry_keys->data(), spare_entry_keys->data(), entry_scratch->data(),
                                entry_plan.sort_scratch_bytes};
  gpu::list_entries(m.batch, m.pairs, order, m.totals, m.entries, for_entries, nullptr);

  const std::int64_t area = static_cast<std::int64_t>(shape.views) * shape.width * shape.height;
  m.rgb = M::make<float>(3 * area, "rgb");
  m.alpha = M::make<float>(area, "alpha");
  m.depth = M::make<float>(options.depth ? area : 0, "depth");
  if (options.gradients) {
    m.transmittance = M::make<float>(area, "transmittance");
    m.stop = M::make<std::uint32_t>(area, "stop");
    m.pixels = {m.transmittance->data(), m.stop->data()};
  }
  gpu::blend_forward(m.batch, m.pairs, m.entries,
                     {m.rgb->data(), m.alpha->data(), options.depth ? m.depth->data() : nullptr}, m.pixels,
                     nullptr);
  m.images = {m.rgb->download(), m.alpha->download(), m.depth->download()};
}

EmulatedRaster::~EmulatedRaster() = default;

const Images<float>& EmulatedRaster::images() const { return memory_->images; }
const gpu::BatchTotals& EmulatedRaster::totals() const { return memory_->totals; }
std::vector<gpu::Splat> EmulatedRaster::splats() const { return memory_->splats->download(); }
std::vector<gpu::CellRect> EmulatedRaster::rects() const { return memory_->rects->download(); }
std::vector<std::uint32_t> EmulatedRaster::list_bounds() const { return memory_->first->download(); }
std::vector<std::uint32_t> EmulatedRaster::list_pairs() const {
  const Memory& m = *memory_;
  return m.entries.pairs == m.entry_pairs->data() ? m.entry_pairs->download() : m.entry_spare->download();
}

Gradients<float> EmulatedRaster::backward(const ImageGradients<float>& v_images, bool poses) {
  using M = Memory;
  M& m = *memory_;
  const auto v_rgb = M::copy(v_images.rgb, "v_rgb"), v_alpha = M::copy(v_images.alpha, "v_alpha"),
             v_depth = M::copy(v_images.depth, "v_depth");
  const auto sums = M::make<float>(m.totals.slots * gpu::kSlotSums, "sums");
  const auto written = M::make<std::uint8_t>(m.totals.slots, "written");
  const gpu::SlotArrays slots{sums->data(), written->data()};
  gpu::blend_backward(m.batch, m.pairs, m.entries, m.totals,
                      {v_rgb->data(), v_images.alpha.empty() ? nullptr : v_alpha->data(),
                       v_images.depth.empty() ? nullptr : v_depth->data()},
                      m.pixels, slots, nullptr);

  const auto zeros = [](const M::Buffer<float>& like, const char* name) {
    return M::copy(std::vector<float>(like->size(), 0.0f), name);
  };
  const auto position_mm = zeros(m.position_mm, "v_position_mm"), sh = zeros(m.sh, "v_sh"),
             opacity = zeros(m.opacity, "v_opacity"),
             direction_mean = zeros(m.direction_mean, "v_direction_mean"), chol = zeros(m.chol, "v_chol");
  const auto v_poses = M::make<raster::PoseGradient<float>>(m.batch.shape.views, "v_poses");
  const auto partials = M::make<float>(poses ? gpu::pose_partials(m.batch.shape) : 0, "pose partials");
  gpu::chain_backward(
      m.batch, m.pairs, slots,
      {position_mm->data(), sh->data(), opacity->data(), direction_mean->data(), chol->data()},
      poses ? v_poses->data() : nullptr, poses ? partials->data() : nullptr, nullptr);
  Gradients<float> result;
  result.gaussians.position_mm = position_mm->download();
  result.gaussians.sh = sh->download();
  result.gaussians.opacity = opacity->download();
  result.gaussians.direction_mean = direction_mean->download();
  result.gaussians.chol = chol->download();
  if (poses) {
    for (const raster::PoseGradient<float>& pose : v_poses->download()) {
      const float* const values = &pose.position_mm.x;
      result.poses.insert(result.poses.end(), values, values + 12);
    }
  }
  return result;
}

namespace {

template <class S>
struct CpuRun {
  std::vector<View<S>> views;
  Images<S> images;
  raster::cpu::Workspace<S> workspace;
  raster::cpu::Recording<S> recording;

  CpuRun(const PlainGaussians<S>& gaussians, const std::vector<Camera>& cameras)
      : views(views_of<S>(cameras)) {
    const std::size_t area =
        static_cast<std::size_t>(cameras[0].width) * static_cast<std::size_t>(cameras[0].height);
    images.rgb.resize(3 * area * cameras.size());
    images.alpha.resize(area * cameras.size());
    images.depth.resize(area * cameras.size());
    std::vector<raster::ImagePointers<S>> pointers;
    for (std::size_t v = 0; v < cameras.size(); ++v) {
      S* const rgb = images.rgb.data() + 3 * area * v;
      pointers.push_back({rgb, rgb + area, rgb + 2 * area, images.alpha.data() + area * v,
                          images.depth.data() + area * v, cameras[0].width, cameras[0].height});
    }
    raster::cpu::render_views(gaussians.pointers(), views, pointers, workspace, &recording);
  }
};

}  // namespace

std::vector<raster::cpu::SplatRecord<float>> records_on_cpu(const PlainGaussians<float>& gaussians,
                                                            const Camera& camera) {
  const CpuRun<float> run(gaussians, {camera});
  const raster::cpu::ViewBuffers<float>& view = run.recording.views.at(0);
  std::vector<raster::cpu::SplatRecord<float>> records;
  for (std::size_t chunk = 0; chunk < view.chunks.size(); ++chunk) {
    const auto* const first = view.records.data() + static_cast<std::int64_t>(chunk) * raster::cpu::kChunk;
    records.insert(records.end(), first, first + view.chunks[chunk].drawable);
  }
  return records;
}

template <class S>
Images<S> draw_on_cpu(const PlainGaussians<S>& gaussians, const std::vector<Camera>& cameras) {
  return CpuRun<S>(gaussians, cameras).images;
}

template <class S>
Gradients<S> backward_on_cpu(const PlainGaussians<S>& gaussians, const std::vector<Camera>& cameras,
                             const ImageGradients<S>& v_images) {
  CpuRun<S> run(gaussians, cameras);
  const std::size_t area =
      static_cast<std::size_t>(cameras[0].width) * static_cast<std::size_t>(cameras[0].height);
  std::vector<raster::ImageGradientPointers<S>> pointers;
  for (std::size_t v = 0; v < cameras.size(); ++v) {
    const S* const rgb = v_images.rgb.data() + 3 * area * v;
    pointers.push_back({rgb, rgb + area, rgb + 2 * area,
                        v_images.alpha.empty() ? nullptr : v_images.alpha.data() + area * v,
                        v_images.depth.empty() ? nullptr : v_images.depth.data() + area * v, cameras[0].width,
                        cameras[0].height});
  }
  Gradients<S> result;
  PlainGaussians<S>& g = result.gaussians;
  g.position_mm.resize(gaussians.position_mm.size());
  g.sh.resize(gaussians.sh.size());
  g.opacity.resize(gaussians.opacity.size());
  g.direction_mean.resize(gaussians.direction_mean.size());
  g.chol.resize(gaussians.chol.size());
  std::vector<raster::PoseGradient<S>> poses(cameras.size());
  raster::cpu::backward_views(
      gaussians.pointers(), run.views, run.recording, pointers,
      {g.position_mm.data(), g.sh.data(), g.opacity.data(), g.direction_mean.data(), g.chol.data()}, poses,
      run.workspace);
  for (const raster::PoseGradient<S>& pose : poses) {
    const S* const values = &pose.position_mm.x;
    result.poses.insert(result.poses.end(), values, values + 12);
  }
  return result;
}

template Images<float> draw_on_cpu(const PlainGaussians<float>&, const std::vector<Camera>&);
template Images<double> draw_on_cpu(const PlainGaussians<double>&, const std::vector<Camera>&);
template Gradients<float> backward_on_cpu(const PlainGaussians<float>&, const std::vector<Camera>&,
                                          const ImageGradients<float>&);
template Gradients<double> backward_on_cpu(const PlainGaussians<double>&, const std::vector<Camera>&,
                                           const ImageGradients<double>&);

}  // namespace renderfm::test
