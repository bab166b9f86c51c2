// The kernels for the least processor that this build targets; flags in CMakeLists.txt, bodies in *-inl.h.
#include "raster/cpu/blend-inl.h"
#include "raster/cpu/blend_backward-inl.h"
#include "raster/cpu/chain_backward-inl.h"
#include "raster/cpu/preprocess-inl.h"
#include "renderfm/math/simd/pack_baseline.h"

namespace renderfm::raster::cpu {

using Pack = simd::PackBaseline;
const Kernels<float> kBaselineKernels{
    "baseline",
    &preprocess<Pack>,
    &blend_tile<Pack>,
    &blend_tile_counting<Pack>,
    &blend_tile_backward<Pack>,
    &chain_backward<Pack>,
};

}  // namespace renderfm::raster::cpu
