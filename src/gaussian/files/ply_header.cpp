#include "gaussian/files/ply_header.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <sstream>

#include "renderfm/core/check.h"

namespace renderfm {
namespace {

constexpr std::size_t kMaxHeaderBytes = 1 << 20;

constexpr std::size_t kMaxProperties = 4096;

PlyType parse_type(const std::string& type, const std::string& file) {
  static const std::map<std::string, PlyType> kTypes{
      {"char", PlyType::kInt8},      {"int8", PlyType::kInt8},       {"uchar", PlyType::kUint8},
      {"uint8", PlyType::kUint8},    {"short", PlyType::kInt16},     {"int16", PlyType::kInt16},
      {"ushort", PlyType::kUint16},  {"uint16", PlyType::kUint16},   {"int", PlyType::kInt32},
      {"int32", PlyType::kInt32},    {"uint", PlyType::kUint32},     {"uint32", PlyType::kUint32},
      {"float", PlyType::kFloat32},  {"float32", PlyType::kFloat32}, {"double", PlyType::kFloat64},
      {"float64", PlyType::kFloat64}};
  const auto found = kTypes.find(type);
  if (found == kTypes.end()) fail_input("{} is not a readable PLY: unknown property type '{}'", file, type);
  return found->second;
}

/// The lines of the header, one by one.
class Lines {
 public:
  explicit Lines(InputBytes& input) : name_(input.name()) {
    const auto bytes = input.read(0, std::min(input.size(), static_cast<std::int64_t>(kMaxHeaderBytes)));
    text_.assign(bytes.begin(), bytes.end());
    whole_ = static_cast<std::int64_t>(text_.size()) == input.size();
  }
  bool begins_with(const char* word) const { return text_.rfind(word, 0) == 0; }
  std::size_t position() const { return at_; }
  std::string next() {
    const std::size_t end = text_.find('\n', at_);
    if (end == std::string::npos && !whole_) {
      fail_input("{} is not a readable PLY: its header does not end within {} bytes", name_, kMaxHeaderBytes);
    }
    if (end == std::string::npos) fail_input("{} is truncated: the PLY header has no end", name_);
    std::string line = text_.substr(at_, end - at_);
    at_ = end + 1;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    return line;
  }

 private:
  std::string name_, text_;
  bool whole_ = false;
  std::size_t at_ = 0;
};

}  // namespace

int ply_type_size(PlyType type) {
  constexpr std::array<int, 8> kSizes{1, 1, 2, 2, 4, 4, 4, 8};
  return kSizes[static_cast<std::size_t>(type)];
}

const PlyProperty* PlyHeader::find(const std::string& name) const {
  for (const PlyProperty& property : properties) {
    if (property.name == name) return &property;
  }
  return nullptr;
}

PlyHeader read_ply_header(InputBytes& input) {
  const std::string& name = input.name();
  Lines lines(input);
  if (!lines.begins_with("ply")) fail_input("{} is not a PLY file: it does not begin with 'ply'", name);
  PlyHeader header;
  lines.next();
  bool in_vertex = false, seen_vertex = false;
  for (;;) {
    const std::string line = lines.next();
    std::istringstream words(line);
    std::string keyword;
    words >> keyword;
    if (keyword == "end_header") break;
    if (keyword == "comment") {
      header.comments.push_back(line.size() > 8 ? line.substr(8) : "");
    } else if (keyword == "format") {
      std::string format;
      words >> format;
      if (format != "binary_little_endian") {
        fail_input("{} is a PLY in format '{}'; only binary_little_endian holds Gaussians, convert it first",
                   name, format);
      }
    } else if (keyword == "element") {
      std::string element, count_text;
      words >> element >> count_text;
      if (seen_vertex && element == "vertex") {
        fail_input("{} is not a readable PLY: it has two elements 'vertex'", name);
      }
      in_vertex = element == "vertex";
      if (!in_vertex && !seen_vertex) {
        fail_input("{} is a PLY whose first element is '{}'; Gaussians need 'vertex' first", name, element);
      }
      if (in_vertex) {
        const auto [end, error] =
            std::from_chars(count_text.data(), count_text.data() + count_text.size(), header.vertex_count);
        if (error != std::errc() || end != count_text.data() + count_text.size() || header.vertex_count < 0) {
          fail_input("{} is not a readable PLY: '{}' is no vertex count", name, count_text);
        }
        seen_vertex = true;
      }
    } else if (keyword == "property" && in_vertex) {
      std::string type, property;
      words >> type >> property;
      if (type == "list") {
        fail_input("{} is a PLY with list properties on its vertices; it holds a mesh, not Gaussians", name);
      }
      const PlyType parsed = parse_type(type, name);
      header.properties.push_back({property, parsed, header.vertex_bytes});
      header.vertex_bytes += ply_type_size(parsed);
      if (header.properties.size() > kMaxProperties) {
        fail_input("{} is not a readable PLY: its vertices have more than {} properties", name,
                   kMaxProperties);
      }
    }
  }
  if (!seen_vertex || header.properties.empty()) fail_input("{} is a PLY without vertices", name);

  header.first_vertex = static_cast<std::int64_t>(lines.position());
  const std::int64_t available = input.size() - header.first_vertex;
  if (header.vertex_count > available / header.vertex_bytes) {
    fail_input(
        "{} is truncated: its header promises {} Gaussians of {} bytes, the file holds {} of them; "
        "write or copy it again",
        name, header.vertex_count, header.vertex_bytes, available / header.vertex_bytes);
  }
  return header;
}

}  // namespace renderfm
