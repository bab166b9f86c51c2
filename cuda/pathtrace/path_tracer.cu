// One thread a pixel, its samples one after the other. A lane whose path has ended begins its pixel's next
// sample at once, while the others of its warp are still on their way: no lane waits for the longest path of
// a sample. Sums stay in memory, in double and in order of the samples, as on the CPU; a path's hundreds of
// fetches hide the one addition.
//
// Compiled without contraction of multiply-adds and without fast math, and with the shared headers' own
// logarithm and circle, so that a field of ordinary memory takes the CPU's decisions.
#include "common/launch.cuh"
#include "renderfm/pathtrace/cuda_params.h"
#include "renderfm/pathtrace/integrator.h"
#if !defined(RENDERFM_CUDA_EMULATOR)
#include "pathtrace/texture_field.cuh"
#endif

namespace renderfm::pathtrace::cuda {
namespace {

constexpr int kBlockWidth = 8, kBlockHeight = 16;
constexpr int kThreads = kBlockWidth * kBlockHeight;
constexpr int kMaxSamplesPerLaunch = 64;  // keeps a launch short where the GPU draws a desktop too
constexpr int kMinBlocks = 4;  // on a multiprocessor: leaves 128 registers a thread, and nothing spills

template <class Field, class Pointers>
__global__ void __launch_bounds__(kThreads, kMinBlocks)
    trace_kernel(const __grid_constant__ TraceJob<Pointers> job) {
  const int x = static_cast<int>(blockIdx.x) * kBlockWidth + static_cast<int>(threadIdx.x) % kBlockWidth;
  const int y = static_cast<int>(blockIdx.y) * kBlockHeight + static_cast<int>(threadIdx.x) / kBlockWidth;
  if (x >= job.rays.width || y >= job.rays.height) return;
  const Field field(job.field);
  PixelSums<double>& sums = job.sums[static_cast<std::int64_t>(y) * job.rays.width + x];
  unsigned long long capped = 0;
  Path<Field> path;
  bool under_way = false;
  for (int n = 0;;) {
    if (!under_way) {
      if (n == job.sample_count) break;
      path.begin(field, job.trace, job.rays, x, y, job.first_sample + static_cast<std::uint64_t>(n));
      ++n;
    }
    under_way = path.advance(field, job.trace);
    if (under_way) continue;
    const PathSample& sample = path.sample();
    if (sample.alpha > 0) {  // a path that met nothing adds zeros
      sums.add(sample, ((job.first_sample + static_cast<std::uint64_t>(n) - 1) & 1) == 0);
      capped += sample.capped ? 1 : 0;
    }
  }
  if (capped > 0) atomicAdd(reinterpret_cast<unsigned long long*>(job.capped), capped);
}

unsigned blocks_along(int pixels, int block) { return static_cast<unsigned>((pixels + block - 1) / block); }

template <class Field, class Pointers>
void launch_slices(const TraceJob<Pointers>& job, Stream stream) {
  const dim3 grid(blocks_along(job.rays.width, kBlockWidth), blocks_along(job.rays.height, kBlockHeight));
  TraceJob<Pointers> slice = job;
  for (int done = 0; done < job.sample_count; done += slice.sample_count) {
    const int left = job.sample_count - done;
    slice.first_sample = job.first_sample + static_cast<std::uint64_t>(done);
    slice.sample_count = left < kMaxSamplesPerLaunch ? left : kMaxSamplesPerLaunch;
    ::renderfm::cuda::launch(::renderfm::cuda::named_kernel("trace_kernel", &trace_kernel<Field, Pointers>),
                             grid, dim3(kThreads), 0, stream, slice);
  }
}

}  // namespace

void trace_samples(const TraceJob<MediumPointers>& job, Stream stream) {
  launch_slices<SoftwareMediumField>(job, stream);
}

void trace_samples(const TraceJob<TextureMedium>& job, Stream stream) {
#if defined(RENDERFM_CUDA_EMULATOR)
  (void)job;
  (void)stream;
  throw ::renderfm::cuda::CudaError("the emulator has no textures");
#else
  launch_slices<TextureMediumField>(job, stream);
#endif
}

}  // namespace renderfm::pathtrace::cuda
