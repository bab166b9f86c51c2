// YAML as a tree that knows its file and lines, so that every complaint can name them. yaml-cpp stays behind
// core/config_node.cpp.
#pragma once

#include <filesystem>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace renderfm {

/// One node of a parsed YAML (or JSON) document. Cheap to copy. Every accessor throws kBadInput naming file,
/// line and key when the node is not what is asked for.
class ConfigNode {
 public:
  /// `name` is what messages call the document.
  static ConfigNode parse(const std::string& text, const std::string& name);
  static ConfigNode parse_file(const std::filesystem::path& path);

  bool is_map() const;
  bool is_list() const;
  bool is_scalar() const;

  /// Throws unless the node is a map whose keys are all among `allowed`; suggests the nearest one.
  void check_keys(std::initializer_list<std::string_view> allowed) const;
  bool has(std::string_view key) const;
  ConfigNode at(std::string_view key) const;  ///< the key must exist
  std::vector<ConfigNode> items() const;      ///< of a list
  std::vector<std::string> keys() const;      ///< of a map, in file order

  double as_double() const;  ///< finite
  std::int64_t as_int() const;
  bool as_bool() const;
  std::string as_string() const;
  std::vector<double> as_doubles() const;       ///< a list of numbers
  std::vector<std::string> as_strings() const;  ///< a list of strings, or one string

  double double_or(std::string_view key, double fallback) const;
  std::int64_t int_or(std::string_view key, std::int64_t fallback) const;
  bool bool_or(std::string_view key, bool fallback) const;
  std::string string_or(std::string_view key, const std::string& fallback) const;

  /// "FILE line 12 (layers[0].opacity)": where this node stands.
  std::string where() const;

 private:
  struct Impl;
  explicit ConfigNode(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

/// The entry of `candidates` nearest to `word` in edit distance, or "" when none is close.
std::string nearest_word(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace renderfm
