// The authors' layouts: their conditionals written down from their definitions, slowly, against our slice of
// what is read.
#include <array>
#include <map>

#include "renderfm/raster/slice6d.h"
#include "unit/gaussian_files/files.h"

namespace renderfm {
namespace {

using namespace test;

struct Conditioned {
  Vec3d mean;
  Mat3d covariance;
  double opacity;
};

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

/// A file with named float columns, one row per map.
std::string ply_of(const std::vector<std::string>& names,
                   const std::vector<std::map<std::string, float>>& rows) {
  std::string bytes =
      "ply\nformat binary_little_endian 1.0\nelement vertex " + std::to_string(rows.size()) + "\n";
  for (const std::string& name : names) bytes += "property float " + name + "\n";
  bytes += "end_header\n";
  for (const auto& row : rows) {
    for (const std::string& name : names) {
      const float value = row.at(name);
      bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
    }
  }
  return bytes;
}

struct Scene {
  std::vector<std::string> names;
  std::vector<std::map<std::string, float>> rows;
};

/// Random values for the named columns; three f_rest bands.
Scene random_scene(const std::vector<std::pair<std::string, int>>& columns, int count = 20) {
  Scene scene;
  for (const auto& [stem, number] : columns) {
    if (number == 0) scene.names.push_back(stem);
    for (int n = 0; n < number; ++n) scene.names.push_back(stem + "_" + std::to_string(n));
  }
  for (int row = 0; row < count; ++row) {
    Pcg32 random = Pcg32::from(5, static_cast<std::uint64_t>(row));
    std::map<std::string, float> values;
    for (const std::string& name : scene.names) values[name] = random.uniform(-1.0F, 1.0F);
    for (const char* axis : {"x", "y", "z"}) values[axis] *= 20;
    scene.rows.push_back(values);
  }
  return scene;
}

Mat3d block(const std::array<std::array<double, 6>, 6>& m, std::size_t row, std::size_t column) {
  Mat3d out{};
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) out[static_cast<int>(i)][j] = m[row + i][column + j];
  }
  return out;
}

Mat3d difference(const Mat3d& a, const Mat3d& b) {
  Mat3d c{};
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) c[i][j] = a[i][j] - b[i][j];
  }
  return c;
}

Vec3d vector_of(const std::map<std::string, float>& row, const std::string& stem) {
  return {row.at(stem + "_0"), row.at(stem + "_1"), row.at(stem + "_2")};
}
Vec3d point_of(const std::map<std::string, float>& row) { return {row.at("x"), row.at("y"), row.at("z")}; }

/// 6DGS, arXiv 2410.04974, equations 3 to 6, with its inverse and its subtraction.
Conditioned sixdgs(const std::map<std::string, float>& row, Vec3d camera, const std::string& diagonal,
                   const std::string& triangle, Vec3d mean_view, double lambda) {
  std::array<std::array<double, 6>, 6> l{}, sigma{};
  int entry = 0;
  for (std::size_t i = 0; i < 6; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      l[i][j] = 2 * sigmoid(row.at(triangle + "_" + std::to_string(entry++))) - 1;
    }
    l[i][i] = std::exp(static_cast<double>(row.at(diagonal + "_" + std::to_string(i))));
  }
  for (std::size_t i = 0; i < 6; ++i) {
    for (std::size_t j = 0; j < 6; ++j) {
      for (std::size_t k = 0; k < 6; ++k) sigma[i][j] += l[i][k] * l[j][k];
    }
  }
  const Mat3d pp = block(sigma, 0, 0), pd = block(sigma, 0, 3), precision = inverse(block(sigma, 3, 3));
  const Vec3d position = point_of(row);
  const Vec3d delta = normalised(position - camera) - normalised(mean_view);
  return {position + pd * (precision * delta), difference(pp, pd * precision * transposed(pd)),
          sigmoid(row.at("opacity")) * std::exp(-lambda * dot(delta, precision * delta))};
}

