#include "support/cuda_emulator/device_memory.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <unordered_map>

#include "support/cuda_emulator/access_history.h"
#include "support/cuda_emulator/block.h"
#include "support/cuda_emulator/launch.h"
#include "support/cuda_emulator/sanitizers.h"

namespace renderfm::cuda::emulator {
namespace {

constexpr int kPoison = 0xff, kGuard = 0xc3;
constexpr std::size_t kGuardBytes = 256;  ///< on either side; also the alignment, as cudaMalloc's
constexpr std::size_t kChunkBytes = 64 * 1024;
constexpr std::size_t kArenaBytes = std::size_t{64} << 30;  ///< of addresses, not of memory

std::size_t rounded_up(std::size_t bytes, std::size_t unit) { return (bytes + unit - 1) / unit * unit; }

struct FreeHistory {
  void operator()(AccessHistory* history) const { std::free(history); }
};

struct Buffer {
  char* data;
  std::size_t bytes, unit, guard_bytes;
  std::string name;
  // From calloc: what is never touched costs no memory.
  std::unique_ptr<AccessHistory, FreeHistory> history;

  std::size_t units() const { return (bytes + unit - 1) / unit; }
  std::string element(std::size_t offset) const {
    return "byte " + std::to_string(offset) + " of '" + name + "', which has " + std::to_string(bytes);
  }
};

/// One range of addresses, cut into chunks that belong to one buffer each and are never used again: what a
/// stale or stray pointer meets is empty. Under AddressSanitizer the heap does that.
class Memory {
 public:
  static Memory& get() {
    static Memory memory;
    return memory;
  }

  void* allocate(std::size_t bytes, std::size_t unit, const char* name) {
    auto buffer = std::make_unique<Buffer>();
    buffer->bytes = bytes;
    buffer->unit = unit;
    buffer->name = name;
    if (kAddressSanitizer) {
      buffer->guard_bytes = 0;
      void* data = nullptr;
      if (posix_memalign(&data, kGuardBytes, bytes > 0 ? bytes : 1) != 0) throw std::bad_alloc();
      buffer->data = static_cast<char*>(data);
    } else {
      const std::size_t chunks = rounded_up(bytes + 2 * kGuardBytes, kChunkBytes) / kChunkBytes;
      if (chunks > chunk_buffers_.size() - used_chunks_) throw std::bad_alloc();
      char* start = arena_ + used_chunks_ * kChunkBytes;
      if (mprotect(start, chunks * kChunkBytes, PROT_READ | PROT_WRITE) != 0) throw std::bad_alloc();
      for (std::size_t i = 0; i < chunks; ++i) chunk_buffers_[used_chunks_ + i] = buffer.get();
      used_chunks_ += chunks;
      buffer->data = start + kGuardBytes;
      buffer->guard_bytes = kGuardBytes;
      std::memset(start, kGuard, kGuardBytes);
      std::memset(buffer->data + bytes, kGuard, kGuardBytes);
      if (bytes > 0) {
        void* cells = std::calloc(buffer->units(), sizeof(AccessHistory));
        if (cells == nullptr) throw std::bad_alloc();
        buffer->history.reset(static_cast<AccessHistory*>(cells));
      }
    }
    std::memset(buffer->data, kPoison, bytes);
    void* data = buffer->data;
    buffers_.emplace(data, std::move(buffer));
    return data;
  }

  void release(void* pointer) noexcept {
    const auto found = buffers_.find(pointer);
    if (found == buffers_.end()) std::abort();
    if (kAddressSanitizer) {
      std::free(pointer);
    } else {
      char* start = static_cast<char*>(pointer) - kGuardBytes;
      const std::size_t bytes = rounded_up(found->second->bytes + 2 * kGuardBytes, kChunkBytes);
      const std::size_t first = static_cast<std::size_t>(start - arena_) / kChunkBytes;
      for (std::size_t i = 0; i < bytes / kChunkBytes; ++i) chunk_buffers_[first + i] = nullptr;
      madvise(start, bytes, MADV_DONTNEED);
      mprotect(start, bytes, PROT_NONE);
    }
    buffers_.erase(found);
  }

  bool owns(const void* pointer) const {
    return reinterpret_cast<std::uintptr_t>(pointer) - reinterpret_cast<std::uintptr_t>(arena_) < kArenaBytes;
  }
  Buffer* find(const void* pointer) const {
    return chunk_buffers_[static_cast<std::size_t>(static_cast<const char*>(pointer) - arena_) / kChunkBytes];
  }

  void check_guards(const char* kernel) {
    for (const auto& [data, buffer] : buffers_) {
      for (std::size_t i = 0; i < buffer->guard_bytes; ++i) {
        check_guard(*buffer, buffer->data - 1 - i, kernel);
        check_guard(*buffer, buffer->data + buffer->bytes + i, kernel);
      }
    }
  }

