// A .glb taken apart: its JSON, its binary chunk, and accessors checked against both.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "gaussian/files/input_bytes.h"
#include "renderfm/math/vec.h"

namespace renderfm::glb {

/// A vertex attribute, every element of which lies within the binary chunk.
struct Accessor {
  std::int64_t count = 0;
  int components = 0, component_type = 0;
  bool normalized = false;
  std::int64_t offset = 0, stride = 0;  ///< bytes within the binary chunk
};

/// A mesh as the scene places it: p' = linear p + translation.
struct Placement {
  std::size_t mesh;
  Mat3d linear;
  Vec3d translation;
};

class Document {
 public:
  /// Throws kBadInput where the container, its JSON or its nesting are not sound.
  explicit Document(InputBytes& input);

  const nlohmann::json& root() const { return root_; }
  const std::string& name() const { return name_; }
  /// The member, or null where it is absent; throws where it has another type.
  const nlohmann::json* object(const nlohmann::json& in, const char* key) const;
  const nlohmann::json* array(const nlohmann::json& in, const char* key) const;
  /// A whole number in [0, 2^53], `otherwise` where absent.
  std::int64_t number(const nlohmann::json& in, const char* key, std::int64_t otherwise) const;
  std::string text(const nlohmann::json& in, const char* key, const std::string& otherwise) const;
  /// root[key][index]; throws where there is none.
  const nlohmann::json& element(const char* key, std::int64_t index) const;

  Accessor accessor(std::int64_t index) const;
  /// Component k of element n as glTF defines it: normalised integers become fractions.
  double value(const Accessor& accessor, std::int64_t n, int k) const;

  /// Every mesh of the scene, each node once.
  std::vector<Placement> placements() const;

  [[noreturn]] void fail(const std::string& what) const;

 private:
  void parse(const std::vector<std::uint8_t>& json_bytes);
  Placement local_transform(const nlohmann::json& node) const;
  std::vector<double> numbers(const nlohmann::json& node, const char* key, std::size_t count) const;

  std::string name_;
  nlohmann::json root_;
  std::vector<std::uint8_t> bin_;
};

}  // namespace renderfm::glb
