// Faults that are caught in every build: order, shared memory, convergence and the sizes of a launch.
#include <string>
#include <vector>

#include "unit/cuda_emulator/fault_checks.h"

namespace renderfm::cuda::test {
namespace {

TEST(CudaEmulatorFaults, CatchesAForgottenBarrier) {
  expect_caught(Fault::kBarrierForgotten,
                {"kernel barrier_forgotten, block (", "thread (", "race: ", "of the shared array 'tile' (",
                 "faulty_kernels.cu:", "no barrier"});
}

TEST(CudaEmulatorFaults, CatchesAForgottenSyncwarp) {
  expect_caught(Fault::kSyncwarpForgotten, {"kernel syncwarp_forgotten", "race: "});
}

TEST(CudaEmulatorFaults, TakesNoShuffleForASyncwarp) {
  expect_caught(Fault::kShuffleTakenForSyncwarp, {"race: "});
}

TEST(CudaEmulatorFaults, KnowsWhichLanesASyncwarpJoins) {
  expect_caught(Fault::kSyncwarpOfOtherLanes, {"race: "});
}

TEST(CudaEmulatorFaults, CatchesAWriteToWhatOtherLanesStillRead) {
  expect_caught(Fault::kReadBeforeOverwriting, {"race: "});
}

TEST(CudaEmulatorFaults, CatchesTwoWritersOfOneElement) {
  expect_caught(Fault::kTwoWriters, {"race: writes element ", "wrote it"});
}

TEST(CudaEmulatorFaults, CatchesAPlainWriteBesideAtomics) {
  expect_caught(Fault::kPlainWriteBesideAtomics, {"race: writes element 0"});
}

TEST(CudaEmulatorFaults, CatchesAReadOfUnwrittenSharedMemory) {
  expect_caught(Fault::kSharedUnwritten,
                {"thread (40,0,0): uninitialised: reads element 40 of the shared array 'tile'"});
}

TEST(CudaEmulatorFaults, CatchesAReadOfSharedMemoryThatOnlyAnotherBlockWrote) {
  expect_caught(Fault::kSharedLeftByAnotherBlock, {"block (1,0,0)", "uninitialised: "});
}

TEST(CudaEmulatorFaults, CatchesSharedAccessesOutOfBounds) {
  expect_caught(Fault::kSharedPastEnd, {"thread (63,0,0): out of bounds: writes element 64", "which has 64"});
  expect_caught(Fault::kSharedBeforeStart, {"thread (0,0,0): out of bounds: writes element -1"});
  expect_caught(Fault::kDynamicSharedPastEnd,
                {"thread (63,0,0): out of bounds: writes element 64", "which has 64"});
}

TEST(CudaEmulatorFaults, CatchesMisplacedAndTooMuchSharedMemory) {
  expect_caught(Fault::kDynamicSharedMisplaced, {"'tile' begins at byte 8"});
  expect_caught(Fault::kStaticSharedTooLarge, {"'one_more' brings the static shared memory to 49156 bytes"});
}

TEST(CudaEmulatorFaults, CatchesShufflesFromInactiveLanes) {
  expect_caught(Fault::kShuffleFromReturnedLane,
                {"thread (32,0,0)", "__shfl_xor_sync", "lane 1, an inactive lane"});
  expect_caught(Fault::kShuffleFromLaneOutsideMask,
                {"__shfl_sync", "lane 3, an inactive lane", "0x55555555"});
}

TEST(CudaEmulatorFaults, CatchesAMaskThatLacksTheCallersLane) {
  expect_caught(Fault::kMaskWithoutOwnLane, {"__ballot_sync", "0x7fffffff, which lacks its own lane 31"});
}

TEST(CudaEmulatorFaults, CatchesLanesThatWaitForOneAnotherInDifferentCalls) {
  expect_caught(Fault::kMasksThatDiffer, {"deadlock: ", "__any_sync", "0xffffffff"});
  expect_caught(Fault::kVoteAgainstShuffle, {"deadlock: ", "__all_sync", "__shfl_sync"});
  expect_caught(Fault::kBarrierAgainstSyncwarp,
                {"deadlock: ", "__syncwarp", "__syncthreads", "thread (3,0,0)"});
}

TEST(CudaEmulatorFaults, CatchesABarrierReachedAtTwoPlaces) {
  expect_caught(Fault::kBarrierInTwoBranches,
                {"kernel barrier_in_two_branches", "barrier divergence: ", "__syncthreads"});
}

TEST(CudaEmulatorFaults, CatchesAThreadThatSpinsForever) {
  expect_caught(Fault::kSpinOnAtomic, {"block (0,0,0), thread (0,0,0): livelock"}, 1);
}

TEST(CudaEmulatorFaults, TellsWhatAKernelThrows) {
  expect_caught(Fault::kThrow, {"kernel throws", "thread (9,0,0): throws: a check of the mathematics"});
}

std::string refusal(dim3 grid, dim3 block, std::size_t dynamic_shared_bytes) {
  try {
    emulator::run_threads(
        {"sized", grid, block, dynamic_shared_bytes, nullptr}, [](const void*) {}, nullptr);
  } catch (const CudaError& error) {
    return error.what();
  }
  return "";
}

TEST(CudaEmulatorFaults, RefusesLaunchesThatCudaRefuses) {
  EXPECT_EQ(refusal({2, 3}, {32, 32}, 227 * 1024), "");
  const std::string reason = "failed: invalid configuration argument";
  EXPECT_EQ(
      refusal({0, 3}, {32}, 8),
      "launching sized on a grid of 0x3x1 blocks of 32x1x1 threads with 8 bytes of dynamic shared memory " +
          reason);
  expect_contains(refusal({1, 65536}, {32}, 0), reason);
  expect_contains(refusal({1}, {33, 32}, 0), reason);
  expect_contains(refusal({1}, {1, 1, 65}, 0), reason);
  expect_contains(refusal({1}, {32, 0}, 0), reason);
  expect_contains(refusal({1}, {32}, 227 * 1024 + 1), reason);
}

}  // namespace
}  // namespace renderfm::cuda::test
