// Faults in device memory that AddressSanitizer catches, since each buffer is a heap block of its size.
#include "unit/cuda_emulator/fault_checks.h"

namespace renderfm::cuda::test {
namespace {

TEST(CudaEmulatorHeapMemoryDeathTest, LeavesBoundsToAddressSanitizer) {
  for (const Fault fault :
       {Fault::kGlobalPastEnd, Fault::kGlobalBeforeStart, Fault::kGlobalReadPastEnd, Fault::kAtomicPastEnd}) {
    EXPECT_EQ(message_of(fault, false), "");
    EXPECT_DEATH(run_faulty(fault, true), "heap-buffer-overflow");
  }
  EXPECT_DEATH(run_faulty(Fault::kGlobalReleased, true), "heap-use-after-free");
}

}  // namespace
}  // namespace renderfm::cuda::test
