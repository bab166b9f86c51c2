// Faults in device memory that the bytes beside a buffer show, whoever wrote there; without AddressSanitizer.
#include "unit/cuda_emulator/fault_checks.h"

namespace renderfm::cuda::test {
namespace {

TEST(CudaEmulatorGuardedMemory, ShowsWritesBesideABufferAfterTheLaunch) {
  EXPECT_NO_THROW(store_behind_the_emulators_back(0));
  for (const int offset : {-1, 1}) {
    std::string message;
    try {
      store_behind_the_emulators_back(offset);
    } catch (const emulator::KernelFault& error) {
      message = error.what();
    }
    expect_contains(message, "kernel plain_stores: out of bounds: wrote");
    expect_contains(message, "'other', which has 512");
  }
}

}  // namespace
}  // namespace renderfm::cuda::test
