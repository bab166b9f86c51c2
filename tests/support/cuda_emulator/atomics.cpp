#include <algorithm>

#include "support/cuda_emulator/block.h"
#include "support/cuda_emulator/device_functions.h"

namespace renderfm::cuda::emulator {
namespace {

// One thread runs at a time, so plain reads and writes do.
template <class T>
T apply(AtomicOp op, T* pointer, T value) {
  const T old = *pointer;
  switch (op) {
    case AtomicOp::kAdd:
      *pointer = static_cast<T>(static_cast<std::make_unsigned_t<T>>(old) +
                                static_cast<std::make_unsigned_t<T>>(value));
      break;
    case AtomicOp::kMin: *pointer = std::min(old, value); break;
    case AtomicOp::kMax: *pointer = std::max(old, value); break;
    case AtomicOp::kAnd: *pointer = old & value; break;
    case AtomicOp::kOr: *pointer = old | value; break;
    case AtomicOp::kXor: *pointer = old ^ value; break;
    case AtomicOp::kExchange: *pointer = value; break;
  }
  Block::running()->maybe_interrupt();
  return old;
}

template <class T>
T watched(AtomicOp op, T* pointer, T value) {
  watch_device_memory(pointer, sizeof(T), Use::kAtomic);
  return apply(op, pointer, value);
}

}  // namespace

int atomic(AtomicOp op, int* pointer, int value) { return watched(op, pointer, value); }
unsigned atomic(AtomicOp op, unsigned* pointer, unsigned value) { return watched(op, pointer, value); }
unsigned long long atomic(AtomicOp op, unsigned long long* pointer, unsigned long long value) {
  return watched(op, pointer, value);
}
int shared_atomic(AtomicOp op, int* pointer, int value) { return apply(op, pointer, value); }
unsigned shared_atomic(AtomicOp op, unsigned* pointer, unsigned value) { return apply(op, pointer, value); }
unsigned long long shared_atomic(AtomicOp op, unsigned long long* pointer, unsigned long long value) {
  return apply(op, pointer, value);
}

unsigned compare_and_swap(unsigned* pointer, unsigned expected, unsigned value) {
  watch_device_memory(pointer, sizeof(unsigned), Use::kAtomic);
  const unsigned old = *pointer;
  if (old == expected) *pointer = value;
  Block::running()->maybe_interrupt();
  return old;
}

}  // namespace renderfm::cuda::emulator