/// dGS: the conditional itself.
Conditioned dgs(const std::map<std::string, float>& row, Vec3d camera, Vec3d mean_view, bool shifts) {
  const auto at = [&](const std::string& stem, int n) {
    return static_cast<double>(row.at(stem + "_" + std::to_string(n)));
  };
  const Mat3d l{{{std::exp(at("L_22_inv", 0)), 0, 0},
                 {at("L_22_inv", 1), std::exp(at("L_22_inv", 2)), 0},
                 {at("L_22_inv", 3), at("L_22_inv", 4), std::exp(at("L_22_inv", 5))}}};
  const Vec3d position = point_of(row);
  const Vec3d delta = normalised(position - camera) - normalised(mean_view);
  const Vec3d z = transposed(l) * delta;
  Mat3d v{};
  Mat3d rotation = rotation_from_quaternion({at("rot", 0), at("rot", 1), at("rot", 2), at("rot", 3)}),
        stretched = rotation;
  double squares = 0, mean_extent = 0;
  for (int n = 0; n < 9 && shifts; ++n) squares += at("v_12_direction", n) * at("v_12_direction", n);
  for (int axis = 0; axis < 3; ++axis) {
    mean_extent += std::exp(at("scale", axis)) / 3;
    for (int i = 0; i < 3; ++i) stretched[i][axis] *= std::exp(at("scale", axis));
  }
  for (int n = 0; n < 9 && shifts; ++n) {
    v[n / 3][n % 3] =
        sigmoid(row.at("lambda_view")) * mean_extent * at("v_12_direction", n) / std::sqrt(squares);
  }
  return {position + v * (l * z), stretched * transposed(stretched),
          sigmoid(row.at("opacity")) * std::exp(-0.35 * dot(z, z))};
}

Conditioned ours(const GaussianRows& rows, std::size_t n, Vec3d camera) {
  const Gaussian6d g = load(columns_of(rows), static_cast<std::int64_t>(n));
  double chol[layout::kCholCount];
  for (std::size_t k = 0; k < layout::kCholCount; ++k) chol[k] = rows.chol[n * layout::kCholCount + k];
  const auto slice = raster::slice6d(g.position - camera, g.direction_mean, chol, rows.notes.lambda_opacity);
  return {camera + slice.mean_offset, g.c * transposed(g.c), g.opacity * std::exp2(slice.log2_falloff)};
}

template <class Theirs>
void expect_same(const Scene& scene, const Theirs& theirs, const std::string& layout) {
  const DecodedFile file = decode_bytes(GaussianFormat::kPly, ply_of(scene.names, scene.rows));
  EXPECT_EQ(file.facts.layout, layout);
  EXPECT_TRUE(file.facts.six_dimensional);
  ASSERT_EQ(file.rows.size(), static_cast<std::int64_t>(scene.rows.size()));
  for (const Vec3d camera : {Vec3d{100, 20, -50}, Vec3d{-3, -120, 10}, Vec3d{2, 40, 90}}) {
    for (std::size_t n = 0; n < scene.rows.size(); ++n) {
      const Conditioned want = theirs(scene.rows[n], camera), got = ours(file.rows, n, camera);
      // Our columns are float: 1e-7 relative, times the few hundred mm that the shifts amount to at most.
      ASSERT_LT(norm(want.mean - got.mean), 2e-4 * (1 + norm(want.mean - point_of(scene.rows[n])))) << n;
      ASSERT_NEAR(want.opacity, got.opacity, 2e-5) << n;
      for (int i = 0; i < 3; ++i) {
        for (int j = 0; j < 3; ++j) {
          ASSERT_NEAR(want.covariance[i][j], got.covariance[i][j],
                      1e-5 * (1 + std::abs(want.covariance[i][i])))
              << n;
        }
      }
    }
  }
}

const std::vector<std::pair<std::string, int>> kStart{{"x", 0}, {"y", 0}, {"z", 0}};

