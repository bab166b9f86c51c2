// cuda/common/device_memory.h without a device: its arrays are watched as DeviceBuffers are. And texture3d.h,
// of which there is none.
#include <cstring>

#include "common/cuda_error.h"
#include "common/device_memory.h"
#include "common/texture3d.h"
#include "support/cuda_emulator/device_memory.h"

namespace renderfm::cuda {

std::string why_no_device() { return ""; }

void* allocate(std::size_t bytes) { return emulator::allocate(bytes, 4, "device array"); }

void release(void* pointer) noexcept { emulator::release(pointer); }

void copy(void* to, const void* from, std::size_t bytes) {
  emulator::host_read(from, bytes);
  emulator::host_write(to, bytes);
  std::memcpy(to, from, bytes);
}

Texture3d::Texture3d(TexelKind, const void*, std::size_t, std::size_t, std::size_t) {
  throw CudaError("the emulator has no textures");
}
Texture3d::~Texture3d() = default;

}  // namespace renderfm::cuda
