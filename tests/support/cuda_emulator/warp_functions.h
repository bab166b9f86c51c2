// Barriers, votes, shuffles and warp sums. Each notes where it stands in the source, for messages and to tell
// two barriers apart.
#pragma once

#include <cstdint>
#include <cstring>
#include <source_location>
#include <type_traits>

namespace renderfm::cuda::emulator {

using Place = std::source_location;

enum class WarpOp : std::uint8_t {
  kSync,
  kShuffle,
  kShuffleUp,
  kShuffleDown,
  kShuffleXor,
  kBallot,
  kAny,
  kAll,
  kMatchAny,
  kAddUnsigned,
  kMinUnsigned,
  kMaxUnsigned,
  kMinInt,
  kMaxInt,
  kAnd,
  kOr,
  kXor
};
enum class BlockOp : std::uint8_t { kSync, kOr, kAnd, kCount };

/// Waits for the lanes of `mask` that have not returned; `source_lane` is whose operand a shuffle wants.
std::uint64_t warp_collective(WarpOp op, unsigned mask, std::uint64_t operand, int source_lane, Place place);
/// Waits for all threads of the block that have not returned.
int block_collective(BlockOp op, int predicate, Place place);

int lane_index();
/// Ends the launch with a fault of the running thread.
[[noreturn]] void fail_thread(const char* what);

template <class T>
T shuffle(WarpOp op, unsigned mask, T value, int source_lane, int width, Place place) {
  static_assert(std::is_arithmetic_v<T> && (sizeof(T) == 4 || sizeof(T) == 8),
                "a shuffle moves 4 or 8 bytes");
  if (width < 1 || width > 32 || (width & (width - 1)) != 0)
    fail_thread("shuffles with a width that is no power of two");
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  bits = warp_collective(op, mask, bits, source_lane, place);
  std::memcpy(&value, &bits, sizeof(T));
  return value;
}

inline unsigned vote(WarpOp op, unsigned mask, std::uint64_t operand, Place place) {
  return static_cast<unsigned>(warp_collective(op, mask, operand, 0, place));
}

}  // namespace renderfm::cuda::emulator

#define RFM_PLACE ::renderfm::cuda::emulator::Place place = ::renderfm::cuda::emulator::Place::current()
#define RFM_OP ::renderfm::cuda::emulator::WarpOp
#define RFM_BLOCK_OP ::renderfm::cuda::emulator::BlockOp

inline void __syncthreads(RFM_PLACE) {
  renderfm::cuda::emulator::block_collective(RFM_BLOCK_OP::kSync, 0, place);
}
inline int __syncthreads_or(int predicate, RFM_PLACE) {
  return renderfm::cuda::emulator::block_collective(RFM_BLOCK_OP::kOr, predicate, place);
}
inline int __syncthreads_and(int predicate, RFM_PLACE) {
  return renderfm::cuda::emulator::block_collective(RFM_BLOCK_OP::kAnd, predicate, place);
}
inline int __syncthreads_count(int predicate, RFM_PLACE) {
  return renderfm::cuda::emulator::block_collective(RFM_BLOCK_OP::kCount, predicate, place);
}

inline void __syncwarp(unsigned mask = 0xffffffffu, RFM_PLACE) {
  renderfm::cuda::emulator::warp_collective(RFM_OP::kSync, mask, 0, 0, place);
}
inline unsigned __ballot_sync(unsigned mask, int predicate, RFM_PLACE) {
  return renderfm::cuda::emulator::vote(RFM_OP::kBallot, mask, predicate != 0, place);
}
inline int __any_sync(unsigned mask, int predicate, RFM_PLACE) {
  return static_cast<int>(renderfm::cuda::emulator::vote(RFM_OP::kAny, mask, predicate != 0, place));
}
inline int __all_sync(unsigned mask, int predicate, RFM_PLACE) {
  return static_cast<int>(renderfm::cuda::emulator::vote(RFM_OP::kAll, mask, predicate != 0, place));
}
template <class T>
unsigned __match_any_sync(unsigned mask, T value, RFM_PLACE) {
  static_assert(std::is_arithmetic_v<T> && (sizeof(T) == 4 || sizeof(T) == 8));
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  return renderfm::cuda::emulator::vote(RFM_OP::kMatchAny, mask, bits, place);
}

template <class T>
T __shfl_sync(unsigned mask, T value, int source_lane, int width = 32, RFM_PLACE) {
  const int segment = renderfm::cuda::emulator::lane_index() & ~(width - 1);
  const int from = segment + (source_lane & (width - 1));
  return renderfm::cuda::emulator::shuffle(RFM_OP::kShuffle, mask, value, from, width, place);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32, RFM_PLACE) {
  const int lane = renderfm::cuda::emulator::lane_index(), from = lane - static_cast<int>(delta);
  const bool outside = from < (lane & ~(width - 1));
  return renderfm::cuda::emulator::shuffle(RFM_OP::kShuffleUp, mask, value, outside ? lane : from, width,
                                           place);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32, RFM_PLACE) {
  const int lane = renderfm::cuda::emulator::lane_index(), from = lane + static_cast<int>(delta);
  const bool outside = from > (lane | (width - 1));
  return renderfm::cuda::emulator::shuffle(RFM_OP::kShuffleDown, mask, value, outside ? lane : from, width,
                                           place);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lane_mask, int width = 32, RFM_PLACE) {
  const int lane = renderfm::cuda::emulator::lane_index(), from = lane ^ lane_mask;
  const bool outside = from > (lane | (width - 1));
  return renderfm::cuda::emulator::shuffle(RFM_OP::kShuffleXor, mask, value, outside ? lane : from, width,
                                           place);
}

#define RFM_EMULATED_REDUCE(name, type, op)                                          \
  inline type name(unsigned mask, type value, RFM_PLACE) {                           \
    const auto bits = static_cast<std::uint64_t>(static_cast<unsigned>(value));      \
    return static_cast<type>(renderfm::cuda::emulator::vote(op, mask, bits, place)); \
  }
RFM_EMULATED_REDUCE(__reduce_add_sync, unsigned, RFM_OP::kAddUnsigned)
RFM_EMULATED_REDUCE(__reduce_add_sync, int, RFM_OP::kAddUnsigned)
RFM_EMULATED_REDUCE(__reduce_min_sync, unsigned, RFM_OP::kMinUnsigned)
RFM_EMULATED_REDUCE(__reduce_max_sync, unsigned, RFM_OP::kMaxUnsigned)
RFM_EMULATED_REDUCE(__reduce_min_sync, int, RFM_OP::kMinInt)
RFM_EMULATED_REDUCE(__reduce_max_sync, int, RFM_OP::kMaxInt)
RFM_EMULATED_REDUCE(__reduce_and_sync, unsigned, RFM_OP::kAnd)
RFM_EMULATED_REDUCE(__reduce_or_sync, unsigned, RFM_OP::kOr)
RFM_EMULATED_REDUCE(__reduce_xor_sync, unsigned, RFM_OP::kXor)
#undef RFM_EMULATED_REDUCE
#undef RFM_PLACE
#undef RFM_OP
#undef RFM_BLOCK_OP
