// All kernels for one pack. Included by one translation unit per instruction set.
#pragma once

#include "raster/cpu/blend-inl.h"
#include "raster/cpu/blend_backward-inl.h"
#include "raster/cpu/chain_backward-inl.h"
#include "raster/cpu/preprocess-inl.h"

namespace renderfm::raster::cpu {
namespace {

template <class P>
constexpr Kernels<typename P::Scalar> kernels_of(const char* name) {
  return {name,
          &preprocess<P>,
          &blend_tile<P>,
          &blend_tile_counting<P>,
          &blend_tile_backward<P>,
          &chain_backward<P>};
}

}  // namespace
}  // namespace renderfm::raster::cpu
