#include "renderfm/core/config_node.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "renderfm/core/check.h"

namespace renderfm {
namespace {

const char kDocument[] =
    "name: bones\n"            // line 1
    "unit_distance_mm: 2.5\n"  // line 2
    "layers:\n"                // line 3
    "  - organs: [ribs, spine]\n"
    "    opacity: 0.25\n"  // line 5
    "  - organs: heart\n"
    "    opacity: much\n"  // line 7
    "steps: 12\n"
    "smooth: true\n";

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

void expect_holds(const std::string& text, const std::vector<std::string>& parts) {
  for (const std::string& part : parts) {
    EXPECT_NE(text.find(part), std::string::npos) << "'" << part << "' is not in: " << text;
  }
  EXPECT_EQ(text.find('\n'), std::string::npos) << "more than one line: " << text;
}

TEST(ConfigNode, ReadsValuesOfEveryKind) {
  const ConfigNode root = ConfigNode::parse(kDocument, "look.yaml");
  EXPECT_EQ(root.at("name").as_string(), "bones");
  EXPECT_DOUBLE_EQ(root.at("unit_distance_mm").as_double(), 2.5);
  EXPECT_EQ(root.at("steps").as_int(), 12);
  EXPECT_TRUE(root.at("smooth").as_bool());
  const std::vector<ConfigNode> layers = root.at("layers").items();
  ASSERT_EQ(layers.size(), 2U);
  EXPECT_EQ(layers[0].at("organs").as_strings(), (std::vector<std::string>{"ribs", "spine"}));
  EXPECT_EQ(layers[1].at("organs").as_strings(), std::vector<std::string>{"heart"});
  EXPECT_EQ(root.keys(), (std::vector<std::string>{"name", "unit_distance_mm", "layers", "steps", "smooth"}));
}

TEST(ConfigNode, ReadsJsonToo) {
  const ConfigNode root = ConfigNode::parse(R"({"points": [-1024, 0.5, 1e3]})", "look.json");
  EXPECT_EQ(root.at("points").as_doubles(), (std::vector<double>{-1024, 0.5, 1000}));
}

TEST(ConfigNode, FallsBackOnlyWhereAKeyIsAbsent) {
  const ConfigNode root = ConfigNode::parse(kDocument, "look.yaml");
  EXPECT_EQ(root.int_or("steps", 3), 12);
  EXPECT_EQ(root.int_or("stops", 3), 3);
  EXPECT_DOUBLE_EQ(root.double_or("scale", 0.5), 0.5);
  EXPECT_FALSE(root.bool_or("rough", false));
  EXPECT_EQ(root.string_or("title", "none"), "none");
  EXPECT_THROW(root.int_or("name", 3), Error) << "a word in place of a number is an error, not absence";
}

TEST(ConfigNode, NamesFileLineAndPathOfAWrongValue) {
  const ConfigNode root = ConfigNode::parse(kDocument, "look.yaml");
  expect_holds(message_of([&] { root.at("layers").items()[1].at("opacity").as_double(); }),
               {"look.yaml line 7", "layers[1].opacity", "number"});
  expect_holds(message_of([&] { root.at("unit_distance_mm").as_int(); }),
               {"look.yaml line 2", "whole number"});
  expect_holds(message_of([&] { root.at("steps").as_bool(); }), {"line 8", "true or false"});
  expect_holds(message_of([&] { root.at("name").items(); }), {"line 1", "list"});
  expect_holds(message_of([&] { root.at("layers").as_string(); }), {"look.yaml line"});
}

TEST(ConfigNode, NamesAMissingKey) {
  const ConfigNode root = ConfigNode::parse(kDocument, "look.yaml");
  expect_holds(message_of([&] { (void)root.at("layers").items()[0].at("color"); }),
               {"look.yaml line 4", "layers[0]", "'color'", "missing"});
}

TEST(ConfigNode, RefusesUnknownKeysAndSuggestsTheNearest) {
  const ConfigNode layer = ConfigNode::parse(kDocument, "look.yaml").at("layers").items()[0];
  layer.check_keys({"organs", "opacity", "color"});
  expect_holds(message_of([&] {
                 layer.check_keys({"organs", "opacityy"});
               }),
               {"look.yaml line 5", "'opacity'", "did you mean 'opacityy'", "organs"});
}

TEST(ConfigNode, RefusesNumbersThatAreNotFinite) {
  const ConfigNode root = ConfigNode::parse("a: .nan\nb: .inf\nc: 1e999\n", "x.yaml");
  for (const char* key : {"a", "b", "c"}) EXPECT_THROW(root.at(key).as_double(), Error) << key;
}

TEST(ConfigNode, RefusesWholeNumbersThatOverflow) {
  const ConfigNode root = ConfigNode::parse("a: 99999999999999999999\nb: 1.5\n", "x.yaml");
  EXPECT_THROW(root.at("a").as_int(), Error);
  EXPECT_THROW(root.at("b").as_int(), Error);
}

TEST(ConfigNode, NamesTheLineOfBrokenYaml) {
  expect_holds(message_of([] { ConfigNode::parse("a: 1\nb: [1, 2\nc: 3\n", "broken.yaml"); }),
               {"broken.yaml line", "not valid YAML"});
}

TEST(ConfigNode, SaysWhenAFileIsMissingOrEmpty) {
  const std::filesystem::path folder = testing::TempDir();
  expect_holds(message_of([&] { ConfigNode::parse_file(folder / "renderfm_no_such.yaml"); }),
               {"renderfm_no_such.yaml", "no such file"});
  const auto empty = folder / "renderfm_empty.yaml";
  std::ofstream(empty).close();
  expect_holds(message_of([&] { ConfigNode::parse_file(empty); }), {"renderfm_empty.yaml", "empty"});
  std::filesystem::remove(empty);
}

TEST(ConfigNode, AFolderIsNotADocument) { EXPECT_THROW(ConfigNode::parse_file(testing::TempDir()), Error); }

TEST(NearestWord, FindsTheCandidateOneSlipAway) {
  const std::vector<std::string> words{"liver", "spleen", "kidney_left", "kidney_right"};
  EXPECT_EQ(nearest_word("livre", words), "liver");
  EXPECT_EQ(nearest_word("splen", words), "spleen");
  EXPECT_EQ(nearest_word("kidney_lefft", words), "kidney_left");
  EXPECT_EQ(nearest_word("spleen", words), "spleen");
}

TEST(NearestWord, StaysSilentWhenNothingIsNear) {
  const std::vector<std::string> words{"liver", "spleen"};
  EXPECT_EQ(nearest_word("bicycle", words), "");
  EXPECT_EQ(nearest_word("x", words), "");
  EXPECT_EQ(nearest_word("liver", {}), "");
}

}  // namespace
}  // namespace renderfm
