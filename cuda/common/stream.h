// CUDA's stream for code that sees no CUDA header.
#pragma once

struct CUstream_st;

namespace renderfm::cuda {

using Stream = CUstream_st*;  ///< the same type as cudaStream_t

}  // namespace renderfm::cuda
