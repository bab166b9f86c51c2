// Linear light on disk, as 32-bit floats: Portable FloatMap (https://netpbm.sourceforge.net/doc/pfm.html).
#pragma once

#include <torch/types.h>

#include <filesystem>

namespace renderfm {

/// Writes [3, H, W] ("PF") or [1, H, W] ("Pf") float32 unchanged, little endian. Atomic.
void write_pfm(const torch::Tensor& linear, const std::filesystem::path& path);

/// Reads what any program wrote, in either byte order: [3 or 1, H, W] float32. The file's scale says the byte
/// order alone, as most programs have it. Throws kBadInput.
torch::Tensor read_pfm(const std::filesystem::path& path);

}  // namespace renderfm
