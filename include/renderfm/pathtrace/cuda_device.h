// A GPU that makes the samples of a path tracer.
#pragma once

#include <memory>
#include <string>

#include "renderfm/pathtrace/path_tracer.h"

namespace renderfm::pathtrace {

/// Why there is none, in words that follow a colon; "" where there is one.
std::string why_no_cuda_device();

/// How a GPU reads the scan: by its texture unit, or from ordinary memory as the CPU does, to be compared
/// with it.
enum class CudaField { kTexture, kMemory };

/// For PathTracer::run_on() of the same tracer, whose medium is copied to the GPU. Throws kRuntime where
/// there is no GPU, where its memory is too small, or for a density grid, which only the CPU traces.
std::unique_ptr<SampleMaker> make_cuda_device(const PathTracer& tracer,
                                              CudaField field = CudaField::kTexture);

}  // namespace renderfm::pathtrace
