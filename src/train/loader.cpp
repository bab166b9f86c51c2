#include "renderfm/train/loader.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace renderfm::train {

Loader::Loader(std::function<TrainingSample(std::int64_t)> make, std::int64_t workers, std::int64_t prefetch)
    : make_(std::move(make)), prefetch_(std::max<std::int64_t>(1, prefetch)) {
  for (std::int64_t i = 0; i < std::max<std::int64_t>(1, workers); ++i)
    threads_.emplace_back([this] { work(); });
}

Loader::~Loader() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Loader::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return stopping_ || started_ < taken_ + prefetch_; });
    if (stopping_) return;
    const std::int64_t number = started_++;
    lock.unlock();
    Slot slot;
    try {
      slot.sample = make_(number);
    } catch (...) {
      slot.error = std::current_exception();
    }
    lock.lock();
    ready_.emplace(number, std::move(slot));
    changed_.notify_all();
  }
}

TrainingSample Loader::next() {
  std::unique_lock lock(mutex_);
  const auto start = std::chrono::steady_clock::now();
  changed_.wait(lock, [&] { return ready_.count(taken_) > 0; });
  waited_s_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  Slot slot = std::move(ready_.at(taken_));
  ready_.erase(taken_++);
  lock.unlock();
  changed_.notify_all();
  if (slot.error) std::rethrow_exception(slot.error);
  return std::move(slot.sample);
}

}  // namespace renderfm::train
