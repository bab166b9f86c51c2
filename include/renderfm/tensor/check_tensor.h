// Shape, type and device of a tensor, checked once at the public edge with a message that names both sides.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <initializer_list>
#include <string>

#include "renderfm/core/check.h"

namespace renderfm {

inline std::string shape_text(torch::IntArrayRef shape) {
  std::string text = "[";
  for (const std::int64_t size : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + "]";
}

/// -1 in `shape` accepts any size. Throws kRuntime: "mask is [1, 96] float, expected [1, 80] float".
inline void check_tensor(const torch::Tensor& tensor, const char* name,
                         std::initializer_list<std::int64_t> shape,
                         torch::ScalarType type = torch::kFloat32) {
  RFM_CHECK(tensor.defined(), "{} is undefined", name);
  bool fits = tensor.dim() == static_cast<std::int64_t>(shape.size()) && tensor.scalar_type() == type;
  std::int64_t axis = 0;
  for (const std::int64_t size : shape) {
    fits = fits && (size == -1 || tensor.size(axis) == size);
    ++axis;
  }
  RFM_CHECK(fits, "{} is {} {}, expected {} {}", name, shape_text(tensor.sizes()),
            torch::toString(tensor.scalar_type()), shape_text(torch::IntArrayRef(shape)),
            torch::toString(type));
}

}  // namespace renderfm
