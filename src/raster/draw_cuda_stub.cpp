// In place of the CUDA backend where there is no nvcc.
#include "raster/backend.h"
#include "renderfm/core/check.h"

namespace renderfm::raster {

bool has_cuda() { return false; }

Drawing draw_cuda(const DrawInputs& /*inputs*/, bool /*for_backward*/) {
  fail_runtime("this build has no CUDA kernels: use the cpu backend");
}

}  // namespace renderfm::raster
