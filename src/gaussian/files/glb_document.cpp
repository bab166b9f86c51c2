#include "gaussian/files/glb_document.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <map>

#include "gaussian/files/glb_names.h"
#include "renderfm/core/check.h"
#include "renderfm/math/rotation.h"

namespace renderfm::glb {
namespace {

using nlohmann::json;

constexpr int kMaxDepth = 64;                          // of JSON; glTF needs about 8
constexpr std::int64_t kMaxJson = 16 << 20;            // bytes; ours take about 4000
constexpr double kGreatestWhole = 9007199254740992.0;  // 2^53: JSON numbers are doubles

int component_bytes(int type) {
  switch (type) {
    case kInt8:
    case kUint8: return 1;
    case kInt16:
    case kUint16: return 2;
    case kUint32:
    case kFloat: return 4;
    default: return 0;
  }
}

template <class T>
double number_at(const std::uint8_t* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return static_cast<double>(value);
}

}  // namespace

void Document::fail(const std::string& what) const {
  fail_input("{} is not a readable .glb: {}", name_, what);
}

Document::Document(InputBytes& input) : name_(input.name()) {
  std::array<std::uint32_t, 5> head{};
  if (input.size() < static_cast<std::int64_t>(sizeof(head))) fail("it is shorter than its header");
  input.read(0, head.data(), sizeof(head));
  if (head[0] != kMagic) fail("it does not begin with 'glTF'");
  if (head[1] != 2) fail(fmt::format("glTF version {}; 2 is read", head[1]));
  const std::int64_t size = head[2];
  if (size > input.size()) {
    fail_input("{} is truncated: its header promises {} bytes, it has {}; copy or write it again", name_,
               size, input.size());
  }
  if (head[4] != kJsonChunk) fail("its first chunk is not JSON");
  const std::int64_t json_bytes = head[3];
  if (json_bytes > kMaxJson || json_bytes > size - 20)
    fail("its JSON chunk is longer than the file or 16 MiB");
  parse(input.read(20, json_bytes));
  std::int64_t at = 20 + json_bytes;
  while (size - at >= 8) {
    std::array<std::uint32_t, 2> chunk{};
    input.read(at, chunk.data(), sizeof(chunk));
    at += 8;
    if (chunk[0] > size - at) fail("a chunk is longer than the file");
    if (chunk[1] == kBinChunk) {
      check_fits_memory(chunk[0], name_);
      bin_ = input.read(at, chunk[0]);
      break;
    }
    at += chunk[0];
  }
}

void Document::parse(const std::vector<std::uint8_t>& bytes) {
  const json::parser_callback_t check_depth = [&](int depth, json::parse_event_t, json&) {
    if (depth > kMaxDepth) fail(fmt::format("its JSON nests deeper than {}", kMaxDepth));
    return true;
  };
  try {
    root_ = json::parse(bytes.begin(), bytes.end(), check_depth);
  } catch (const json::parse_error& error) {
    fail(fmt::format("its JSON has a mistake at byte {}", error.byte));
  } catch (const json::exception&) {
    fail("its JSON holds a number that no double can");
  }
  if (!root_.is_object()) fail("its JSON is not an object");
}

const json* Document::object(const json& in, const char* key) const {
  const auto found = in.find(key);
  if (found == in.end()) return nullptr;
  if (!found->is_object()) fail(fmt::format("'{}' is not an object", key));
  return &*found;
}

const json* Document::array(const json& in, const char* key) const {
  const auto found = in.find(key);
  if (found == in.end()) return nullptr;
  if (!found->is_array()) fail(fmt::format("'{}' is not an array", key));
  return &*found;
}

std::int64_t Document::number(const json& in, const char* key, std::int64_t otherwise) const {
  const auto found = in.find(key);
  if (found == in.end()) return otherwise;
  const double value = found->is_number() ? found->get<double>() : -1;
  if (!(value >= 0) || value > kGreatestWhole || value != std::floor(value)) {
    fail(fmt::format("'{}' is not a whole number", key));
  }
  return static_cast<std::int64_t>(value);
}

std::string Document::text(const json& in, const char* key, const std::string& otherwise) const {
  const auto found = in.find(key);
  if (found == in.end()) return otherwise;
  if (!found->is_string()) fail(fmt::format("'{}' is not a text", key));
  return found->get<std::string>();
}

const json& Document::element(const char* key, std::int64_t index) const {
  const json* const list = array(root_, key);
  if (list == nullptr || index < 0 || index >= static_cast<std::int64_t>(list->size())) {
    fail(fmt::format("it refers to {}[{}], which is not there", key, index));
  }
  const json& found = (*list)[static_cast<std::size_t>(index)];
  if (!found.is_object()) fail(fmt::format("{}[{}] is not an object", key, index));
  return found;
}

Accessor Document::accessor(std::int64_t index) const {
  static const std::map<std::string, int> kComponents{{"SCALAR", 1}, {"VEC2", 2}, {"VEC3", 3}, {"VEC4", 4}};
  const json& from = element("accessors", index);
  if (from.contains("sparse")) fail(fmt::format("accessors[{}] is sparse, which is not read", index));
  Accessor out;
  out.count = number(from, "count", 0);
  out.component_type = static_cast<int>(std::min<std::int64_t>(number(from, "componentType", 0), 65535));
  const auto normalized = from.find("normalized");
  out.normalized = normalized != from.end() && normalized->is_boolean() && normalized->get<bool>();
  const auto components = kComponents.find(text(from, "type", ""));
  const int bytes = component_bytes(out.component_type);
  if (components == kComponents.end() || bytes == 0)
    fail(fmt::format("accessors[{}] has an unknown type", index));
  out.components = components->second;
  const std::int64_t element_bytes = bytes * out.components;

  const std::int64_t view_index = number(from, "bufferView", -1);
  if (view_index < 0)
    fail(fmt::format("accessors[{}] has no buffer view; compressed ones are not read", index));
  const json& view = element("bufferViews", view_index);
  const std::int64_t buffer = number(view, "buffer", -1);
  if (buffer != 0 || element("buffers", 0).contains("uri")) {
    fail("its data lie outside the file; embed them in the .glb");
  }
  const std::int64_t view_offset = number(view, "byteOffset", 0), view_bytes = number(view, "byteLength", 0);
  const auto bin_bytes = static_cast<std::int64_t>(bin_.size());
  if (view_offset > bin_bytes || view_bytes > bin_bytes - view_offset) {
    fail(fmt::format("bufferViews[{}] reaches beyond the {} bytes of its chunk", view_index, bin_bytes));
  }
  const std::int64_t offset = number(from, "byteOffset", 0);
  out.stride = number(view, "byteStride", element_bytes);
  if (out.stride < element_bytes || out.stride > 65536) {
    fail(fmt::format("bufferViews[{}] has a stride of {} bytes", view_index, out.stride));
  }
  // The last element ends where it begins plus its size, so count is bounded by division, without overflow.
  const bool fits = out.count == 0 || (offset <= view_bytes && element_bytes <= view_bytes - offset &&
                                       out.count - 1 <= (view_bytes - offset - element_bytes) / out.stride);
  if (!fits) {
    fail(fmt::format("accessors[{}] promises {} elements, more than its {} bytes hold", index, out.count,
                     view_bytes));
  }
  out.offset = view_offset + offset;
  return out;
}

double Document::value(const Accessor& accessor, std::int64_t n, int k) const {
  const std::uint8_t* const bytes =
      bin_.data() + accessor.offset + n * accessor.stride + k * component_bytes(accessor.component_type);
  const auto whole = [&](double value, double greatest) {
    return accessor.normalized ? std::max(value / greatest, -1.0) : value;
  };
  switch (accessor.component_type) {
    case kInt8: return whole(number_at<std::int8_t>(bytes), 127);
    case kUint8: return whole(number_at<std::uint8_t>(bytes), 255);
    case kInt16: return whole(number_at<std::int16_t>(bytes), 32767);
    case kUint16: return whole(number_at<std::uint16_t>(bytes), 65535);
    case kUint32: return number_at<std::uint32_t>(bytes);
    default: return number_at<float>(bytes);
  }
}

std::vector<double> Document::numbers(const json& node, const char* key, std::size_t count) const {
  const json* const list = array(node, key);
  if (list == nullptr) return {};
  std::vector<double> out;
  for (const json& value : *list) {
    if (!value.is_number()) fail(fmt::format("'{}' of a node holds something that is no number", key));
    out.push_back(value.get<double>());
  }
  if (out.size() != count) fail(fmt::format("'{}' of a node has {} numbers, not {}", key, out.size(), count));
  return out;
}

Placement Document::local_transform(const json& node) const {
  Placement out{0, Mat3d::identity(), {}};
  if (const std::vector<double> m = numbers(node, "matrix", 16); !m.empty()) {  // column by column
    for (std::size_t row = 0; row < 3; ++row) {
      for (std::size_t column = 0; column < 3; ++column) {
        out.linear[static_cast<int>(row)][column] = m[4 * column + row];
      }
      out.translation[static_cast<int>(row)] = m[12 + row];
    }
    return out;
  }
  if (const auto q = numbers(node, "rotation", 4); !q.empty()) {
    out.linear = rotation_from_quaternion({q[3], q[0], q[1], q[2]});
  }
  if (const auto s = numbers(node, "scale", 3); !s.empty()) {
    for (int row = 0; row < 3; ++row) {
      for (std::size_t column = 0; column < 3; ++column) out.linear[row][column] *= s[column];
    }
  }
  if (const auto t = numbers(node, "translation", 3); !t.empty()) out.translation = {t[0], t[1], t[2]};
  return out;
}

std::vector<Placement> Document::placements() const {
  struct Visit {
    std::int64_t node;
    Placement parent;
  };
  std::vector<Visit> open;
  const auto push_all = [&](const json& list, const Placement& parent) {
    for (const json& index : list) {
      if (!index.is_number_unsigned()) fail("a list of nodes holds something that is no index");
      open.push_back(
          {static_cast<std::int64_t>(std::min<std::uint64_t>(index.get<std::uint64_t>(), 1U << 31)), parent});
    }
  };
  const json* const nodes = array(root_, "nodes");
  const Placement identity{0, Mat3d::identity(), {}};
  if (const json* const scenes = array(root_, "scenes"); scenes != nullptr && !scenes->empty()) {
    const json& scene = element("scenes", number(root_, "scene", 0));
    if (const json* const list = array(scene, "nodes"); list != nullptr) push_all(*list, identity);
  }
  std::vector<Placement> out;
  std::vector<bool> seen(nodes != nullptr ? nodes->size() : 0);
  while (!open.empty()) {
    const Visit visit = open.back();
    open.pop_back();
    const json& node = element("nodes", visit.node);
    if (seen[static_cast<std::size_t>(visit.node)])
      fail(fmt::format("its nodes are no tree: {} occurs twice", visit.node));
    seen[static_cast<std::size_t>(visit.node)] = true;
    Placement here = local_transform(node);
    here.translation = visit.parent.linear * here.translation + visit.parent.translation;
    here.linear = visit.parent.linear * here.linear;
    if (node.contains("mesh")) {
      here.mesh = static_cast<std::size_t>(number(node, "mesh", 0));
      out.push_back(here);
    }
    if (const json* const children = array(node, "children"); children != nullptr) push_all(*children, here);
  }
  return out;
}

}  // namespace renderfm::glb
