// Where reads are not watched, what nothing has written is a NaN or -1.
#include <cmath>

#include "unit/cuda_emulator/fault_checks.h"

namespace renderfm::cuda::test {
namespace {

TEST(CudaEmulatorPoisonedMemory, ReadsAsNanOrMinusOne) {
  EXPECT_TRUE(std::isnan(unwritten_float()));
  EXPECT_EQ(unwritten_int(), -1);
}

}  // namespace
}  // namespace renderfm::cuda::test
