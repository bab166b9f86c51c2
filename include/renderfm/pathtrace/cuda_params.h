// Path tracing on a GPU as its callers see it: plain structs of values and device pointers, and one function
// that queues the work. No Torch, no CUDA header.
#pragma once

#include <cstdint>

#include "renderfm/pathtrace/pathtrace_params.h"

struct CUstream_st;

namespace renderfm::pathtrace::cuda {

using Stream = CUstream_st*;  ///< the same type as cudaStream_t

/// A labelled CT in textures; the numbers are cudaTextureObject_t. HU and opacity are filtered by the texture
/// unit, whose weights have 8 fractional bits; all clamp at the border.
struct TextureMedium {
  std::uint64_t hu;               ///< unorm16 of HU - kTableMinHu, linear
  std::uint64_t classes;          ///< 16 bits, CellClasses::bits of every cell
  std::uint64_t opacity;          ///< unorm8, linear
  std::uint64_t gradient_factor;  ///< 8 bits, one texel a voxel; 0 where there is none
  /// Tables in device memory, sizes and constants; its pointers to voxels are not used.
  MediumPointers tables;
};

/// Samples of every pixel to add to its sums, in order: with a field of ordinary memory the sums come out as
/// the CPU's.
template <class Pointers>
struct TraceJob {
  Pointers field;  ///< MediumPointers of device memory, or TextureMedium
  TraceParams trace;
  CameraRays rays;
  PixelSums<double>* sums;  ///< [height, width], added to
  std::uint64_t* capped;    ///< [1], added to
  std::uint64_t first_sample;
  int sample_count;
};

/// Queues the samples in launches of at most 64. Throws ::renderfm::cuda::CudaError.
void trace_samples(const TraceJob<MediumPointers>& job, Stream stream);
void trace_samples(const TraceJob<TextureMedium>& job, Stream stream);

}  // namespace renderfm::pathtrace::cuda
