// A 64-bit fingerprint of memory, for identities and checksums; not against malice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "renderfm/core/parallel.h"
#include "renderfm/math/rng.h"

#include <vector>

namespace renderfm::pathtrace {

inline std::uint64_t hash_bytes(const void* data, std::size_t size) {
  constexpr std::int64_t kChunk = 1 << 20;
  const auto* bytes = static_cast<const unsigned char*>(data);
  const auto total = static_cast<std::int64_t>(size);
  std::vector<std::uint64_t> parts(static_cast<std::size_t>((total + kChunk - 1) / kChunk));
  parallel_for(0, total, kChunk, [&](std::int64_t begin, std::int64_t end) {
    std::uint64_t h = static_cast<std::uint64_t>(end - begin);
    for (std::int64_t i = begin; i < end; i += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, bytes + i, static_cast<std::size_t>(end - i < 8 ? end - i : 8));
      h = mix64(h ^ word) + 0x9E3779B97F4A7C15ull;
    }
    parts[static_cast<std::size_t>(begin / kChunk)] = h;
  });
  std::uint64_t h = static_cast<std::uint64_t>(size);
  for (const std::uint64_t part : parts) h = hash64(h, part);
  return h;
}

template <class Array>
std::uint64_t hash_array(const Array& values) {
  return hash_bytes(values.data(), values.size() * sizeof(*values.data()));
}

}  // namespace renderfm::pathtrace
