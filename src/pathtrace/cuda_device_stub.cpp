// In place of cuda_device.cpp where there is no nvcc.
#include "renderfm/core/check.h"
#include "renderfm/pathtrace/cuda_device.h"

namespace renderfm::pathtrace {

std::string why_no_cuda_device() { return "this program was built without CUDA"; }

std::unique_ptr<SampleMaker> make_cuda_device(const PathTracer& /*tracer*/, CudaField /*field*/) {
  fail_runtime("cannot trace paths on a GPU: {}", why_no_cuda_device());
}

}  // namespace renderfm::pathtrace
