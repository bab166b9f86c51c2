// Faults in device memory that the emulator catches itself, where no sanitizer does.
#include "support/cuda_emulator/device_memory.h"

#include "unit/cuda_emulator/fault_checks.h"

namespace renderfm::cuda::test {
namespace {

TEST(CudaEmulatorWatchedMemory, CatchesAccessesOutOfBounds) {
  expect_caught(Fault::kGlobalPastEnd,
                {"kernel global_past_end, block (1,0,0), thread (63,0,0): out of bounds: writes 4 "
                 "bytes at byte 512 of 'other', which has 512"});
  expect_caught(Fault::kGlobalBeforeStart,
                {"block (0,0,0), thread (0,0,0): out of bounds: writes 4 bytes at byte -4"});
  expect_caught(Fault::kGlobalReadPastEnd, {"thread (63,0,0): out of bounds: reads 4 bytes at byte 512"});
  expect_caught(Fault::kAtomicPastEnd, {"thread (63,0,0): out of bounds: writes 4 bytes at byte 512"});
}

TEST(CudaEmulatorWatchedMemory, CatchesAReadOfWhatNothingHasWritten) {
  expect_caught(Fault::kGlobalUnwritten,
                {"block (1,0,0), thread (6,0,0): uninitialised: reads byte 280 of 'other', which has 512"});
}

TEST(CudaEmulatorWatchedMemory, CatchesAReadOfAReleasedBuffer) {
  expect_caught(Fault::kGlobalReleased, {"out of bounds: reads device memory that belongs to no buffer"});
}

TEST(CudaEmulatorWatchedMemory, CatchesRacesWithinABlock) {
  expect_caught(Fault::kGlobalTwoWriters, {"race: writes byte ", " of 'other'", "wrote it with no barrier"});
  expect_caught(Fault::kGlobalBarrierForgotten, {"race: ", " of 'other'"});
  expect_caught(Fault::kGlobalPlainWriteBesideAtomics, {"race: writes byte 0 of 'total'"});
}

TEST(CudaEmulatorWatchedMemory, CatchesRacesBetweenBlocks) {
  expect_caught(Fault::kGlobalTwoBlocks, {"race: writes byte ", "of block ("});
}

TEST(CudaEmulatorWatchedMemory, ChecksCopiesAndFills) {
  emulator::DeviceBuffer<int> buffer(8, "eight");
  EXPECT_NO_THROW(emulator::memset_async(buffer.data(), 0, 32, nullptr));
  EXPECT_THROW(emulator::memset_async(buffer.data(), 0, 33, nullptr), CudaError);
  int host[9] = {};
  EXPECT_NO_THROW(emulator::copy_async(host, buffer.data(), 32, nullptr));
  EXPECT_THROW(emulator::copy_async(host, buffer.data() + 1, 32, nullptr), CudaError);
  EXPECT_THROW(emulator::copy_async(buffer.data(), host, 36, nullptr), CudaError);
}

}  // namespace
}  // namespace renderfm::cuda::test
