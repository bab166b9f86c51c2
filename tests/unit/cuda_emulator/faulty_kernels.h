// Kernels with one fault each, and the same without it.
#pragma once

#include <cstdint>

namespace renderfm::cuda::test {

enum class Fault : std::uint8_t {
  // Order
  kBarrierForgotten,         ///< a warp reads from shared memory what another wrote
  kSyncwarpForgotten,        ///< lanes exchange through shared memory
  kShuffleTakenForSyncwarp,  ///< the same, with a shuffle in between, which orders no memory
  kSyncwarpOfOtherLanes,     ///< the same, with the lanes synchronised in two halves
  kReadBeforeOverwriting,    ///< one lane overwrites what the others still read
  kTwoWriters,               ///< of one element of shared memory
  kPlainWriteBesideAtomics,  ///< to one element of shared memory
  // Shared memory
  kSharedUnwritten,
  kSharedLeftByAnotherBlock,
  kSharedPastEnd,
  kSharedBeforeStart,
  kDynamicSharedPastEnd,
  kDynamicSharedMisplaced,
  kStaticSharedTooLarge,
  // Convergence
  kShuffleFromReturnedLane,
  kShuffleFromLaneOutsideMask,
  kMaskWithoutOwnLane,
  kMasksThatDiffer,
  kVoteAgainstShuffle,
  kBarrierInTwoBranches,
  kBarrierAgainstSyncwarp,
  kSpinOnAtomic,
  kThrow,
  // Device memory
  kGlobalPastEnd,
  kGlobalBeforeStart,
  kGlobalReadPastEnd,
  kAtomicPastEnd,
  kGlobalUnwritten,
  kGlobalReleased,
  kGlobalTwoWriters,
  kGlobalTwoBlocks,
  kGlobalBarrierForgotten,
  kGlobalPlainWriteBesideAtomics,
};

/// Runs the kernel of that fault with it, or without.
void run_faulty(Fault fault, bool with_fault);

/// Two blocks of 64 threads, each 8 bytes further than `offset` elements into 128: out of bounds where that
/// is not 0. The stores are the test's own, which the compiler has not watched.
void store_behind_the_emulators_back(int offset);

/// Element 0 of a buffer of floats, and of integers, that nothing has written, as a kernel sees them.
float unwritten_float();
int unwritten_int();

}  // namespace renderfm::cuda::test
