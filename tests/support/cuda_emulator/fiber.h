// A call that can be left in the middle and resumed: one emulated thread. Switches are those of
// Boost.Context; the sanitizers are told of each.
#pragma once

#include <boost/context/detail/fcontext.hpp>
#include <cstddef>

namespace renderfm::cuda::emulator {

class Fiber {
 public:
  using Body = void (*)(void* argument);

  /// The calling thread's own stack, to switch from and back to.
  Fiber();
  /// Runs `body`, which never returns, on a stack of its own once it is switched to.
  Fiber(Body body, void* argument);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// Leaves the running fibre `from` for this one; returns when something switches back.
  void switch_from(Fiber& from);
  /// The same for good: what is on `from`'s stack is forgotten, never unwound.
  [[noreturn]] void switch_for_good_from(Fiber& from);
  /// Makes a fibre that was left for good start anew.
  void restart();

 private:
  static void enter(boost::context::detail::transfer_t transfer);
  void jump_from(Fiber& from, bool for_good);

  Body body_ = nullptr;
  void* argument_ = nullptr;
  void* mapping_ = nullptr;  ///< the stack and, below it, a page that may not be touched
  void* stack_ = nullptr;
  std::size_t stack_bytes_ = 0;
  boost::context::detail::fcontext_t context_ = nullptr;
  void* asan_fake_stack_ = nullptr;
  void* tsan_fiber_ = nullptr;
};

}  // namespace renderfm::cuda::emulator
