// Kernels that exercise the emulator, as the tests call them. Sizes are in threads unless named otherwise.
#pragma once

#include <cstdint>
#include <vector>

namespace renderfm::cuda::test {

/// Sums of `values` over blocks of `block_threads`, by shuffles, shared memory and barriers.
std::vector<float> block_sums(const std::vector<float>& values, int block_threads);

/// Ranks the set flags within each warp by ballots; -1 where a flag is not set. Threads beyond the flags
/// return at once.
std::vector<int> warp_ranks(const std::vector<int>& flags, int block_threads);

/// Counts of values 0..15, by atomics in shared and then in device memory.
std::vector<unsigned> histogram(const std::vector<int>& values, int block_threads);

/// For a grid of 3x2x2 blocks of 4x3x2 threads: each thread's linear number, written at its own place.
std::vector<unsigned> linear_numbers();

/// Reverses each block's values through dynamic shared memory, half of it as floats and half as integers.
std::vector<float> reversed_in_blocks(const std::vector<float>& values, int block_threads);

/// A warp passes values on by __syncwarp alone: each lane gets the sum of its warp's values, in shared
/// memory.
std::vector<int> exchanged_in_warps(const std::vector<int>& values);

/// What every lane of a warp gets from: __shfl_sync of the next lane within segments of 8, __shfl_up_sync by
/// 2,
/// __shfl_down_sync by 3, __shfl_xor_sync by 5, __any_sync(lane == 7), __all_sync(lane < 31),
/// __match_any_sync(lane / 4), __reduce_add_sync(lane), __reduce_min_sync(lane - 16),
/// __reduce_max_sync(lane); ten numbers a lane.
constexpr int kWarpFunctions = 10;
std::vector<int> warp_functions();

/// __syncthreads_count, _or and _and of (thread < limit) for a block of 96, and the same once half of it
/// returned.
std::vector<int> block_votes(int limit);

/// The order in which 4 blocks of 64 threads first ran: each thread's ticket.
std::vector<unsigned> tickets();

}  // namespace renderfm::cuda::test
