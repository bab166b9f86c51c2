#include "support/cuda_emulator/shared_region.h"

#include <string>

#include "support/cuda_emulator/block.h"

namespace renderfm::cuda::emulator {
namespace {

std::string describe(const SharedSite& site, std::int64_t element, std::int64_t count) {
  return "element " + std::to_string(element) + " of the shared array '" + site.name + "' (" + site.file +
         ":" + std::to_string(site.line) + "), which has " + std::to_string(count);
}

Block& running_block() {
  Block* block = Block::running();
  if (block == nullptr) throw CudaError("shared memory is for kernels");
  return *block;
}

}  // namespace

SharedRegion::SharedRegion(std::size_t bytes, std::size_t unit_bytes)
    : bytes_(bytes),
      unit_bytes_(unit_bytes),
      storage_((bytes + 15) / 16),
      history_((bytes + unit_bytes - 1) / unit_bytes) {}

SharedRegion& static_shared(const SharedSite& site, std::size_t count, std::size_t element_bytes,
                            std::size_t alignment) {
  Block& block = running_block();
  if (alignment > 16)
    block.fail(
        [&] { return std::string("the elements of '") + site.name + "' want an alignment beyond 16 bytes"; });
  return block.static_shared(site, count, element_bytes);
}

SharedRegion& dynamic_shared(const SharedSite& site, std::size_t byte_offset, std::size_t alignment) {
  Block& block = running_block();
  if (alignment > 16 || byte_offset % 16 != 0) {
    block.fail([&] {
      return std::string("the dynamic shared array '") + site.name + "' begins at byte " +
             std::to_string(byte_offset) + ", which is no multiple of 16, or wants more than that";
    });
  }
  return block.dynamic_shared();
}

void* use_shared(SharedRegion& region, const SharedSite& site, std::int64_t element, std::size_t byte_offset,
                 std::size_t element_bytes, Use use) {
  Block& block = running_block();
  const char* verb = use == Use::kRead ? "reads " : "writes ";
  const std::size_t room = region.bytes() > byte_offset ? region.bytes() - byte_offset : 0;
  const auto count = static_cast<std::int64_t>(room / element_bytes);
  if (element < 0 || element >= count)
    block.fail([&] { return "out of bounds: " + (verb + describe(site, element, count)); });

  const std::size_t first = byte_offset + static_cast<std::size_t>(element) * element_bytes;
  const std::size_t unit_bytes = region.unit_bytes();
  const Accessor now = block.accessor();
  for (std::size_t unit = first / unit_bytes; unit * unit_bytes < first + element_bytes; ++unit) {
    AccessHistory& history = region.history(unit);
    if (history.serial() != block.block_serial()) history.set_written(false);  // left by another block
    if (use != Use::kWrite && !history.written()) {
      block.fail([&] {
        return "uninitialised: reads " + describe(site, element, count) + ", and nothing has written it yet";
      });
    }
    const Conflict conflict = history.note(block.block_serial(), now, use);
    if (conflict.lane >= 0)
      block.fail([&] { return block.describe_race(verb + describe(site, element, count), conflict); });
  }
  return region.data() + first;
}

}  // namespace renderfm::cuda::emulator
