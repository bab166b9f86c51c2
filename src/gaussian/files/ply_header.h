// The text part of a binary PLY: parsed whole, and checked against the size of its file before anything is
// allocated.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gaussian/files/input_bytes.h"

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
  std::int64_t first_vertex = 0;        ///< its offset in the file
  std::vector<PlyProperty> properties;  ///< of the element `vertex`
  std::vector<std::string> comments;

  const PlyProperty* find(const std::string& name) const;  ///< nullptr if absent
};

PlyHeader read_ply_header(InputBytes& input);

}  // namespace renderfm
