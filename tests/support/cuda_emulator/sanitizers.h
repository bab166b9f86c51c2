// What the sanitizers want to know of fibres and memory; nothing without them.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(RENDERFM_EMULATOR_TSAN)
#include <sanitizer/tsan_interface.h>
#endif

namespace renderfm::cuda::emulator {

#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool kAddressSanitizer = true;
inline void asan_start_switch(void** fake_stack, const void* stack, std::size_t bytes) {
  __sanitizer_start_switch_fiber(fake_stack, stack, bytes);
}
inline void asan_finish_switch(void* fake_stack) {
  __sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr);
}
inline void asan_unpoison(void* memory, std::size_t bytes) { __asan_unpoison_memory_region(memory, bytes); }
#else
inline constexpr bool kAddressSanitizer = false;
inline void asan_start_switch(void**, const void*, std::size_t) {}
inline void asan_finish_switch(void*) {}
inline void asan_unpoison(void*, std::size_t) {}
#endif

// A switch also orders memory for TSan: emulated threads never run at once, and races between them are found
// by AccessHistory instead.
#if defined(RENDERFM_EMULATOR_TSAN)
inline constexpr bool kThreadSanitizer = true;
inline void* tsan_current_fiber() { return __tsan_get_current_fiber(); }
inline void* tsan_create_fiber() { return __tsan_create_fiber(0); }
inline void tsan_destroy_fiber(void* fiber) { __tsan_destroy_fiber(fiber); }
inline void tsan_switch_to(void* fiber) { __tsan_switch_to_fiber(fiber, 0); }
#else
inline constexpr bool kThreadSanitizer = false;
inline void* tsan_current_fiber() { return nullptr; }
inline void* tsan_create_fiber() { return nullptr; }
inline void tsan_destroy_fiber(void*) {}
inline void tsan_switch_to(void*) {}
#endif

}  // namespace renderfm::cuda::emulator
