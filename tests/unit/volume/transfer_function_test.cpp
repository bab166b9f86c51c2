// Curves against VTK, our YAML, and the built-in presets.
#include "renderfm/volume/transfer_function.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "renderfm/core/check.h"
#include "renderfm/volume/labels.h"

namespace renderfm {
namespace {

// The reference numbers are VTK 9.7: vtkPiecewiseFunction().AddPoint(x, y, midpoint, sharpness) and
// GetValue(x), vtkColorTransferFunction().AddRGBPoint(x, r, g, b, midpoint, sharpness) and GetColor(x).
TEST(TransferFunctionCurve, ScalarsAgreeWithVtkForMidpointAndSharpness) {
  const std::vector<ScalarPoint> points = {{-1000, 0, 0.5, 0},     {-200, 0.3, 0.2, 0},   {0, 0.1, 0.7, 0.4},
                                           {100, 0.9, 0.5, 0.995}, {300, 0.5, 0.35, 0.8}, {700, 1, 0.5, 0}};
  const std::vector<std::pair<double, double>> vtk = {{-1500, 0.0},
                                                      {-900, 0.0375},
                                                      {-500, 0.1875},
                                                      {-200, 0.3},
                                                      {-150, 0.19375},
                                                      {-60, 0.1375},
                                                      {-20, 0.1125},
                                                      {10, 0.100014280613999},
                                                      {60, 0.25449047120279783},
                                                      {70, 0.5},
                                                      {90, 0.8990082868332758},
                                                      {130, 0.8999999981175583},
                                                      {199, 0.7310987983124712},
                                                      {201, 0.668901201687529},
                                                      {260, 0.5000000444848481},
                                                      {340, 0.500000634440159},
                                                      {400, 0.5031114502399782},
                                                      {440, 0.75},
                                                      {460, 0.9161672535940161},
                                                      {500, 0.9927011512264287},
                                                      {650, 0.9999999820137407},
                                                      {900, 1.0}};
  // A midpoint is kept off its nodes by 1e-5, and the Hermite basis is summed in another order: 1e-10.
  for (const auto& [x, y] : vtk) EXPECT_NEAR(evaluate_curve(points, x), y, 1e-10) << "at " << x;
}

TEST(TransferFunctionCurve, ColorsAgreeWithVtkForMidpointAndSharpness) {
  const std::vector<ColorPoint> points = {{-1000, {0, 0.2F, 0.4F}, 0.5, 0},
                                          {-100, {0.9F, 0.1F, 0.5F}, 0.3, 0.3},
                                          {50, {0.2F, 0.8F, 0.6F}, 0.6, 0.995},
                                          {400, {1, 1, 0.2F}, 0.8, 0.6},
                                          {1000, {0, 0, 1}, 0.5, 0}};
  const std::vector<std::pair<double, Vec3d>> vtk = {
      {-1200, {0.0, 0.2, 0.4}},
      {-800, {0.19999999999999998, 0.17777777777777778, 0.4222222222222222}},
      {-90, {0.8994015942068035, 0.10059840579319639, 0.5000854865418852}},
      {-60, {0.698437034520893, 0.30156296547910705, 0.5287947093541582}},
      {20, {0.2016396316954077, 0.7983603683045923, 0.599765766900656}},
      {240, {0.2, 0.8, 0.6}},
      {270, {1.0, 1.0, 0.2}},
      {800, {0.9123952225961508, 0.9123952225961508, 0.27008382192307945}},
      {950, {0.0004382027374936648, 0.0004382027374936648, 0.999649437810005}},
      {1500, {0.0, 0.0, 1.0}}};
  for (const auto& [x, rgb] : vtk) {
    const Vec3f ours = evaluate_curve(points, x);
    for (int c = 0; c < 3; ++c)
      EXPECT_NEAR(static_cast<double>(ours[c]), rgb[c], 1e-6) << x << " channel " << c;
  }
}

TEST(TransferFunctionCurve, ExtinctionReachesTheOpacityOverTheUnitDistance) {
  TransferFunction tf;
  tf.unit_distance_mm = 2.5;
  for (const double opacity : {0.0, 0.1, 0.5, 0.99}) {
    EXPECT_NEAR(1 - std::exp(-extinction_per_mm(opacity, tf) * 2.5), opacity, 1e-12);
  }
  EXPECT_NEAR(extinction_per_mm(1, tf), -std::log(0.001) / 2.5, 1e-9);
  tf.density_scale = 3;
  EXPECT_NEAR(1 - std::exp(-extinction_per_mm(0.2, tf) * 2.5 / 3), 0.2, 1e-12);
}

class TransferFunctionYaml : public testing::Test {
 protected:
  std::filesystem::path path_ =
      std::filesystem::temp_directory_path() / ("renderfm_tf_" + std::to_string(::getpid()) + ".yaml");
  ~TransferFunctionYaml() override { std::filesystem::remove(path_); }

