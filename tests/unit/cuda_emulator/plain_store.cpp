#include "unit/cuda_emulator/plain_store.h"

namespace renderfm::cuda::test {

void plain_store(int* pointer) { *pointer = 1; }

}  // namespace renderfm::cuda::test
