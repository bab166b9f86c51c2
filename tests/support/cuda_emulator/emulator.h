// CUDA's words for kernels that g++ compiles and a CPU runs under test; cuda/common/launch.cuh includes it.
// README.md beside this file says what the emulator catches and what it does not.
#pragma once

#include "support/cuda_emulator/cuda_types.h"
// The types come first.
#include "support/cuda_emulator/device_functions.h"
#include "support/cuda_emulator/launch.h"
#include "support/cuda_emulator/shared_array.h"
#include "support/cuda_emulator/warp_functions.h"
