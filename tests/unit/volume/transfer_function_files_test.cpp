// Transfer functions of other programs. The samples are written by hand after the formats' descriptions.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "renderfm/core/check.h"
#include "renderfm/volume/transfer_function.h"

namespace renderfm {
namespace {

class TransferFunctionFiles : public testing::Test {
 protected:
  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("renderfm_tf_files_" + std::to_string(::getpid()));
  TransferFunctionFiles() { std::filesystem::create_directories(folder_); }
  ~TransferFunctionFiles() override { std::filesystem::remove_all(folder_); }

  TransferFunction read(const std::string& name, const std::string& text,
                        std::optional<std::pair<double, double>> range_hu = {}) {
    std::ofstream(folder_ / name) << text;
    return load_transfer_function((folder_ / name).string(), range_hu);
  }
  void expect_complaint(const std::string& name, const std::string& text,
                        const std::vector<std::string>& parts) {
    try {
      read(name, text);
      ADD_FAILURE() << "no error for\n" << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
      for (const std::string& part : parts) {
        EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
      }
    }
  }
};

constexpr const char* kVpHead = "1\n1\n0.9\n0.1\n0.2\n10\n";

TEST_F(TransferFunctionFiles, SlicerVpGivesItsCurvesInHu) {
  const TransferFunction tf = read("Sample.vp", std::string(kVpHead) +
                                                    "6 -3024 0 150 0.25 400 0.75\n4 0 1 255 1\n"
                                                    "8 -3024 0.1 0.2 0.3 400 1 0.5 0\n");
  EXPECT_EQ(tf.name, "Sample");
  ASSERT_EQ(tf.layers.size(), 1U);
  const TransferLayer& layer = tf.layers[0];
  EXPECT_EQ(layer.organs, std::vector<std::string>{"all"});
  ASSERT_EQ(layer.opacity.size(), 3U);
  EXPECT_EQ(layer.opacity[0].x, -3024);
  EXPECT_DOUBLE_EQ(evaluate_curve(layer.opacity, 275), 0.5);
  // The padding point is far away, but it does bend the first segment.
  EXPECT_DOUBLE_EQ(evaluate_curve(layer.opacity, -1024), 0.25 * 2000 / 3174);
  EXPECT_TRUE(layer.gradient_opacity.empty());
  ASSERT_EQ(layer.color.size(), 2U);
  EXPECT_FLOAT_EQ(layer.color[1].srgb.y, 0.5F);
  EXPECT_EQ(tf.unit_distance_mm, 1);
}

TEST_F(TransferFunctionFiles, SlicerVpKeepsGradientOpacityAndSortsAsVtkDoes) {
  // Of two points at one x, VTK keeps the one added last.
  const TransferFunction tf =
      read("s.vp", std::string(kVpHead) + "8 10 0 0 0.5 10 0.7 20 1\n4 0 0 90 1\n8 100 1 1 1 0 0 0 0\r\n\n");
  ASSERT_EQ(tf.layers[0].opacity.size(), 3U);
  EXPECT_DOUBLE_EQ(evaluate_curve(tf.layers[0].opacity, 5), 0.6);
  EXPECT_DOUBLE_EQ(evaluate_curve(tf.layers[0].opacity, 15), 0.85);
  ASSERT_EQ(tf.layers[0].gradient_opacity.size(), 2U);
  EXPECT_EQ(tf.layers[0].color[0].x, 0);
}

TEST_F(TransferFunctionFiles, BrokenSlicerVpIsNamedByLine) {
  const std::string head = kVpHead;
  const std::string color = "4 0 1 1 1\n", one = "4 0 1 255 1\n";
  expect_complaint("s.vp", head + "6 0 0 1\n" + one + color, {"s.vp line 7", "6"});
  expect_complaint("s.vp", head + "3 0 0 1\n" + one + color, {"line 7"});
  expect_complaint("s.vp", head + "2 0 x\n" + one + color, {"line 7"});
  expect_complaint("s.vp", head + "2 0 2\n" + one + color, {"line 7", "opacity"});
  expect_complaint("s.vp", head + "2 0 1\n" + one, {"9 lines", "8"});
  expect_complaint("s.vp", "a" + head + "2 0 1\n" + one + color, {"line 1"});
  expect_complaint("s.vp", "", {"9 lines"});
}

constexpr const char* kVpJson = R"({
	"@schema": "https://raw.githubusercontent.com/slicer/slicer/main/Schema/volume-property-schema-v1.0.0.json#",
	"volumeProperties": [
		{
			"effectiveRange": [-1000.0, 3071.0],
			"isoSurfaceValues": [],
			"independentComponents": true,
			"interpolationType": "linear",
			"scatteringAnisotropy": 0.3,
			"components": [
				{
					"componentWeight": 1.0,
					"shade": true,
					"lighting": {"ambient": 0.1, "diffuse": 0.9, "specular": 0.2, "specularPower": 10.0},
					"disableGradientOpacity": false,
					"scalarOpacityUnitDistance": 0.5,
					"scalarOpacity": {"type": "piecewiseLinearFunction", "points": [
						{"x": -3024.0, "y": 0.0, "midpoint": 0.5, "sharpness": 0.0},
						{"x": 100.0, "y": 0.2, "midpoint": 0.3, "sharpness": 0.4},
						{"x": 500.0, "y": 0.9}]},
					"gradientOpacity": {"points": [{"x": 0.0, "y": 0.5}, {"x": 255.0, "y": 1.0}]},
					"rgbTransferFunction": {"points": [
						{"x": -3024.0, "color": [0.0, 0.0, 0.0]},
						{"x": 500.0, "color": [1.0, 0.9, 0.8], "midpoint": 0.5, "sharpness": 0.0}]}
				}
			]
		}
	]
})";

