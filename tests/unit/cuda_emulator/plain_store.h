#pragma once

namespace renderfm::cuda::test {

/// *pointer = 1, compiled apart from kernels and so unknown to the emulator.
void plain_store(int* pointer);

}  // namespace renderfm::cuda::test
