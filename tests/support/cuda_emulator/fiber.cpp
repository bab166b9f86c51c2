#include "support/cuda_emulator/fiber.h"

#include <pthread.h>
#include <sys/mman.h>

#include <cstdlib>
#include <new>

#include "support/cuda_emulator/sanitizers.h"

namespace renderfm::cuda::emulator {
namespace {

// Kernels need little; the sanitizers' frames and the text of a fault are what fills it. Untouched pages cost
// none.
constexpr std::size_t kStackBytes = 256 * 1024;
constexpr std::size_t kGuardBytes = 4096;

}  // namespace

Fiber::Fiber() {
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) std::abort();
  pthread_attr_getstack(&attributes, &stack_, &stack_bytes_);
  pthread_attr_destroy(&attributes);
  tsan_fiber_ = tsan_current_fiber();
}

Fiber::Fiber(Body body, void* argument) : body_(body), argument_(argument), stack_bytes_(kStackBytes) {
  mapping_ = mmap(nullptr, kGuardBytes + kStackBytes, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping_ == MAP_FAILED) throw std::bad_alloc();
  mprotect(mapping_, kGuardBytes, PROT_NONE);
  stack_ = static_cast<char*>(mapping_) + kGuardBytes;
  restart();
}

Fiber::~Fiber() {
  if (mapping_ == nullptr) return;
  tsan_destroy_fiber(tsan_fiber_);
  asan_unpoison(stack_, stack_bytes_);
  munmap(mapping_, kGuardBytes + kStackBytes);
}

void Fiber::restart() {
  if (tsan_fiber_ != nullptr) tsan_destroy_fiber(tsan_fiber_);
  tsan_fiber_ = tsan_create_fiber();
  asan_unpoison(stack_, stack_bytes_);
  asan_fake_stack_ = nullptr;
  context_ =
      boost::context::detail::make_fcontext(static_cast<char*>(stack_) + stack_bytes_, stack_bytes_, &enter);
}

namespace {
struct Switch {
  Fiber* from;
  Fiber* to;
};
}  // namespace

void Fiber::enter(boost::context::detail::transfer_t transfer) {
  const Switch arrived = *static_cast<Switch*>(transfer.data);
  arrived.from->context_ = transfer.fctx;
  asan_finish_switch(nullptr);
  arrived.to->body_(arrived.to->argument_);
  std::abort();  // a body never returns
}

void Fiber::jump_from(Fiber& from, bool for_good) {
  Switch leaving{&from, this};
  asan_start_switch(for_good ? nullptr : &from.asan_fake_stack_, stack_, stack_bytes_);
  tsan_switch_to(tsan_fiber_);
  const boost::context::detail::transfer_t transfer =
      boost::context::detail::jump_fcontext(context_, &leaving);
  const Switch arrived = *static_cast<Switch*>(transfer.data);
  arrived.from->context_ = transfer.fctx;
  asan_finish_switch(from.asan_fake_stack_);
}

void Fiber::switch_from(Fiber& from) { jump_from(from, false); }

void Fiber::switch_for_good_from(Fiber& from) {
  jump_from(from, true);
  std::abort();  // nothing switches back
}

}  // namespace renderfm::cuda::emulator
