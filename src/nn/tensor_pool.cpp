#include "renderfm/nn/tensor_pool.h"

#include <c10/core/CPUAllocator.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <map>
#include <mutex>
#include <unordered_map>

#include "renderfm/core/check.h"

namespace renderfm::nn {
namespace {

constexpr std::size_t kLargeBytes = std::size_t{4} << 20;
constexpr std::size_t kAlignment = std::size_t{2} << 20;  // of a huge page

class PooledAllocator final : public c10::Allocator {
 public:
  explicit PooledAllocator(c10::Allocator* fallback) : fallback_(fallback) {}

  c10::DataPtr allocate(std::size_t size) override {
    void* block = nullptr;
    if (size >= kLargeBytes) {
      const std::lock_guard lock(mutex_);
      if (scopes_ > 0) block = take(size);
    }
    if (block == nullptr) block = fallback_->raw_allocate(size);
    return {block, block, &PooledAllocator::release, c10::Device(c10::DeviceType::CPU)};
  }
  // oneDNN's scratch memory comes and goes by the raw interface, which wants one deleter for every block.
  c10::DeleterFnPtr raw_deleter() const override { return &PooledAllocator::release; }
  void copy_data(void* target, const void* source, std::size_t count) const override {
    std::memcpy(target, source, count);
  }

  void enter() {
    const std::lock_guard lock(mutex_);
    ++scopes_;
  }
  void leave() {
    const std::lock_guard lock(mutex_);
    if (--scopes_ > 0) return;
    for (const auto& [size, block] : idle_) std::free(block);
    idle_.clear();
    idle_bytes_ = 0;
    most_in_use_ = bytes_in_use_;
  }

  static PooledAllocator& instance() {
    // Never destroyed: a static tensor may outlive every other object.
    static PooledAllocator* pool = [] {
      auto* made = new PooledAllocator(c10::GetCPUAllocator());
      c10::SetCPUAllocator(made, /*priority=*/1);
      return made;
    }();
    return *pool;
  }

 private:
  // The smallest idle block that is at most a quarter too large, or a new one.
  void* take(std::size_t size) {
    const auto found = idle_.lower_bound(size);
    if (found != idle_.end() && found->first <= size + size / 4) {
      void* block = found->second;
      idle_bytes_ -= found->first;
      use(block, found->first);
      idle_.erase(found);
      return block;
    }
    const std::size_t rounded = (size + kAlignment - 1) / kAlignment * kAlignment;
    make_room(rounded);
    void* block = std::aligned_alloc(kAlignment, rounded);
    if (block == nullptr) {
      fail_runtime(
          "out of memory: the network needs another {} MiB; close other programs or take a smaller model",
          rounded >> 20);
    }
    ::madvise(block, rounded, MADV_HUGEPAGE);  // a hint: refusal changes nothing
    use(block, rounded);
    return block;
  }

  void use(void* block, std::size_t size) {
    sizes_[block] = size;
    ++blocks_in_use_;
    bytes_in_use_ += size;
    most_in_use_ = std::max(most_in_use_, bytes_in_use_);
  }

  // Together the pool holds at most a quarter more than was ever in use at once: tiles and samples of many
  // sizes would otherwise leave blocks of every size behind.
  void make_room(std::size_t coming) {
    const std::size_t most = std::max(most_in_use_, bytes_in_use_ + coming);
    while (!idle_.empty() && bytes_in_use_ + coming + idle_bytes_ > most + most / 4) {
      const auto largest = std::prev(idle_.end());
      idle_bytes_ -= largest->first;
      std::free(largest->second);
      idle_.erase(largest);
    }
  }

  static void release(void* block) {
    PooledAllocator& pool = instance();
    if (!pool.give_back(block)) pool.fallback_->raw_deallocate(block);
  }

  // False for a block of the fallback's.
  bool give_back(void* block) {
    if (blocks_in_use_ == 0) return false;
    const std::lock_guard lock(mutex_);
    const auto found = sizes_.find(block);
    if (found == sizes_.end()) return false;
    bytes_in_use_ -= found->second;
    if (scopes_ > 0) {
      idle_.emplace(found->second, block);
      idle_bytes_ += found->second;
    } else {
      std::free(block);
    }
    sizes_.erase(found);
    --blocks_in_use_;
    return true;
  }

  c10::Allocator* fallback_;
  std::mutex mutex_;
  std::multimap<std::size_t, void*> idle_;
  std::unordered_map<void*, std::size_t> sizes_;  // of the blocks in use
  std::atomic<std::int64_t> blocks_in_use_{0};
  std::size_t bytes_in_use_ = 0, idle_bytes_ = 0, most_in_use_ = 0;
  int scopes_ = 0;
};

}  // namespace

TensorPoolScope::TensorPoolScope() { PooledAllocator::instance().enter(); }
TensorPoolScope::~TensorPoolScope() { PooledAllocator::instance().leave(); }

}  // namespace renderfm::nn
