// Shared memory that is watched: every read and write of an element goes through here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace renderfm::cuda::emulator {

enum class Use : std::uint8_t { kRead, kWrite, kAtomic };

/// Where an array of shared memory is declared; its address is the array's identity in a block.
struct SharedSite {
  const char* name;
  const char* file;
  unsigned line;
};

class SharedRegion;
/// The block's array of that site, made by the first thread that asks for it.
SharedRegion& static_shared(const SharedSite& site, std::size_t count, std::size_t element_bytes,
                            std::size_t alignment);
/// The launch's dynamic shared memory.
SharedRegion& dynamic_shared(const SharedSite& site, std::size_t byte_offset, std::size_t alignment);
/// Bytes from `byte_offset` on, having checked and noted the use. Does not return from a fault.
void* use_shared(SharedRegion& region, const SharedSite& site, std::int64_t element, std::size_t byte_offset,
                 std::size_t element_bytes, Use use);

template <class T>
class SharedPointer;

/// One element: read whole, written whole.
template <class T>
class SharedElement {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  SharedElement(SharedRegion& region, const SharedSite& site, std::size_t byte_offset, std::int64_t index)
      : region_(&region), site_(&site), byte_offset_(byte_offset), index_(index) {}
  SharedElement(const SharedElement&) = default;

  operator T() const {
    T value;
    std::memcpy(&value, use(Use::kRead), sizeof(T));
    return value;
  }
  const SharedElement& operator=(const T& value) const {
    std::memcpy(use(Use::kWrite), &value, sizeof(T));
    return *this;
  }
  const SharedElement& operator=(const SharedElement& other) const { return *this = static_cast<T>(other); }
  const SharedElement& operator+=(const T& value) const { return *this = static_cast<T>(T(*this) + value); }
  const SharedElement& operator-=(const T& value) const { return *this = static_cast<T>(T(*this) - value); }
  const SharedElement& operator*=(const T& value) const { return *this = static_cast<T>(T(*this) * value); }
  const SharedElement& operator|=(const T& value) const { return *this = static_cast<T>(T(*this) | value); }
  const SharedElement& operator&=(const T& value) const { return *this = static_cast<T>(T(*this) & value); }
  const SharedElement& operator^=(const T& value) const { return *this = static_cast<T>(T(*this) ^ value); }
  SharedPointer<T> operator&() const { return SharedPointer<T>(*this); }

 private:
  friend class SharedPointer<T>;
  void* use(Use how) const { return use_shared(*region_, *site_, index_, byte_offset_, sizeof(T), how); }

  SharedRegion* region_;
  const SharedSite* site_;
  std::size_t byte_offset_;
  std::int64_t index_;
};

/// &tile[i], for atomics alone.
template <class T>
class SharedPointer {
 public:
  explicit SharedPointer(const SharedElement<T>& element) : element_(element) {}
  T* atomic() const { return static_cast<T*>(element_.use(Use::kAtomic)); }

 private:
  SharedElement<T> element_;
};

template <class T>
class SharedArray {
 public:
  SharedArray(SharedRegion& region, const SharedSite& site, std::size_t byte_offset)
      : region_(&region), site_(&site), byte_offset_(byte_offset) {}

  SharedElement<T> operator[](std::int64_t index) const {
    return {*region_, *site_, byte_offset_, first_ + index};
  }
  SharedElement<T> operator*() const { return (*this)[0]; }
  SharedArray operator+(std::int64_t elements) const {
    SharedArray moved = *this;
    moved.first_ += elements;
    return moved;
  }

 private:
  SharedRegion* region_;
  const SharedSite* site_;
  std::size_t byte_offset_;
  std::int64_t first_ = 0;
};

}  // namespace renderfm::cuda::emulator

#define RFM_EMULATED_SITE(name)                                                             \
  []() -> const ::renderfm::cuda::emulator::SharedSite& {                                   \
    static constexpr ::renderfm::cuda::emulator::SharedSite site{name, __FILE__, __LINE__}; \
    return site;                                                                            \
  }()

#define RFM_EMULATED_SHARED(type, name, count)                                                   \
  const ::renderfm::cuda::emulator::SharedArray<type> name(                                      \
      ::renderfm::cuda::emulator::static_shared(RFM_EMULATED_SITE(#name), (count), sizeof(type), \
                                                alignof(type)),                                  \
      RFM_EMULATED_SITE(#name), 0)

#define RFM_EMULATED_DYNAMIC_SHARED(type, name, bytes)                                              \
  const ::renderfm::cuda::emulator::SharedArray<type> name(                                         \
      ::renderfm::cuda::emulator::dynamic_shared(RFM_EMULATED_SITE(#name), (bytes), alignof(type)), \
      RFM_EMULATED_SITE(#name), (bytes))
