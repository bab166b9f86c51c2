// How much memory this process may still take.
#pragma once

#include <cstdint>

namespace renderfm {

/// Bytes that can be allocated without swapping: the least of what the machine and the control group have
/// left. The largest number where neither says.
std::int64_t available_memory_bytes();

}  // namespace renderfm
