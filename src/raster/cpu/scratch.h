// Memory that a render needs and the next one needs again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace renderfm::raster::cpu {

/// Uninitialised room for T, grown on demand and never shrunk.
template <class T>
class Scratch {
 public:
  T* reserve(std::int64_t count) {
    if (count > capacity_) {
      data_.reset();
      data_.reset(new T[static_cast<std::size_t>(count)]);
      capacity_ = count;
    }
    return data_.get();
  }
  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  std::int64_t bytes() const { return capacity_ * static_cast<std::int64_t>(sizeof(T)); }

 private:
  std::unique_ptr<T[]> data_;
  std::int64_t capacity_ = 0;
};

}  // namespace renderfm::raster::cpu
