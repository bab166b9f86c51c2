// The text part of a binary PLY: parsed whole, and checked against the size of its file before anything is
// allocated.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace renderfm {

enum class PlyType { kInt8, kUint8, kInt16, kUint16, kInt32, kUint32, kFloat32, kFloat64 };

int ply_type_size(PlyType type);

struct PlyProperty {
  std::string name;
  PlyType type;
  std::int64_t offset;  ///< bytes from the start of a vertex
};

struct PlyHeader {
  std::int64_t vertex_count = 0;
  std::int64_t vertex_bytes = 0;
  std::vector<PlyProperty> properties;  ///< of the element `vertex`
  std::vector<std::string> comments;

  const PlyProperty* find(const std::string& name) const;  ///< nullptr if absent
};

/// Leaves `stream` at the first vertex. Throws kBadInput naming `path`.
PlyHeader read_ply_header(std::ifstream& stream, const std::filesystem::path& path);

}  // namespace renderfm
