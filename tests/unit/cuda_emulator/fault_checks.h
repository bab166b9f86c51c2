// What a faulty kernel is told, for any order that a seed brings.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/cuda_emulator/launch.h"
#include "unit/cuda_emulator/faulty_kernels.h"
#include "unit/cuda_emulator/kernels.h"

namespace renderfm::cuda::test {

/// The message of the fault, or nothing.
inline std::string message_of(Fault fault, bool with_fault) {
  try {
    run_faulty(fault, with_fault);
  } catch (const emulator::KernelFault& error) {
    return error.what();
  }
  return "";
}

inline void expect_contains(const std::string& message, const std::string& words) {
  EXPECT_NE(message.find(words), std::string::npos) << "'" << words << "' is not in '" << message << "'";
}

/// Expects that for every seed the fault is found and told with `words`, that without it nothing is, and that
/// the emulator then still runs a right kernel right.
inline void expect_caught(Fault fault, const std::vector<std::string>& words, int seeds = 20) {
  for (int seed = 0; seed < seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    emulator::set_seed(static_cast<std::uint64_t>(seed));
    EXPECT_EQ(message_of(fault, false), "");
    const std::string message = message_of(fault, true);
    for (const std::string& word : words) expect_contains(message, word);
    expect_contains(message, "[seed " + std::to_string(seed) + "]");
    EXPECT_EQ(block_sums(std::vector<float>(64, 1.0f), 64), std::vector<float>{64.0f});
    if (testing::Test::HasFailure()) break;
  }
  emulator::set_seed(1);
}

}  // namespace renderfm::cuda::test
