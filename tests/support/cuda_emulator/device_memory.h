// Device memory for tests. A buffer starts as 0xff bytes: NaN as a float, -1 as an integer, and known to be
// unwritten. Where kernels are compiled with watched memory (see README.md), each access of theirs is checked
// against bounds, first writes and races; under AddressSanitizer buffers are exact heap blocks; and always
// the bytes beside a buffer must be as they were at the end of each launch.
#pragma once

#include <cstddef>
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

#include "support/cuda_emulator/shared_array.h"

namespace renderfm::cuda::emulator {

/// `unit` bytes are watched as one: what different threads write must not share one.
void* allocate(std::size_t bytes, std::size_t unit, const char* name);
void release(void* pointer) noexcept;
/// For what the host or a library writes and reads: checks bounds, notes that it is written. Throws
/// CudaError.
void host_write(const void* pointer, std::size_t bytes);
void host_read(const void* pointer, std::size_t bytes);
/// Unwritten again, and poisoned.
void make_unwritten(void* pointer, std::size_t bytes);
/// Throws KernelFault, naming `kernel`, if something wrote beside a buffer.
void check_guards(const char* kernel);

template <class T>
class DeviceBuffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  explicit DeviceBuffer(std::size_t count, const char* name = "buffer")
      : data_(static_cast<T*>(allocate(count * sizeof(T), alignof(T) < 4 ? alignof(T) : 4, name))),
        size_(count) {}
  explicit DeviceBuffer(const std::vector<T>& values, const char* name = "buffer")
      : DeviceBuffer(values.size(), name) {
    upload(values);
  }
  ~DeviceBuffer() { release(data_); }
  DeviceBuffer(const DeviceBuffer&) = delete;
  DeviceBuffer& operator=(const DeviceBuffer&) = delete;

  T* data() { return data_; }
  const T* data() const { return data_; }
  std::size_t size() const { return size_; }

  void upload(const std::vector<T>& values) {
    const std::size_t bytes = values.size() * sizeof(T);
    host_write(data_, bytes);
    if (bytes > 0) std::memcpy(static_cast<void*>(data_), values.data(), bytes);
  }
  /// What was never written comes back as 0xff bytes.
  std::vector<T> download() const {
    std::vector<T> values(size_);
    if (size_ > 0) std::memcpy(static_cast<void*>(values.data()), data_, size_ * sizeof(T));
    return values;
  }

 private:
  T* data_;
  std::size_t size_;
};

}  // namespace renderfm::cuda::emulator