TEST_F(TransferFunctionFiles, SlicerJsonGivesMidpointSharpnessUnitDistanceAndAnisotropy) {
  const TransferFunction tf = read("My look.vp.json", kVpJson);
  EXPECT_EQ(tf.name, "My look");
  EXPECT_EQ(tf.unit_distance_mm, 0.5);
  EXPECT_EQ(tf.phase_g, 0.3);
  const TransferLayer& layer = tf.layers.at(0);
  ASSERT_EQ(layer.opacity.size(), 3U);
  EXPECT_EQ(layer.opacity[1].midpoint, 0.3);
  EXPECT_EQ(layer.opacity[1].sharpness, 0.4);
  EXPECT_EQ(layer.opacity[2].midpoint, 0.5);
  EXPECT_EQ(layer.gradient_opacity.size(), 2U);
  EXPECT_FLOAT_EQ(layer.color.at(1).srgb.z, 0.8F);

  std::string without = kVpJson;
  without.replace(without.find("\"disableGradientOpacity\": false"), 31, "\"disableGradientOpacity\": true ");
  EXPECT_TRUE(read("b.vp.json", without).layers.at(0).gradient_opacity.empty());
}

TEST_F(TransferFunctionFiles, BrokenSlicerJsonIsNamedByLineAndKey) {
  std::string text = kVpJson;
  text.replace(text.find("\"y\": 0.9"), 8, "\"y\": 1.9");
  expect_complaint("a.vp.json", text, {"a.vp.json line 20", "scalarOpacity.points[2]", "1.9"});
  text = kVpJson;
  text.replace(text.find("scalarOpacity\""), 13, "scalarOpacitx");
  expect_complaint("a.vp.json", text, {"'scalarOpacity' is missing"});
  expect_complaint("a.vp.json", "{\"volumeProperties\": []}", {"no volume property"});
  expect_complaint("a.vp.json", std::string(kVpJson).substr(0, 700), {"a.vp.json"});
}

TEST_F(TransferFunctionFiles, ParaViewMapsInHuAreTakenAsTheyAre) {
  const TransferFunction tf = read("pv.json", R"([{"Name": "warm", "ColorSpace": "RGB", "NanColor": [1, 1, 0],
      "Points": [-200, 0, 0.5, 0, 300, 0.8, 0.25, 0.5, 800, 1, 0.5, 0],
      "RGBPoints": [-200, 0, 0, 0, 800, 1, 0.5, 0.25]}])");
  EXPECT_EQ(tf.name, "warm");
  const TransferLayer& layer = tf.layers.at(0);
  ASSERT_EQ(layer.opacity.size(), 3U);
  EXPECT_EQ(layer.opacity[1].midpoint, 0.25);
  EXPECT_EQ(layer.opacity[1].sharpness, 0.5);
  EXPECT_FLOAT_EQ(evaluate_curve(layer.color, 300).x, 0.5F);
}

