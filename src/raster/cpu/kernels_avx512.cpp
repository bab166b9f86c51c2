// The kernels for avx512; flags in CMakeLists.txt, bodies in *-inl.h.
#include "raster/cpu/blend-inl.h"
#include "raster/cpu/blend_backward-inl.h"
#include "raster/cpu/chain_backward-inl.h"
#include "raster/cpu/preprocess-inl.h"
#include "renderfm/math/simd/pack_avx512.h"

namespace renderfm::raster::cpu {

using Pack = simd::PackAvx512;
const Kernels<float> kAvx512Kernels{
    "avx512",
    &preprocess<Pack>,
    &blend_tile<Pack>,
    &blend_tile_counting<Pack>,
    &blend_tile_backward<Pack>,
    &chain_backward<Pack>,
};

}  // namespace renderfm::raster::cpu
