// Who touched one unit of memory last, to tell whether two threads of a launch touched it with nothing
// between them. Order is what CUDA promises, whatever order the emulator happened to run: a thread with
// itself, a block's barrier, __syncwarp within a warp. Shuffles and votes promise none.
#pragma once

#include <cstdint>

#include "support/cuda_emulator/shared_array.h"

namespace renderfm::cuda::emulator {

/// The thread that touches memory now, and what it can know of its warp's other lanes.
struct Accessor {
  std::uint32_t block;         ///< in the grid
  std::uint32_t epoch;         ///< block barriers passed
  std::uint32_t time;          ///< __syncwarps that its warp has completed
  std::uint32_t warp;          ///< in the block
  std::uint32_t lane;          ///< in the warp
  const std::uint32_t* known;  ///< [32] what lane m did before time known[m] lies behind this thread
};

/// Accesses of lanes of one warp between two block barriers; `lanes` 0 is none.
struct Access {
  std::uint32_t lanes = 0;
  std::uint32_t block = 0;
  std::uint32_t time = 0;  ///< of the earliest
  std::uint32_t epoch : 27 = 0;
  std::uint32_t warp : 5 = 0;

  /// A lane whose access nothing orders before `now`, or -1.
  int unordered_lane(const Accessor& now) const;
  bool same_warp_and_epoch(const Accessor& now) const {
    return lanes != 0 && block == now.block && epoch == now.epoch && warp == now.warp;
  }
};

struct Conflict {
  Access access;
  int lane = -1;  ///< none: no conflict
  bool wrote = false;
};

class AccessHistory {
 public:
  /// Forgets accesses of another `serial` (a launch, or a block's stay in shared memory), notes this one, and
  /// tells which earlier one it collides with.
  Conflict note(std::uint32_t serial, const Accessor& now, Use use);

  bool written() const { return written_; }  ///< since reset_written, by whomever
  std::uint32_t serial() const { return serial_; }
  void set_written(bool written) { written_ = written; }

 private:
  // Two of different warps suffice: whatever warp comes next, one of them is another one.
  static void insert(Access (&accesses)[2], const Accessor& now);
  static Conflict find(const Access (&accesses)[2], const Accessor& now, bool wrote);

  std::uint32_t serial_ = 0;
  bool written_ = false;
  bool atomically_ = false;  ///< all of writers_ are atomics
  Access writers_[2], readers_[2];
};

}  // namespace renderfm::cuda::emulator
