#include "support/cuda_emulator/access_history.h"

#include <algorithm>
#include <bit>
#include <iterator>

namespace renderfm::cuda::emulator {

int Access::unordered_lane(const Accessor& now) const {
  if (lanes == 0) return -1;
  if (block != now.block) return std::countr_zero(lanes);
  if (epoch != now.epoch) return -1;
  if (warp != now.warp) return std::countr_zero(lanes);
  for (std::uint32_t rest = lanes & ~(1u << now.lane); rest != 0; rest &= rest - 1) {
    const int lane = std::countr_zero(rest);
    if (now.known[lane] <= time) return lane;
  }
  return -1;
}

void AccessHistory::insert(Access (&accesses)[2], const Accessor& now) {
  const std::uint32_t lane = 1u << now.lane;
  const Access fresh{lane, now.block, now.time, now.epoch, now.warp};
  for (Access& access : accesses) {
    if (!access.same_warp_and_epoch(now)) continue;
    if (access.unordered_lane(now) < 0) {
      access = fresh;
    } else {
      access.lanes |= lane;
      access.time = std::min(access.time, now.time);
    }
    return;
  }
  for (Access& access : accesses) {
    if (access.unordered_lane(now) < 0) {  // none, or one that is covered by what comes after it
      access = fresh;
      return;
    }
  }
}

Conflict AccessHistory::find(const Access (&accesses)[2], const Accessor& now, bool wrote) {
  for (const Access& access : accesses) {
    const int lane = access.unordered_lane(now);
    if (lane >= 0) return {access, lane, wrote};
  }
  return {};
}

Conflict AccessHistory::note(std::uint32_t serial, const Accessor& now, Use use) {
  if (serial != serial_) {
    serial_ = serial;
    atomically_ = false;
    std::fill(std::begin(writers_), std::end(writers_), Access{});
    std::fill(std::begin(readers_), std::end(readers_), Access{});
  }
  Conflict conflict;
  if (use != Use::kAtomic || !atomically_) conflict = find(writers_, now, true);
  if (use != Use::kRead && conflict.lane < 0) conflict = find(readers_, now, false);
  if (conflict.lane >= 0) return conflict;

  if (use == Use::kRead) {
    insert(readers_, now);
    return conflict;
  }
  // Every earlier access is ordered before this one, but for atomics beside an atomic.
  readers_[0] = readers_[1] = Access{};
  if (use == Use::kWrite || !atomically_) writers_[0] = writers_[1] = Access{};
  insert(writers_, now);
  atomically_ = use == Use::kAtomic;
  written_ = true;
  return conflict;
}

}  // namespace renderfm::cuda::emulator
