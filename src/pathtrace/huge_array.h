// Large arrays on huge pages: a path touches voxels everywhere, and small pages would cost a table walk each.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <type_traits>

namespace renderfm::pathtrace {

/// An uninitialised array of plain values.
template <class T>
class HugeArray {
  static_assert(std::is_trivially_copyable<T>::value);

 public:
  HugeArray() = default;
  explicit HugeArray(std::size_t size) : size_(size) {
    constexpr std::size_t kPage = std::size_t{1} << 21;
    const std::size_t bytes = (size * sizeof(T) + kPage - 1) / kPage * kPage;
    void* memory = std::aligned_alloc(kPage, bytes > 0 ? bytes : kPage);
    if (memory == nullptr) throw std::bad_alloc();
    madvise(memory, bytes, MADV_HUGEPAGE);  // a wish: without it all is right, only slower
    data_.reset(static_cast<T*>(memory));
  }

  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  std::size_t size() const { return size_; }
  T& operator[](std::size_t i) { return data_.get()[i]; }
  const T& operator[](std::size_t i) const { return data_.get()[i]; }

 private:
  struct Free {
    void operator()(T* memory) const { std::free(memory); }
  };
  std::unique_ptr<T, Free> data_;
  std::size_t size_ = 0;
};

}  // namespace renderfm::pathtrace
