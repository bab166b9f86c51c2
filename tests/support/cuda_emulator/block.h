// One block of an emulated launch while it runs: its threads as fibres, who waits for whom, who runs next.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "support/cuda_emulator/access_history.h"
#include "support/cuda_emulator/fiber.h"
#include "support/cuda_emulator/launch.h"
#include "support/cuda_emulator/warp_functions.h"

namespace renderfm::cuda::emulator {

class SharedRegion;

/// Watches an access of the running thread where it is to device memory; does not return from a fault.
void watch_device_memory(const void* pointer, std::size_t bytes, Use use);

/// Small, fast and the same everywhere.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint32_t below(std::uint32_t bound);

 private:
  std::uint64_t state_;
};

class Block {
 public:
  Block();
  ~Block();

  /// The block that runs now, or none.
  static Block* running();

  /// Starts a launch: its blocks then go through run one after another.
  void begin_launch(const LaunchSpec& spec, void (*thread)(const void*), const void* argument,
                    std::uint64_t seed);
  /// Runs every thread of one block to its end. Throws KernelFault.
  void run(uint3 index, std::uint32_t linear_index);

  // What follows is for the running thread.
  std::uint64_t warp_collective(WarpOp op, std::uint32_t mask, std::uint64_t operand, int source_lane,
                                Place place);
  int block_collective(BlockOp op, int predicate, Place place);
  /// Lets another thread run, now and then.
  void maybe_interrupt();
  /// Ends the launch. `describe` makes the message, so that none is left on a stack that is never unwound.
  template <class Describe>
  [[noreturn]] void fail(Describe describe) {
    fault_ = name(*current_) + ": " + describe();
    current_->failed = true;
    leave_for_good();
  }

  int lane() const { return static_cast<int>(current_->lane); }
  Accessor accessor() const;
  std::string describe_race(const std::string& what, const Conflict& conflict) const;
  std::uint32_t launch_serial() const { return launch_serial_; }

  // Shared memory.
  SharedRegion& static_shared(const SharedSite& site, std::size_t count, std::size_t element_bytes);
  SharedRegion& dynamic_shared() { return *dynamic_shared_; }
  std::uint32_t block_serial() const { return block_serial_; }

 private:
  enum class State : std::uint8_t { kReady, kAtWarp, kAtBlock, kDone };

  struct Thread {
    std::unique_ptr<Fiber> fiber;
    Block* block;
    uint3 index;
    std::uint32_t linear, warp, lane;
    State state;
    bool inside = false;  ///< the kernel has begun and not ended on this fibre
    bool failed = false;  ///< and was left for good
    WarpOp warp_op;
    std::uint32_t mask;
    BlockOp block_op;
    Place place;
  };

  struct WarpWait {
    WarpOp op;
    std::uint32_t mask, arrived;
  };

  struct Warp {
    std::uint32_t live;  ///< lanes that have not returned
    std::uint32_t time;
    int wait_count;
    WarpWait waits[32];
    std::uint64_t operand[32], result[32];
    std::uint8_t source[32];
    std::uint32_t without_source;  ///< lanes whose source did not take part
    std::uint32_t known[32][32];
  };

  static void thread_main(void* argument);
  void make_current(Thread& thread);
  void end_thread(Thread& thread);
  void wait();
  void switch_to(Thread& next);
  void make_ready(Thread& thread);
  void try_warp(Warp& warp, int wait);
  void finish_warp(Warp& warp, std::uint32_t first_thread, const WarpWait& wait);
  void try_block();
  void abandon_threads();
  [[noreturn]] void leave_for_good();
  std::string describe_stuck() const;
  std::string describe_wait(const Thread& thread) const;
  std::string name(const Thread& thread) const;

  LaunchSpec spec_{};
  void (*thread_function_)(const void*) = nullptr;
  const void* argument_ = nullptr;
  std::uint64_t seed_ = 0;
  Random random_{0};
  std::uint32_t launch_serial_ = 0, block_serial_ = 0;

  uint3 index_{};
  std::uint32_t linear_index_ = 0, thread_count_ = 0, live_threads_ = 0;
  std::uint32_t epoch_ = 0;
  std::uint32_t at_barrier_ = 0, barrier_true_ = 0;
  Thread* first_at_barrier_ = nullptr;
  int barrier_result_ = 0;
  std::uint64_t interruptions_ = 0;  ///< since a thread ended or a wait was over
  std::vector<std::unique_ptr<Thread>> threads_;
  std::vector<Warp> warps_;
  std::vector<Thread*> ready_;
  Thread* current_ = nullptr;
  bool abandoning_ = false;
  std::string fault_;
  std::optional<Fiber> host_;  ///< who called run

  std::deque<std::pair<const SharedSite*, std::unique_ptr<SharedRegion>>> static_shared_;
  std::unique_ptr<SharedRegion> dynamic_shared_;
};

}  // namespace renderfm::cuda::emulator
