// Names and numbers that reading and writing .glb share.
#pragma once

#include <cstdint>
#include <string>

namespace renderfm::glb {

inline const std::string kBase = "KHR_gaussian_splatting", kSix = "EXT_renderfm_6dgs";
inline constexpr std::uint32_t kMagic = 0x46546C67;                              // "glTF"
inline constexpr std::uint32_t kJsonChunk = 0x4E4F534A, kBinChunk = 0x004E4942;  // "JSON", "BIN\0"
inline constexpr int kInt8 = 5120, kUint8 = 5121, kInt16 = 5122, kUint16 = 5123, kUint32 = 5125,
                     kFloat = 5126;

}  // namespace renderfm::glb
