// The kernels for avx2; flags in CMakeLists.txt, bodies in *-inl.h.
#include "raster/cpu/blend-inl.h"
#include "raster/cpu/blend_backward-inl.h"
#include "raster/cpu/chain_backward-inl.h"
#include "raster/cpu/preprocess-inl.h"
#include "renderfm/math/simd/pack_avx2.h"

namespace renderfm::raster::cpu {

using Pack = simd::PackAvx2;
const Kernels<float> kAvx2Kernels{
    "avx2",
    &preprocess<Pack>,
    &blend_tile<Pack>,
    &blend_tile_counting<Pack>,
    &blend_tile_backward<Pack>,
    &chain_backward<Pack>,
};

}  // namespace renderfm::raster::cpu
