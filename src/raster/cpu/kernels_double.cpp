// The kernels for double precision, where gradients are checked; flags in CMakeLists.txt, bodies in *-inl.h.
#include "raster/cpu/kernels-inl.h"
#include "renderfm/math/simd/pack_double.h"

namespace renderfm::raster::cpu {

const Kernels<double> kDoubleKernels = kernels_of<simd::PackDouble>("double");

}  // namespace renderfm::raster::cpu