 private:
  Memory() : chunk_buffers_(kAddressSanitizer ? 0 : kArenaBytes / kChunkBytes) {
    if (kAddressSanitizer) return;
    void* mapping = mmap(nullptr, kArenaBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapping == MAP_FAILED) throw std::bad_alloc();
    arena_ = static_cast<char*>(mapping);
  }

  static void check_guard(const Buffer& buffer, char* byte, const char* kernel) {
    if (static_cast<unsigned char>(*byte) == kGuard) return;
    *byte = static_cast<char>(kGuard);  // reported once
    throw KernelFault(std::string("kernel ") + kernel + ": out of bounds: wrote " +
                      std::to_string(byte - buffer.data) + " bytes from the start of '" + buffer.name +
                      "', which has " + std::to_string(buffer.bytes));
  }

  char* arena_ = reinterpret_cast<char*>(UINTPTR_MAX);
  std::size_t used_chunks_ = 0;
  std::vector<Buffer*> chunk_buffers_;
  std::unordered_map<void*, std::unique_ptr<Buffer>> buffers_;
};

/// The buffer that holds these bytes whole, or none where they are not device memory; says why in `problem`.
Buffer* whole_range(const void* pointer, std::size_t bytes, std::string& problem) {
  const Memory& memory = Memory::get();
  if (bytes == 0 || !memory.owns(pointer)) return nullptr;
  Buffer* buffer = memory.find(pointer);
  if (buffer == nullptr) {
    problem = "device memory that belongs to no buffer, or to one released";
    return nullptr;
  }
  const auto offset = static_cast<const char*>(pointer) - buffer->data;
  // A negative offset wraps to more than any buffer has.
  if (bytes <= buffer->bytes && static_cast<std::size_t>(offset) <= buffer->bytes - bytes) return buffer;
  problem = std::to_string(bytes) + " bytes at byte " + std::to_string(offset) + " of '" + buffer->name +
            "', which has " + std::to_string(buffer->bytes);
  return nullptr;
}

template <class Action>
void for_each_unit(Buffer& buffer, const void* pointer, std::size_t bytes, Action action) {
  const auto offset = static_cast<std::size_t>(static_cast<const char*>(pointer) - buffer.data);
  for (std::size_t unit = offset / buffer.unit; unit * buffer.unit < offset + bytes; ++unit) {
    action(buffer.history.get()[unit], unit * buffer.unit);
  }
}

}  // namespace

void* allocate(std::size_t bytes, std::size_t unit, const char* name) {
  return Memory::get().allocate(bytes, unit, name);
}
void release(void* pointer) noexcept { Memory::get().release(pointer); }
void check_guards(const char* kernel) { Memory::get().check_guards(kernel); }

void host_write(const void* pointer, std::size_t bytes) {
  std::string problem;
  Buffer* buffer = whole_range(pointer, bytes, problem);
  if (!problem.empty()) throw CudaError("the host writes " + problem);
  if (buffer == nullptr) return;
  for_each_unit(*buffer, pointer, bytes,
                [](AccessHistory& history, std::size_t) { history.set_written(true); });
}

void host_read(const void* pointer, std::size_t bytes) {
  std::string problem;
  whole_range(pointer, bytes, problem);
  if (!problem.empty()) throw CudaError("the host reads " + problem);
}

void make_unwritten(void* pointer, std::size_t bytes) {
  std::string problem;
  Buffer* buffer = whole_range(pointer, bytes, problem);
  if (!problem.empty()) throw CudaError("the host writes " + problem);
  if (bytes > 0) std::memset(pointer, kPoison, bytes);
  if (buffer == nullptr) return;
  for_each_unit(*buffer, pointer, bytes,
                [](AccessHistory& history, std::size_t) { history.set_written(false); });
}

void watch_device_memory(const void* pointer, std::size_t bytes, Use use) {
  if (!Memory::get().owns(pointer)) return;
  Block* block = Block::running();
  if (block == nullptr) return;
  const char* verb = use == Use::kRead ? "reads " : "writes ";
  std::string problem;
  Buffer* buffer = whole_range(pointer, bytes, problem);
  if (!problem.empty()) block->fail([&] { return "out of bounds: " + (verb + problem); });
  if (buffer == nullptr) return;
  const Accessor now = block->accessor();
  for_each_unit(*buffer, pointer, bytes, [&](AccessHistory& history, std::size_t offset) {
    if (use != Use::kWrite && !history.written()) {
      block->fail([&] {
        return "uninitialised: reads " + buffer->element(offset) + ", and nothing has written it yet";
      });
    }
    const Conflict conflict = history.note(block->launch_serial(), now, use);
    if (conflict.lane >= 0)
      block->fail([&] { return block->describe_race(verb + buffer->element(offset), conflict); });
  });
}

}  // namespace renderfm::cuda::emulator