  TransferFunction read(const std::string& text) {
    std::ofstream(path_) << text;
    return load_transfer_function(path_.string());
  }
  /// The message of the bad-input error that `text` must give.
  std::string complaint(const std::string& text) {
    try {
      read(text);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kBadInput) << error.what();
      return error.what();
    }
    ADD_FAILURE() << "no error for\n" << text;
    return "";
  }
};

void expect_equal(const TransferFunction& a, const TransferFunction& b) {
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.description, b.description);
  EXPECT_EQ(a.unit_distance_mm, b.unit_distance_mm);
  EXPECT_EQ(a.density_scale, b.density_scale);
  EXPECT_EQ(a.phase_g, b.phase_g);
  const auto same_scalar = [](const ScalarPoint& p, const ScalarPoint& q) {
    return p.x == q.x && p.y == q.y && p.midpoint == q.midpoint && p.sharpness == q.sharpness;
  };
  const auto same_color = [](const ColorPoint& p, const ColorPoint& q) {
    return p.x == q.x && p.srgb.x == q.srgb.x && p.srgb.y == q.srgb.y && p.srgb.z == q.srgb.z &&
           p.midpoint == q.midpoint && p.sharpness == q.sharpness;
  };
  ASSERT_EQ(a.layers.size(), b.layers.size());
  for (std::size_t l = 0; l < a.layers.size(); ++l) {
    const TransferLayer &x = a.layers[l], &y = b.layers[l];
    EXPECT_EQ(x.organs, y.organs);
    EXPECT_TRUE(
        std::equal(x.opacity.begin(), x.opacity.end(), y.opacity.begin(), y.opacity.end(), same_scalar));
    EXPECT_TRUE(std::equal(x.color.begin(), x.color.end(), y.color.begin(), y.color.end(), same_color));
    EXPECT_TRUE(std::equal(x.gradient_opacity.begin(), x.gradient_opacity.end(), y.gradient_opacity.begin(),
                           y.gradient_opacity.end(), same_scalar));
  }
}

TEST_F(TransferFunctionYaml, EveryFieldIsReadAndWrittenBackEqual) {
  const TransferFunction tf = read(R"(
name: "odd: name"
description: 'says "this"'
unit_distance_mm: 0.7
density_scale: 1.3
phase_g: -0.25
layers:
  - organs: [ribs, liver, soft_tissue]
    opacity: [[-3024, 0], [100.1, 0.3, 0.25, 0.5], [300, 1]]
    color: [[-3024, 0.1, 0.2, 0.3], [50, "#ff8001"], [60, "#000000", 0.2, 0.9], [90, 1, 1, 1, 0.4, 0.1]]
    gradient_opacity: [[0, 0], [40, 1]]
  - organs: all
    opacity: [[0, 0.123456789012345]]
    color: [[0, 0.333, 0.1, 1e-3]]
)");
  ASSERT_EQ(tf.layers.size(), 2U);
  EXPECT_EQ(tf.name, "odd: name");
  EXPECT_EQ(tf.phase_g, -0.25);
  EXPECT_EQ(tf.layers[0].organs, (std::vector<std::string>{"ribs", "liver", "soft_tissue"}));
  EXPECT_EQ(tf.layers[0].opacity[1].midpoint, 0.25);
  EXPECT_EQ(tf.layers[0].opacity[1].sharpness, 0.5);
  EXPECT_EQ(tf.layers[0].opacity[2].midpoint, 0.5);
  EXPECT_FLOAT_EQ(tf.layers[0].color[1].srgb.y, 128.0F / 255);
  EXPECT_EQ(tf.layers[0].color[2].sharpness, 0.9);
  EXPECT_EQ(tf.layers[0].color[3].midpoint, 0.4);
  EXPECT_EQ(tf.layers[0].gradient_opacity.size(), 2U);
  expect_equal(read(to_yaml(tf)), tf);
}

