#include "support/cuda_emulator/block.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstring>
#include <exception>
#include <utility>

#include "support/cuda_emulator/shared_region.h"

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

namespace renderfm::cuda::emulator {
namespace {

Block* running_block = nullptr;

constexpr std::size_t kStaticSharedBytes = 48 * 1024;
// A thread that spins on an atomic for so long waits for what will not come.
constexpr std::uint64_t kMostInterruptions = 4'000'000;

const char* op_name(WarpOp op) {
  switch (op) {
    case WarpOp::kSync: return "__syncwarp";
    case WarpOp::kShuffle: return "__shfl_sync";
    case WarpOp::kShuffleUp: return "__shfl_up_sync";
    case WarpOp::kShuffleDown: return "__shfl_down_sync";
    case WarpOp::kShuffleXor: return "__shfl_xor_sync";
    case WarpOp::kBallot: return "__ballot_sync";
    case WarpOp::kAny: return "__any_sync";
    case WarpOp::kAll: return "__all_sync";
    case WarpOp::kMatchAny: return "__match_any_sync";
    default: return "__reduce_*_sync";
  }
}

const char* op_name(BlockOp op) {
  switch (op) {
    case BlockOp::kSync: return "__syncthreads";
    case BlockOp::kOr: return "__syncthreads_or";
    case BlockOp::kAnd: return "__syncthreads_and";
    case BlockOp::kCount: return "__syncthreads_count";
  }
  return "";
}

std::string text(uint3 index) {
  std::string joined = "(";  // operator+ on a literal draws a false warning from GCC 12 (its PR 105329)
  joined += std::to_string(index.x) + ',' + std::to_string(index.y) + ',' + std::to_string(index.z) + ')';
  return joined;
}

std::string text(Place place) { return std::string(place.file_name()) + ":" + std::to_string(place.line()); }

std::string hex(std::uint32_t value) {
  char digits[11];
  std::snprintf(digits, sizeof(digits), "0x%08x", value);
  return digits;
}

bool same_place(Place a, Place b) {
  return a.line() == b.line() && a.column() == b.column() &&
         (a.file_name() == b.file_name() || std::strcmp(a.file_name(), b.file_name()) == 0);
}

std::uint32_t reduced(WarpOp op, std::uint32_t a, std::uint32_t b) {
  const auto signed_a = static_cast<std::int32_t>(a), signed_b = static_cast<std::int32_t>(b);
  switch (op) {
    case WarpOp::kAddUnsigned: return a + b;
    case WarpOp::kMinUnsigned: return std::min(a, b);
    case WarpOp::kMaxUnsigned: return std::max(a, b);
    case WarpOp::kMinInt: return static_cast<std::uint32_t>(std::min(signed_a, signed_b));
    case WarpOp::kMaxInt: return static_cast<std::uint32_t>(std::max(signed_a, signed_b));
    case WarpOp::kAnd: return a & b;
    case WarpOp::kOr: return a | b;
    default: return a ^ b;
  }
}

}  // namespace

std::uint32_t Random::below(std::uint32_t bound) {
  std::uint64_t z = state_ += 0x9e3779b97f4a7c15u;  // SplitMix64
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  z ^= z >> 31;
  return static_cast<std::uint32_t>(((z >> 32) * bound) >> 32);
}

Block::Block() = default;
Block::~Block() = default;
Block* Block::running() { return running_block; }

void Block::begin_launch(const LaunchSpec& spec, void (*thread)(const void*), const void* argument,
                         std::uint64_t seed) {
  spec_ = spec;
  thread_function_ = thread;
  argument_ = argument;
  seed_ = seed;
  ++launch_serial_;
  host_.emplace();
  random_ = Random(seed ^ 0x632be59bd9b4e019u);  // the order of blocks has its own
  thread_count_ = spec.block.x * spec.block.y * spec.block.z;
  while (threads_.size() < thread_count_) {
    auto made = std::make_unique<Thread>();
    made->block = this;
    made->inside = false;
    made->fiber = std::make_unique<Fiber>(&Block::thread_main, made.get());
    threads_.push_back(std::move(made));
  }
  warps_.resize((thread_count_ + 31) / 32);
  static_shared_.clear();
  dynamic_shared_ = std::make_unique<SharedRegion>(spec.dynamic_shared_bytes, 4);
  gridDim = spec.grid;
  blockDim = spec.block;
}

void Block::run(uint3 index, std::uint32_t linear_index) {
  index_ = index;
  linear_index_ = linear_index;
  ++block_serial_;
  epoch_ = 0;
  at_barrier_ = barrier_true_ = 0;
  interruptions_ = 0;
  live_threads_ = thread_count_;
  fault_.clear();
  for (Warp& warp : warps_) {
    warp.live = 0;
    warp.time = 0;
    warp.wait_count = 0;
    std::memset(warp.known, 0, sizeof(warp.known));
  }
  ready_.clear();
  for (std::uint32_t i = 0; i < thread_count_; ++i) {
    Thread& thread = *threads_[i];
    const std::uint32_t row = i / spec_.block.x;
    thread.index = {i % spec_.block.x, row % spec_.block.y, row / spec_.block.y};
    thread.linear = i;
    thread.warp = i / 32;
    thread.lane = i % 32;
    thread.inside = false;
    warps_[thread.warp].live |= 1u << thread.lane;
    make_ready(thread);
  }
  blockIdx = index;
  running_block = this;
  const std::uint32_t first = random_.below(static_cast<std::uint32_t>(ready_.size()));
  std::swap(ready_[first], ready_.back());
  Thread* next = ready_.back();
  ready_.pop_back();
  next->fiber->switch_from(*host_);
  // Back when all threads have ended, or none can go on, or one failed.
  if (fault_.empty() && live_threads_ > 0) fault_ = describe_stuck();
  if (!fault_.empty()) abandon_threads();
  running_block = nullptr;
  current_ = nullptr;
  if (!fault_.empty()) throw KernelFault(fault_ + " [seed " + std::to_string(seed_) + "]");
}

void Block::thread_main(void* argument) {
  Thread& thread = *static_cast<Thread*>(argument);
  Block& block = *thread.block;
  while (true) {
    block.make_current(thread);
    thread.inside = true;
    std::string thrown;
    try {
      block.thread_function_(block.argument_);
    } catch (const std::exception& error) {
      thrown = std::string("throws: ") + error.what();
    }
    if (!thrown.empty()) block.fail([&] { return std::string(std::move(thrown)); });
    thread.inside = false;
    block.end_thread(thread);
    block.wait();  // returns as a thread of another block
  }
}

void Block::make_current(Thread& thread) {
  current_ = &thread;
  threadIdx = thread.index;
}

void Block::make_ready(Thread& thread) {
  thread.state = State::kReady;
  ready_.push_back(&thread);
}

void Block::end_thread(Thread& thread) {
  thread.state = State::kDone;
  --live_threads_;
  interruptions_ = 0;
  Warp& warp = warps_[thread.warp];
  warp.live &= ~(1u << thread.lane);
  for (int wait = warp.wait_count - 1; wait >= 0; --wait) try_warp(warp, wait);
  if (at_barrier_ > 0) try_block();
}

void Block::wait() {
  Thread& self = *current_;
  if (ready_.empty()) {
    host_->switch_from(*self.fiber);
  } else {
    const std::uint32_t pick = random_.below(static_cast<std::uint32_t>(ready_.size()));
    std::swap(ready_[pick], ready_.back());
    Thread* next = ready_.back();
    ready_.pop_back();
    if (next != &self) next->fiber->switch_from(*self.fiber);
  }
  if (abandoning_) leave_for_good();
  make_current(self);
}

void Block::maybe_interrupt() {
  if (random_.below(4) != 0) return;
  if (++interruptions_ > kMostInterruptions)
    fail([&] { return std::string("livelock: atomics are tried again and again, and no thread gets on"); });
  make_ready(*current_);
  wait();
}

void Block::leave_for_good() { host_->switch_for_good_from(*current_->fiber); }

// Threads left in the middle of the kernel are switched to once more, to leave their stacks for good.
void Block::abandon_threads() {
  abandoning_ = true;
  for (std::uint32_t i = 0; i < thread_count_; ++i) {
    Thread& thread = *threads_[i];
    if (!thread.inside) continue;
    if (!thread.failed) {
      current_ = &thread;
      thread.fiber->switch_from(*host_);
    }
    thread.fiber->restart();
    thread.inside = thread.failed = false;
  }
  abandoning_ = false;
}

std::uint64_t Block::warp_collective(WarpOp op, std::uint32_t mask, std::uint64_t operand, int source_lane,
                                     Place place) {
  Thread& self = *current_;
  Warp& warp = warps_[self.warp];
  const std::uint32_t bit = 1u << self.lane;
  self.place = place;
  if ((mask & bit) == 0) {
    fail([&] {
      return std::string("calls ") + op_name(op) + " at " + text(place) + " with mask " + hex(mask) +
             ", which lacks its own lane " + std::to_string(self.lane);
    });
  }
  warp.operand[self.lane] = operand;
  warp.source[self.lane] = static_cast<std::uint8_t>(source_lane);
  self.warp_op = op;
  self.mask = mask;
  self.state = State::kAtWarp;
  int wait_index = 0;
  while (wait_index < warp.wait_count &&
         (warp.waits[wait_index].op != op || warp.waits[wait_index].mask != mask)) {
    ++wait_index;
  }
  if (wait_index == warp.wait_count) warp.waits[warp.wait_count++] = {op, mask, 0};
  warp.waits[wait_index].arrived |= bit;
  try_warp(warp, wait_index);
  wait();
  if ((warp.without_source & bit) != 0) {
    fail([&] {
      return std::string("calls ") + op_name(op) + " at " + text(place) + " for the value of lane " +
             std::to_string(source_lane) + ", an inactive lane: it has returned or is not in the mask " +
             hex(mask);
    });
  }
  return warp.result[self.lane];
}

void Block::try_warp(Warp& warp, int wait_index) {
  const WarpWait wait = warp.waits[wait_index];
  if (wait.arrived != (wait.mask & warp.live)) return;
  if (wait.arrived == 0) return;
  warp.waits[wait_index] = warp.waits[--warp.wait_count];
  finish_warp(warp, static_cast<std::uint32_t>(&warp - warps_.data()) * 32, wait);
}

void Block::finish_warp(Warp& warp, std::uint32_t first_thread, const WarpWait& wait) {
  interruptions_ = 0;
  const std::uint32_t arrived = wait.arrived;
  warp.without_source &= ~arrived;
  const auto for_each_lane = [arrived](auto action) {
    for (std::uint32_t rest = arrived; rest != 0; rest &= rest - 1) action(std::countr_zero(rest));
  };
  switch (wait.op) {
    case WarpOp::kSync: {
      ++warp.time;
      std::uint32_t joined[32] = {};
      for_each_lane([&](int lane) {
        for (int other = 0; other < 32; ++other)
          joined[other] = std::max(joined[other], warp.known[lane][other]);
      });
      for_each_lane([&](int lane) { joined[lane] = warp.time; });
      for_each_lane([&](int lane) { std::memcpy(warp.known[lane], joined, sizeof(joined)); });
      break;
    }
    case WarpOp::kShuffle:
    case WarpOp::kShuffleUp:
    case WarpOp::kShuffleDown:
    case WarpOp::kShuffleXor:
      for_each_lane([&](int lane) {
        const int source = warp.source[lane];
        if ((arrived >> source & 1u) == 0) warp.without_source |= 1u << lane;
        warp.result[lane] = warp.operand[source];
      });
      break;
    case WarpOp::kBallot:
    case WarpOp::kAny:
    case WarpOp::kAll: {
      std::uint32_t votes = 0;
      for_each_lane([&](int lane) { votes |= static_cast<std::uint32_t>(warp.operand[lane] != 0) << lane; });
      const std::uint32_t result =
          wait.op == WarpOp::kBallot ? votes : (wait.op == WarpOp::kAny ? votes != 0 : votes == arrived);
      for_each_lane([&](int lane) { warp.result[lane] = result; });
      break;
    }
    case WarpOp::kMatchAny:
      for_each_lane([&](int lane) {
        std::uint32_t matching = 0;
        for_each_lane([&](int other) {
          matching |= static_cast<std::uint32_t>(warp.operand[other] == warp.operand[lane]) << other;
        });
        warp.result[lane] = matching;
      });
      break;
    default: {
      const int first = std::countr_zero(arrived);
      auto sum = static_cast<std::uint32_t>(warp.operand[first]);
      for_each_lane([&](int lane) {
        if (lane != first) sum = reduced(wait.op, sum, static_cast<std::uint32_t>(warp.operand[lane]));
      });
      for_each_lane([&](int lane) { warp.result[lane] = sum; });
    }
  }
  for_each_lane([&](int lane) { make_ready(*threads_[first_thread + static_cast<std::uint32_t>(lane)]); });
}

int Block::block_collective(BlockOp op, int predicate, Place place) {
  Thread& self = *current_;
  const bool together =
      at_barrier_ == 0 || (first_at_barrier_->block_op == op && same_place(first_at_barrier_->place, place));
  if (!together) {
    fail([&] {
      return std::string("barrier divergence: reaches ") + op_name(op) + " at " + text(place) + " while " +
             describe_wait(*first_at_barrier_);
    });
  }
  if (at_barrier_ == 0) first_at_barrier_ = &self;
  self.place = place;
  self.block_op = op;
  self.state = State::kAtBlock;
  ++at_barrier_;
  barrier_true_ += predicate != 0;
  try_block();
  wait();
  return barrier_result_;
}

void Block::try_block() {
  if (at_barrier_ != live_threads_) return;
  interruptions_ = 0;
  for (std::uint32_t i = 0; i < thread_count_; ++i) {
    if (threads_[i]->state == State::kAtBlock) make_ready(*threads_[i]);
  }
  switch (first_at_barrier_->block_op) {
    case BlockOp::kSync: barrier_result_ = 0; break;
    case BlockOp::kOr: barrier_result_ = barrier_true_ > 0; break;
    case BlockOp::kAnd: barrier_result_ = barrier_true_ == at_barrier_; break;
    case BlockOp::kCount: barrier_result_ = static_cast<int>(barrier_true_); break;
  }
  ++epoch_;
  at_barrier_ = barrier_true_ = 0;
}

Accessor Block::accessor() const {
  const Warp& warp = warps_[current_->warp];
  return {linear_index_, epoch_, warp.time, current_->warp, current_->lane, warp.known[current_->lane]};
}

std::string Block::name(const Thread& thread) const {
  return std::string("kernel ") + spec_.kernel + ", block " + text(index_) + ", thread " + text(thread.index);
}

std::string Block::describe_wait(const Thread& thread) const {
  std::string who = "thread " + text(thread.index);
  switch (thread.state) {
    case State::kAtWarp:
      return who + " waits in " + op_name(thread.warp_op) + " at " + text(thread.place) + " with mask " +
             hex(thread.mask);
    case State::kAtBlock: return who + " waits in " + op_name(thread.block_op) + " at " + text(thread.place);
    default: return who + " does not wait";
  }
}

// Someone waits in a warp: a barrier that all had reached would be over.
std::string Block::describe_stuck() const {
  for (std::uint32_t i = 0; i < thread_count_; ++i) {
    const Thread& thread = *threads_[i];
    if (thread.state != State::kAtWarp) continue;
    const Warp& warp = warps_[thread.warp];
    for (std::uint32_t rest = thread.mask & warp.live; rest != 0; rest &= rest - 1) {
      const Thread& other = *threads_[thread.warp * 32 + static_cast<std::uint32_t>(std::countr_zero(rest))];
      const bool together =
          other.state == State::kAtWarp && other.warp_op == thread.warp_op && other.mask == thread.mask;
      if (together) continue;
      return name(thread) + ": deadlock: " + describe_wait(thread) + " for lane " +
             std::to_string(other.lane) + ", but " + describe_wait(other);
    }
  }
  return std::string("kernel ") + spec_.kernel + ", block " + text(index_) + ": deadlock";
}

std::string Block::describe_race(const std::string& what, const Conflict& conflict) const {
  const std::uint32_t linear = conflict.access.warp * 32 + static_cast<std::uint32_t>(conflict.lane);
  std::string who = "thread " + text(threads_[linear]->index);
  if (conflict.access.block != linear_index_) {
    const std::uint32_t row = conflict.access.block / spec_.grid.x;
    who +=
        " of block " + text({conflict.access.block % spec_.grid.x, row % spec_.grid.y, row / spec_.grid.y});
  }
  return "race: " + what + ", and " + who + (conflict.wrote ? " wrote" : " read") +
         " it with no barrier in between";
}

SharedRegion& Block::static_shared(const SharedSite& site, std::size_t count, std::size_t element_bytes) {
  std::size_t used = 0;
  for (const auto& [key, region] : static_shared_) {
    if (key == &site) return *region;
    used += region->bytes();
  }
  if (used + count * element_bytes > kStaticSharedBytes) {
    fail([&] {
      return std::string("'") + site.name + "' brings the static shared memory to " +
             std::to_string(used + count * element_bytes) + " bytes, and a kernel may have 49152";
    });
  }
  static_shared_.emplace_back(&site, std::make_unique<SharedRegion>(count * element_bytes, element_bytes));
  return *static_shared_.back().second;
}

int lane_index() { return running_block->lane(); }
void fail_thread(const char* what) {
  running_block->fail([&] { return what; });
}
std::uint64_t warp_collective(WarpOp op, unsigned mask, std::uint64_t operand, int source_lane, Place place) {
  return running_block->warp_collective(op, mask, operand, source_lane, place);
}
int block_collective(BlockOp op, int predicate, Place place) {
  return running_block->block_collective(op, predicate, place);
}

}  // namespace renderfm::cuda::emulator