std::vector<std::pair<std::string, int>> columns(std::vector<std::pair<std::string, int>> more) {
  std::vector<std::pair<std::string, int>> all = kStart;
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

TEST(ForeignPly, The6dgsLayoutIsTheSameConditional) {
  const Scene scene = random_scene(columns({{"mean_view", 3},
                                            {"f_dc", 3},
                                            {"f_rest", 9},
                                            {"opacity", 0},
                                            {"lambda_opc", 0},
                                            {"scale", 6},
                                            {"l_triangle", 15}}));
  expect_same(
      scene,
      [](const auto& row, Vec3d camera) {
        return sixdgs(row, camera, "scale", "l_triangle", vector_of(row, "mean_view"),
                      sigmoid(row.at("lambda_opc")));
      },
      "6dgs");
}

TEST(ForeignPly, TheOldNamesOf6dgsAreTheSameConditional) {
  const Scene scene =
      random_scene(columns({{"mean", 3}, {"f_dc", 3}, {"opacity", 0}, {"diags", 6}, {"l_triangs", 15}}));
  expect_same(
      scene,
      [](const auto& row, Vec3d camera) {
        return sixdgs(row, camera, "diags", "l_triangs", vector_of(row, "mean"), 0.35);
      },
      "6dgs");
}

TEST(ForeignPly, TheMeanDirectionMayLieInTheNormals) {
  const Scene scene = random_scene(columns(
      {{"nx", 0}, {"ny", 0}, {"nz", 0}, {"f_dc", 3}, {"opacity", 0}, {"scale", 6}, {"l_triangle", 15}}));
  expect_same(
      scene,
      [](const auto& row, Vec3d camera) {
        return sixdgs(row, camera, "scale", "l_triangle", {row.at("nx"), row.at("ny"), row.at("nz")}, 0.35);
      },
      "6dgs");
}

TEST(ForeignPly, TheDgsLayoutIsTheSameConditional) {
  const Scene scene = random_scene(columns({{"f_dc", 3},
                                            {"f_rest", 9},
                                            {"opacity", 0},
                                            {"scale", 3},
                                            {"rot", 4},
                                            {"mean_view", 3},
                                            {"L_22_inv", 6},
                                            {"v_12_direction", 9},
                                            {"lambda_view", 0}}));
  expect_same(
      scene,
      [](const auto& row, Vec3d camera) { return dgs(row, camera, vector_of(row, "mean_view"), true); },
      "dgs");
}

TEST(ForeignPly, ARenderFmPredictionOfTheAuthorsKeepsItsLabels) {
  Scene scene = random_scene(columns({{"nx", 0},
                                      {"ny", 0},
                                      {"nz", 0},
                                      {"f_dc", 3},
                                      {"opacity", 0},
                                      {"scale", 3},
                                      {"rot", 4},
                                      {"L_22_inv", 6},
                                      {"label", 0}}));
  for (std::size_t n = 0; n < scene.rows.size(); ++n) scene.rows[n]["label"] = static_cast<float>(3 * n);
  expect_same(
      scene,
      [](const auto& row, Vec3d camera) {
        return dgs(row, camera, {row.at("nx"), row.at("ny"), row.at("nz")}, false);
      },
      "dgs");
  const DecodedFile file = decode_bytes(GaussianFormat::kPly, ply_of(scene.names, scene.rows));
  EXPECT_EQ(file.rows.label[7], 21);
}

TEST(ForeignPly, SphericalHarmonicsOfEveryDegreeGiveTheirFirstBand) {
  const Scene scene =
      random_scene(columns({{"f_dc", 3}, {"f_rest", 45}, {"opacity", 0}, {"scale", 3}, {"rot", 4}}), 5);
  const DecodedFile file = decode_bytes(GaussianFormat::kPly, ply_of(scene.names, scene.rows));
  EXPECT_EQ(file.facts.sh_degree, 3);
  EXPECT_EQ(file.facts.layout, "3dgs");
  ASSERT_FALSE(file.facts.remarks.empty());
  EXPECT_NE(file.facts.remarks.front().find("dropped"), std::string::npos);
  // Channel-major with 15 bands: green's second band is f_rest_16; ours is coefficient-major.
  EXPECT_EQ(file.rows.sh[3 * 2 + 1], scene.rows[0].at("f_rest_16"));
}

TEST(ForeignPly, WhatChangesWithTimeIsRefused) {
  const Scene scene = random_scene(columns({{"mean_view", 3},
                                            {"mean_time", 1},
                                            {"f_dc", 3},
                                            {"opacity", 0},
                                            {"scale", 7},
                                            {"l_triangle", 21}}),
                                   2);
  expect_refused(GaussianFormat::kPly, ply_of(scene.names, scene.rows), "change with time");
}

TEST(ForeignPly, OtherProgramsSayWhetherTheyCompensate) {
  const Scene scene = random_scene(columns({{"f_dc", 3}, {"opacity", 0}, {"scale", 3}, {"rot", 4}}), 2);
  std::string bytes = ply_of(scene.names, scene.rows);
  EXPECT_FALSE(decode_bytes(GaussianFormat::kPly, bytes).rows.notes.low_pass_compensation);
  for (const std::string comment : {"comment antialiased 1\n", "comment SplatRenderMode: mip\n"}) {
    std::string with = bytes;
    with.insert(with.find("element"), comment);
    EXPECT_TRUE(decode_bytes(GaussianFormat::kPly, with).rows.notes.low_pass_compensation) << comment;
  }
}

}  // namespace
}  // namespace renderfm
