// Device memory for code that does without Torch's allocator, and whether there is a device. Plain C++, so
// that host code may include it; the tests' emulator has its own functions.
#pragma once

#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace renderfm::cuda {

/// Why no kernel can run here, as "CUDA finds no GPU (no CUDA-capable device is detected)"; "" where one can.
std::string why_no_device();

/// Throws CudaError, naming the size.
void* allocate(std::size_t bytes);
void release(void* pointer) noexcept;
/// Between any two of host and device; returns when it is done. Throws CudaError.
void copy(void* to, const void* from, std::size_t bytes);

/// Owns `count` elements of device memory.
template <class T>
class DeviceArray {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  DeviceArray() = default;
  explicit DeviceArray(std::size_t count)
      : data_(count > 0 ? static_cast<T*>(allocate(count * sizeof(T))) : nullptr), size_(count) {}
  explicit DeviceArray(const std::vector<T>& values) : DeviceArray(values.size()) { upload(values.data()); }
  ~DeviceArray() {
    if (data_ != nullptr) release(data_);
  }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;
  DeviceArray(DeviceArray&& other) noexcept : data_(other.data_), size_(other.size_) {
    other.data_ = nullptr;
    other.size_ = 0;
  }
  DeviceArray& operator=(DeviceArray&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }

  T* data() { return data_; }
  const T* data() const { return data_; }
  std::size_t size() const { return size_; }

  /// size() elements each.
  void upload(const T* values) {
    if (size_ > 0) copy(data_, values, size_ * sizeof(T));
  }
  void download(T* values) const {
    if (size_ > 0) copy(values, data_, size_ * sizeof(T));
  }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace renderfm::cuda
