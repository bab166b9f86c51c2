// The bytes behind an array of shared memory, with who touched them.
#pragma once

#include <cstddef>
#include <vector>

#include "support/cuda_emulator/access_history.h"

namespace renderfm::cuda::emulator {

class SharedRegion {
 public:
  /// `unit_bytes` are watched as one.
  SharedRegion(std::size_t bytes, std::size_t unit_bytes);

  std::size_t bytes() const { return bytes_; }
  std::size_t unit_bytes() const { return unit_bytes_; }
  char* data() { return reinterpret_cast<char*>(storage_.data()); }
  AccessHistory& history(std::size_t unit) { return history_[unit]; }

 private:
  struct alignas(16) Storage {
    unsigned char bytes[16];
  };
  std::size_t bytes_, unit_bytes_;
  std::vector<Storage> storage_;
  std::vector<AccessHistory> history_;
};

}  // namespace renderfm::cuda::emulator
