// Open Image Denoise's C interface, loaded at run time: the wheel that brings the library has no headers, and
// the programs must start without it. Signatures and numbers as in OpenImageDenoise/oidn.h of 2.0 to 2.5
// (https://github.com/RenderKit/oidn, Apache-2.0), which promises them for all of version 2.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace renderfm::oidn {

struct DeviceImpl;
struct FilterImpl;
using Device = DeviceImpl*;
using Filter = FilterImpl*;

inline constexpr int kDeviceTypeCpu = 1;
inline constexpr int kFormatFloat3 = 3;
inline constexpr int kErrorNone = 0;

/// The functions in use. Enumerations of the interface are ints in its ABI.
struct Functions {
  Device (*new_device)(int type);
  void (*release_device)(Device);
  void (*commit_device)(Device);
  void (*set_device_bool)(Device, const char* name, bool value);
  void (*set_device_int)(Device, const char* name, int value);
  int (*get_device_int)(Device, const char* name);
  int (*get_device_error)(Device, const char** message);
  Filter (*new_filter)(Device, const char* type);
  void (*release_filter)(Filter);
  void (*set_shared_filter_image)(Filter, const char* name, void* pixels, int format, std::size_t width,
                                  std::size_t height, std::size_t byte_offset, std::size_t pixel_byte_stride,
                                  std::size_t row_byte_stride);
  void (*set_filter_bool)(Filter, const char* name, bool value);
  void (*commit_filter)(Filter);
  void (*execute_filter)(Filter);
};

struct Library {
  Functions call{};
  std::string file, version;
};

/// The library, or null with the reason. Loaded once; a new value of RENDERFM_OIDN makes it look again. What
/// was loaded stays loaded.
struct Lookup {
  std::shared_ptr<const Library> library;
  std::string reason;
};
Lookup find_library();

}  // namespace renderfm::oidn
