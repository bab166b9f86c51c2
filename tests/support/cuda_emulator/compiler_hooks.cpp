// Kernels are compiled with -fsanitize=thread and linked without it: of ThreadSanitizer only the compiler's
// part is used, which calls these functions at every read and write of memory. They are the emulator's view
// of device memory. Under a sanitizer of its own a kernel is compiled without them.
#include <cstddef>

#include "support/cuda_emulator/block.h"

using renderfm::cuda::emulator::Use;
using renderfm::cuda::emulator::watch_device_memory;

#define RFM_HOOK(bytes)                                                                       \
  void __tsan_read##bytes(void* p) { watch_device_memory(p, bytes, Use::kRead); }             \
  void __tsan_write##bytes(void* p) { watch_device_memory(p, bytes, Use::kWrite); }           \
  void __tsan_unaligned_read##bytes(void* p) { watch_device_memory(p, bytes, Use::kRead); }   \
  void __tsan_unaligned_write##bytes(void* p) { watch_device_memory(p, bytes, Use::kWrite); } \
  void __tsan_volatile_read##bytes(void* p) { watch_device_memory(p, bytes, Use::kRead); }    \
  void __tsan_volatile_write##bytes(void* p) { watch_device_memory(p, bytes, Use::kWrite); }

extern "C" {
RFM_HOOK(1)
RFM_HOOK(2)
RFM_HOOK(4)
RFM_HOOK(8)
RFM_HOOK(16)
void __tsan_read_range(void* p, std::size_t bytes) { watch_device_memory(p, bytes, Use::kRead); }
void __tsan_write_range(void* p, std::size_t bytes) { watch_device_memory(p, bytes, Use::kWrite); }
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_init() {}
}
