// Where tensors live. The programs link the CPU half of LibTorch; the CUDA half is loaded when it is asked
// for.
#pragma once

#include <torch/types.h>

#include <string>

namespace renderfm {

/// "cpu", "cuda" or "auto" (a GPU where one can be used, otherwise the CPU). Throws kBadInput for any other
/// word, and kRuntime with the reason when "cuda" was asked for and there is none.
torch::Device pick_device(const std::string& name);

}  // namespace renderfm