TEST_F(TransferFunctionYaml, ComplaintsNameFileLineAndKey) {
  const std::string head = "layers:\n  - organs: [ribs]\n";
  const std::string color = "    color: [[0, \"#ffffff\"]]\n";
  const auto expect = [&](const std::string& text, const std::vector<std::string>& parts) {
    const std::string message = complaint(text);
    EXPECT_NE(message.find(path_.string()), std::string::npos) << message;
    for (const std::string& part : parts) EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  expect(head + "    opacity:\n      - [0, 0]\n      - [100, 1]\n      - [50, 1]\n" + color,
         {"line 6", "layers[0].opacity[2]", "not sorted", "50 follows 100"});
  expect(head + "    opacity: [[0, 0], [0, 1]]\n" + color, {"not sorted"});
  expect(head + "    opacity: [[0, 1.5]]\n" + color, {"line 3", "opacity", "1.5"});
  expect(head + "    opacity: [[0, .nan]]\n" + color, {"expected a number"});
  expect(head + "    opacity: [[0, 1, 0.5]]\n" + color, {"expected [position, opacity]"});
  expect(head + "    opacity: [[0, 1, 2, 0]]\n" + color, {"midpoint"});
  expect(head + "    opacity: []\n" + color, {"no points"});
  expect(head + "    opacity: [[0, 1]]\n    color: [[0, 255, 0, 0]]\n", {"line 4", "255"});
  expect(head + "    opacity: [[0, 1]]\n    color: [[0, \"#12345g\"]]\n", {"rrggbb"});
  expect(head + "    opacity: [[0, 1]]\n    colour: [[0, \"#ffffff\"]]\n",
         {"line 4", "colour", "did you mean 'color'"});
  expect(head + color, {"'opacity' is missing"});
  expect("layers:\n  - organs: [livver]\n    opacity: [[0, 1]]\n" + color,
         {"line 2", "layers[0].organs", "livver", "did you mean 'liver'"});
  expect("layers: []\n", {"layers", "no layers"});
  expect("name: x\n", {"'layers' is missing"});
  expect("unit_distance_mm: 0\nlayers: []\n", {"unit_distance_mm", "greater than 0"});
  expect("phase_g: 1.5\nlayers: []\n", {"phase_g"});
  expect("layers: [\n", {"not valid YAML"});
}

TEST(TransferFunctionPresets, AllLoadAndSayWhatTheyAre) {
  const std::vector<PresetInfo> presets = preset_list();
  EXPECT_GE(presets.size(), 8U);
  for (const PresetInfo& preset : presets) {
    const TransferFunction tf = load_transfer_function(preset.name);
    EXPECT_EQ(tf.name, preset.name);
    EXPECT_GT(preset.description.size(), 10U) << preset.name;
    EXPECT_EQ(preset.description.find('\n'), std::string::npos) << preset.name;
    EXPECT_LT(tf.layers.size(), 32U) << preset.name;
    for (const TransferLayer& layer : tf.layers) {
      // Air is invisible but inside hollow organs, and no preset needs an organ that the labels may lack.
      if (!organ_matches("colon", layer.organs[0]) && !organ_matches("stomach", layer.organs[0]) &&
          !organ_matches("duodenum", layer.organs.back()) && !organ_matches("esophagus", layer.organs[0]) &&
          !organ_matches("trachea", layer.organs[0])) {
        EXPECT_EQ(evaluate_curve(layer.opacity, -1000), 0) << preset.name << " " << layer.organs[0];
      }
    }
  }
}

TEST(TransferFunctionPresets, AnUnknownNameListsThePresets) {
  try {
    load_transfer_function("bonee");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
    EXPECT_NE(std::string(error.what()).find("did you mean 'bone'"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("soft-tissue"), std::string::npos) << error.what();
  }
  try {
    load_transfer_function("no/such.yaml");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
  }
}

// A scan of 20^3 voxels whose labels fill slabs of two slices each.
struct Scan {
  CtVolume ct;
  LabelVolume labels;
  explicit Scan(const std::vector<std::pair<std::string, int>>& name_and_hu) {
    ct.geometry.shape_zyx = labels.geometry.shape_zyx = {20, 20, 20};
    ct.voxels.assign(8000, -1000);
    labels.voxels.assign(8000, 0);
    std::uint8_t label = 1;
    for (std::size_t slab = 0; slab < name_and_hu.size(); ++slab) {
      const auto& [name, hu] = name_and_hu[slab];
      const bool tissue = name == "lung" || name == "bone" || name == "vessel" || name == "soft_tissue" ||
                          name == "fat" || name == "skin";
      const auto number = static_cast<std::uint8_t>(tissue ? 200 + slab + 1 : label++);
      labels.names[number] = name;
      std::fill_n(labels.voxels.begin() + static_cast<std::ptrdiff_t>(800 * slab), 800, number);
      std::fill_n(ct.voxels.begin() + static_cast<std::ptrdiff_t>(800 * slab), 800,
                  static_cast<std::int16_t>(hu));
    }
  }
  std::string choice() const { return choose_preset(ct, labels); }
};

TEST(TransferFunctionPresets, TheChoiceFitsWhatTheScanShows) {
  EXPECT_EQ(Scan({{"liver", 60}, {"spleen", 50}, {"kidney_left", 30}, {"vertebrae_L1", 200}}).choice(),
            "organs");
  EXPECT_EQ(
      Scan({{"heart", 40}, {"lung_upper_lobe_left", -800}, {"rib_left_4", 200}, {"aorta", 40}}).choice(),
      "thorax");
  EXPECT_EQ(Scan({{"soft_tissue", 40}, {"fat", -100}, {"bone", 400}, {"lung", -800}}).choice(), "bone");
  EXPECT_EQ(Scan({{"aorta", 350}, {"soft_tissue", 40}, {"bone", 400}, {"lung", -800}}).choice(),
            "bone-and-vessels");
  EXPECT_EQ(Scan({{"aorta", 40}, {"soft_tissue", 40}, {"bone", 400}, {"lung", -800}}).choice(), "bone");
  EXPECT_EQ(Scan({{"aorta", 350}, {"soft_tissue", 40}}).choice(), "heart-and-vessels");
  EXPECT_EQ(Scan({{"lung", -800}, {"soft_tissue", 40}}).choice(), "lungs");
  EXPECT_EQ(Scan({{"soft_tissue", 40}, {"fat", -100}}).choice(), "muscle");
  EXPECT_EQ(Scan({}).choice(), "skin");
}

}  // namespace
}  // namespace renderfm
