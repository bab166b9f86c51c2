#include "ply_header.h"

#include <array>
#include <charconv>
#include <limits>
#include <map>
#include <sstream>

#include "renderfm/core/check.h"

namespace renderfm {
namespace {

constexpr std::size_t kMaxHeaderBytes = 1 << 20;

PlyType parse_type(const std::string& name, const std::filesystem::path& path) {
  static const std::map<std::string, PlyType> kTypes{
      {"char", PlyType::kInt8},      {"int8", PlyType::kInt8},       {"uchar", PlyType::kUint8},
      {"uint8", PlyType::kUint8},    {"short", PlyType::kInt16},     {"int16", PlyType::kInt16},
      {"ushort", PlyType::kUint16},  {"uint16", PlyType::kUint16},   {"int", PlyType::kInt32},
      {"int32", PlyType::kInt32},    {"uint", PlyType::kUint32},     {"uint32", PlyType::kUint32},
      {"float", PlyType::kFloat32},  {"float32", PlyType::kFloat32}, {"double", PlyType::kFloat64},
      {"float64", PlyType::kFloat64}};
  const auto found = kTypes.find(name);
  if (found == kTypes.end())
    fail_input("{} is not a readable PLY: unknown property type '{}'", path.string(), name);
  return found->second;
}

std::string read_line(std::ifstream& stream, std::size_t& bytes_left, const std::filesystem::path& path) {
  std::string line;
  for (char c = 0; stream.get(c) && c != '\n';) {
    if (bytes_left-- == 0) {
      fail_input("{} is not a readable PLY: its header does not end within {} bytes", path.string(),
                 kMaxHeaderBytes);
    }
    line.push_back(c);
  }
  if (!stream) fail_input("{} is truncated: the PLY header has no end", path.string());
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return line;
}

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

PlyHeader read_ply_header(std::ifstream& stream, const std::filesystem::path& path) {
  std::array<char, 4> magic{};
  stream.read(magic.data(), 3);
  if (!stream || std::string(magic.data()) != "ply") {
    fail_input("{} is not a PLY file: it does not begin with 'ply'", path.string());
  }
  PlyHeader header;
  std::size_t bytes_left = kMaxHeaderBytes;
  read_line(stream, bytes_left, path);
  bool in_vertex = false, seen_vertex = false;
  for (;;) {
    const std::string line = read_line(stream, bytes_left, path);
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
                   path.string(), format);
      }
    } else if (keyword == "element") {
      std::string name, count_text;
      words >> name >> count_text;
      in_vertex = name == "vertex";
      if (!in_vertex && !seen_vertex) {
        fail_input("{} is a PLY whose first element is '{}'; Gaussians need 'vertex' first", path.string(),
                   name);
      }
      if (in_vertex) {
        const auto [end, error] =
            std::from_chars(count_text.data(), count_text.data() + count_text.size(), header.vertex_count);
        if (error != std::errc() || end != count_text.data() + count_text.size() || header.vertex_count < 0) {
          fail_input("{} is not a readable PLY: '{}' is no vertex count", path.string(), count_text);
        }
        seen_vertex = true;
      }
    } else if (keyword == "property" && in_vertex) {
      std::string type, name;
      words >> type >> name;
      if (type == "list") {
        fail_input("{} is a PLY with list properties on its vertices; it holds a mesh, not Gaussians",
                   path.string());
      }
      const PlyType parsed = parse_type(type, path);
      header.properties.push_back({name, parsed, header.vertex_bytes});
      header.vertex_bytes += ply_type_size(parsed);
    }
  }
  if (!seen_vertex || header.properties.empty()) fail_input("{} is a PLY without vertices", path.string());

  const auto start = static_cast<std::int64_t>(stream.tellg());
  const auto available = static_cast<std::int64_t>(std::filesystem::file_size(path)) - start;
  if (header.vertex_count > available / header.vertex_bytes) {
    fail_input(
        "{} is truncated: its header promises {} Gaussians of {} bytes, the file holds {} of them; "
        "write or copy it again",
        path.string(), header.vertex_count, header.vertex_bytes, available / header.vertex_bytes);
  }
  return header;
}

}  // namespace renderfm