TEST_F(TransferFunctionFiles, MapsFromZeroToOneNeedAnHuRange) {
  // MITK's name for the opacities.
  const std::string text =
      R"([{"Name": "unit", "ColorSpace": "RGB", "OpacityPoints": [0, 0, 0.5, 0, 1, 0.5, 0.5, 0],
      "RGBPoints": [0, 0, 0, 0, 0.5, 1, 0, 0, 1, 1, 1, 1]}])";
  expect_complaint("unit.json", text, {"unit.json", "0 to 1", "--tf-range"});
  const TransferFunction tf = read("unit.json", text, std::pair{-200.0, 600.0});
  EXPECT_EQ(tf.layers.at(0).opacity.front().x, -200);
  EXPECT_EQ(tf.layers.at(0).opacity.back().x, 600);
  EXPECT_EQ(tf.layers.at(0).color.at(1).x, 200);
}

// VTK 9.7: vtkColorTransferFunction with AddRGBPoint(0, 0.2, 0.3, 0.8) and AddRGBPoint(100, 0.8, 0.1, 0.15),
// SetColorSpaceToHSV, ToLab, ToDiverging or ToStep, GetColor(x).
TEST_F(TransferFunctionFiles, ParaViewColorSpacesAgreeWithVtk) {
  struct Case {
    const char* space;
    double x;
    Vec3d rgb;
  };
  const Case cases[] = {{"HSV", 25, {0.398214, 0.175, 0.8}},
                        {"HSV", 62.5, {0.8, 0.1375, 0.705357}},
                        {"Lab", 25, {0.497848, 0.262128, 0.632875}},
                        {"Lab", 75, {0.729068, 0.171467, 0.313446}},
                        {"Diverging", 25, {0.609988, 0.677162, 1.0}},
                        {"Diverging", 50, {0.875916, 0.875931, 0.875916}},
                        {"Diverging", 75, {1.0, 0.603348, 0.550903}},
                        {"Step", 0, {0.2, 0.3, 0.8}},
                        {"Step", 25, {0.8, 0.1, 0.15}},
                        {"Step", 75, {0.8, 0.1, 0.15}}};
  for (const Case& c : cases) {
    const TransferFunction tf = read(
        "space.json",
        std::string(R"([{"Name": "s", "ColorSpace": ")") + c.space +
            R"(", "Points": [0, 0, 0.5, 0, 100, 1, 0.5, 0], "RGBPoints": [0, 0.2, 0.3, 0.8, 100, 0.8, 0.1, 0.15]}])");
    const Vec3f ours = evaluate_curve(tf.layers.at(0).color, c.x);
    for (int k = 0; k < 3; ++k) {
      // 5e-4: the white point and matrix of sRGB are rounded differently.
      EXPECT_NEAR(static_cast<double>(ours[k]), c.rgb[k], 5e-4)
          << c.space << " at " << c.x << " channel " << k;
    }
  }
}

TEST_F(TransferFunctionFiles, BrokenParaViewMapsAndUnknownSuffixesAreNamed) {
  expect_complaint("p.json", "[]", {"no color map"});
  expect_complaint("p.json", R"([{"Name": "x", "RGBPoints": [0, 1, 1, 1, 100, 0, 0, 0]}])", {"no opacities"});
  expect_complaint("p.json", R"([{"Name": "x", "Points": [0, 1, 0.5, 0]}])", {"no RGBPoints"});
  expect_complaint("p.json", R"([{"RGBPoints": [0, 1, 1], "Points": [0, 1, 0.5, 0]}])",
                   {"RGBPoints", "3 numbers"});
  expect_complaint(
      "p.json", R"([{"ColorSpace": "Luv", "RGBPoints": [0, 1, 1, 1], "Points": [9, 1, 0.5, 0]}])", {"Luv"});
  expect_complaint("p.xml", "<a/>", {"p.xml", ".vp.json"});
}

}  // namespace
}  // namespace renderfm
