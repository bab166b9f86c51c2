#include "renderfm/core/parallel.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace renderfm {
namespace {

int usable_cores() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1u, std::thread::hardware_concurrency());
}

thread_local bool t_inside_parallel_for = false;

struct Loop {
  std::int64_t begin, end, grain, chunk_count;
  const std::function<void(std::int64_t, std::int64_t)>* body;
  std::atomic<std::int64_t> next_chunk{0};
  std::atomic<bool> failed{false};
  std::mutex error_mutex;
  std::exception_ptr error;

  void run_chunks() {
    t_inside_parallel_for = true;
    for (;;) {
      const std::int64_t chunk = next_chunk.fetch_add(1, std::memory_order_relaxed);
      if (chunk >= chunk_count || failed) break;
      const std::int64_t first = begin + chunk * grain;
      try {
        (*body)(first, std::min(end, first + grain));
      } catch (...) {
        const std::lock_guard lock(error_mutex);
        if (!error) error = std::current_exception();
        failed = true;
      }
    }
    t_inside_parallel_for = false;
  }
};

// Workers sleep between loops; the calling thread works too.
class Pool {
 public:
  explicit Pool(int threads) {
    for (int i = 1; i < threads; ++i) workers_.emplace_back([this] { work(); });
  }
  ~Pool() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    for (auto& worker : workers_) worker.join();
  }

  void run(Loop& loop) {
    {
      const std::lock_guard lock(mutex_);
      loop_ = &loop;
      ++generation_;
      active_ = static_cast<int>(workers_.size());
    }
    wake_.notify_all();
    loop.run_chunks();
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return active_ == 0; });
    loop_ = nullptr;
  }

 private:
  void work() {
    std::uint64_t seen = 0;
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [&] { return stopping_ || generation_ != seen; });
      if (stopping_) return;
      seen = generation_;
      Loop* loop = loop_;
      lock.unlock();
      loop->run_chunks();
      lock.lock();
      if (--active_ == 0) done_.notify_one();
    }
  }

  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable wake_, done_;
  Loop* loop_ = nullptr;
  std::uint64_t generation_ = 0;
  int active_ = 0;
  bool stopping_ = false;
};

std::mutex g_pool_mutex;  // one loop at a time owns the pool; a second caller waits
std::atomic<int> g_requested{0};
std::unique_ptr<Pool> g_pool;
int g_pool_threads = 0;

}  // namespace

void set_thread_count(int count) { g_requested = std::max(0, count); }

int thread_count() {
  const int requested = g_requested;
  return requested > 0 ? requested : usable_cores();
}

void parallel_for(std::int64_t begin, std::int64_t end, std::int64_t grain,
                  const std::function<void(std::int64_t, std::int64_t)>& body) {
  if (begin >= end) return;
  grain = std::max<std::int64_t>(1, grain);
  Loop loop;
  loop.begin = begin;
  loop.end = end;
  loop.grain = grain;
  loop.chunk_count = (end - begin + grain - 1) / grain;
  loop.body = &body;

  const int threads = thread_count();
  if (t_inside_parallel_for || threads == 1 || loop.chunk_count == 1) {
    for (std::int64_t first = begin; first < end; first += grain) body(first, std::min(end, first + grain));
    return;
  }
  const std::lock_guard lock(g_pool_mutex);
  if (g_pool_threads != threads) {
    g_pool.reset();
    g_pool = std::make_unique<Pool>(threads);
    g_pool_threads = threads;
  }
  g_pool->run(loop);
  if (loop.error) std::rethrow_exception(loop.error);
}

}  // namespace renderfm
