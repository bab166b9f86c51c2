// The network grid and the values on it, against closed forms.
#include "renderfm/volume/resample.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>

#include "renderfm/core/check.h"
#include "renderfm/core/parallel.h"

namespace renderfm {
namespace {

using Kind = TargetSpacing::Kind;

Geometry grid_of(std::array<std::int64_t, 3> shape_zyx, std::array<double, 3> spacing_zyx_mm) {
  Geometry g;
  g.shape_zyx = shape_zyx;
  g.spacing_zyx_mm = spacing_zyx_mm;
  g.origin_mm = {-31, 17, 205};
  return g;
}

Mat3d rotation(double degrees) {
  const double c = std::cos(degrees * M_PI / 180), s = std::sin(degrees * M_PI / 180);
  const Mat3d about_z{{{c, -s, 0}, {s, c, 0}, {0, 0, 1}}}, about_x{{{1, 0, 0}, {0, c, -s}, {0, s, c}}};
  return about_z * about_x;
}

template <class Field>
CtVolume scan_of(const Geometry& g, const Field& field) {
  CtVolume ct{g, {}};
  for (std::int64_t k = 0; k < g.depth(); ++k) {
    for (std::int64_t j = 0; j < g.height(); ++j) {
      for (std::int64_t i = 0; i < g.width(); ++i) {
        const Vec3d p =
            g.world_from_index({static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)});
        ct.voxels.push_back(static_cast<std::int16_t>(std::lrint(field(p))));
      }
    }
  }
  return ct;
}

double linear_hu(Vec3d p) { return 3 * p.x - 2 * p.y + 4 * (p.z - 205) + 50; }

// Voxels at least `margin` voxels inside must hold the linear field.
void expect_linear_inside(const CtVolume& ct, const Geometry& scan, double margin, double tolerance_hu) {
  std::int64_t compared = 0;
  for (std::int64_t k = 0; k < ct.geometry.depth(); ++k) {
    for (std::int64_t j = 0; j < ct.geometry.height(); ++j) {
      for (std::int64_t i = 0; i < ct.geometry.width(); ++i) {
        const Vec3d p = ct.geometry.world_from_index(
            {static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)});
        const Vec3d index = scan.index_from_world(p);
        bool inside = true;
        for (int axis = 0; axis < 3; ++axis) {
          const auto last = static_cast<double>(scan.shape_zyx[static_cast<std::size_t>(2 - axis)] - 1);
          inside &= index[axis] >= margin && index[axis] <= last - margin;
        }
        if (!inside) continue;
        ASSERT_NEAR(ct.at(k, j, i), linear_hu(p), tolerance_hu) << i << ' ' << j << ' ' << k;
        ++compared;
      }
    }
  }
  EXPECT_GT(compared, 100);
}

TEST(NetworkGrid, KeepsTheVoxelsOfAScanAtTheTargetSpacing) {
  const Geometry scan = grid_of({10, 20, 30}, {3, 3, 3});
  EXPECT_TRUE(same_grid(network_grid(scan, {}), scan, 1e-9));
  EXPECT_TRUE(same_grid(network_grid(scan, {Kind::kNative, 0}), scan, 1e-9));
  EXPECT_TRUE(same_grid(network_grid(scan, {Kind::kMillimetres, 3}), scan, 1e-9));
  Geometry rounded = scan;
  rounded.spacing_zyx_mm = {3.0005, 3, 2.9995};  // within 0.1 %
  EXPECT_TRUE(same_grid(network_grid(rounded, {}), rounded, 1e-9));
}

TEST(NetworkGrid, IsIsotropicAndAxisAlignedAndCoversTheScan) {
  Geometry scan = grid_of({40, 50, 60}, {3, 0.7, 0.8});
  for (const double angle : {0.0, 0.001, 20.0}) {
    scan.direction = rotation(angle);
    for (const auto& [target, spacing_mm] : {std::pair<TargetSpacing, double>{{}, 1.5},
                                             {{Kind::kNative, 0}, 0.7},
                                             {{Kind::kMillimetres, 2.2}, 2.2}}) {
      const Geometry grid = network_grid(scan, target);
      for (std::size_t axis = 0; axis < 3; ++axis) EXPECT_EQ(grid.spacing_zyx_mm[axis], spacing_mm);
      for (int i = 0; i < 3; ++i) {
        for (int j = 0; j < 3; ++j) EXPECT_EQ(grid.direction[i][j], i == j ? 1 : 0);
      }
      for (int corner = 0; corner < 8; ++corner) {
        const Vec3d p = scan.world_from_index(
            {corner & 1 ? 59.5 : -0.5, corner & 2 ? 49.5 : -0.5, corner & 4 ? 39.5 : -0.5});
        const Vec3d index = grid.index_from_world(p);
        for (int axis = 0; axis < 3; ++axis) {
          // The outer faces of the voxels; a twentieth of a voxel is no reason for another layer.
          EXPECT_GE(index[axis], -0.53);
          EXPECT_LE(index[axis],
                    static_cast<double>(grid.shape_zyx[static_cast<std::size_t>(2 - axis)]) - 0.5 + 0.03);
        }
      }
    }
  }
}

TEST(NetworkGrid, AutomaticIsNeverFinerThanOneAndAHalfMillimetres) {
  EXPECT_EQ(network_grid(grid_of({9, 9, 9}, {0.6, 0.6, 0.6}), {}).spacing_zyx_mm[0], 1.5);
  EXPECT_EQ(network_grid(grid_of({9, 9, 9}, {5, 2, 2}), {}).spacing_zyx_mm[0], 2);
}

TEST(NetworkGrid, AutomaticFollowsTheSpacingThatANetworkWasTrainedFor) {
  TargetSpacing target;
  target.finest_automatic_mm = 3;
  EXPECT_EQ(network_grid(grid_of({20, 30, 40}, {1, 0.7, 0.7}), target).spacing_zyx_mm[1], 3);
  EXPECT_EQ(network_grid(grid_of({20, 30, 40}, {5, 4, 4}), target).spacing_zyx_mm[1], 4);
}

TEST(NetworkGrid, RefusesASpacingThatIsNoneOrTooFine) {
  const Geometry scan = grid_of({100, 200, 200}, {1, 1, 1});
  for (const double spacing_mm : {0.0, -1.0, std::nan(""), 0.01}) {
    try {
      network_grid(scan, {Kind::kMillimetres, spacing_mm});
      ADD_FAILURE() << spacing_mm;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
    }
  }
}

TEST(ResampleCt, KeepsALinearFieldForAnyPairOfGrids) {
  for (const double angle : {0.0, 0.5, 30.0}) {
    Geometry scan = grid_of({20, 24, 28}, {2.5, 1.2, 1.1});
    scan.direction = rotation(angle);
    const CtVolume ct = scan_of(scan, linear_hu);
    for (const double spacing_mm : {0.9, 1.5, 4.0}) {
      const Geometry grid = network_grid(scan, {Kind::kMillimetres, spacing_mm});
      // The mean over a target voxel keeps a linear field where that voxel lies inside.
      // Rounded to whole HU in the scan and at the end; on oblique grids also after each of three means.
      const double tolerance_hu = angle == 0 ? 1.01 : 2.51;
      expect_linear_inside(resample_ct(ct, grid), scan, 0.5 * spacing_mm / 1.1 + 0.51, tolerance_hu);
    }
  }
}

TEST(ResampleCt, CopiesAPermutationExactly) {
  std::mt19937 random(3);
  Geometry scan = grid_of({5, 6, 7}, {2, 2, 2});
  scan.direction = {{{0, -1, 0}, {0, 0, 1}, {-1, 0, 0}}};
  CtVolume ct{scan, std::vector<std::int16_t>(5 * 6 * 7)};
  for (auto& v : ct.voxels) v = static_cast<std::int16_t>(static_cast<int>(random() % 4000) - 1000);
  const Geometry grid = network_grid(scan, {});
  EXPECT_EQ(grid.shape_zyx, (std::array<std::int64_t, 3>{7, 5, 6}));
  const CtVolume copied = resample_ct(ct, grid);
  for (std::int64_t k = 0; k < 5; ++k) {
    for (std::int64_t j = 0; j < 6; ++j) {
      for (std::int64_t i = 0; i < 7; ++i) {
        const Vec3d index = grid.index_from_world(
            scan.world_from_index({static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)}));
        EXPECT_EQ(copied.at(std::lround(index.z), std::lround(index.y), std::lround(index.x)),
                  ct.at(k, j, i));
      }
    }
  }
  // And back.
  EXPECT_EQ(resample_ct(copied, scan).voxels, ct.voxels);
}

TEST(ResampleCt, AveragesWhatACoarserVoxelCovers) {
  // One bright voxel of 1 mm inside a 4 mm voxel: 1/64 of it.
  const Geometry scan = grid_of({16, 16, 16}, {1, 1, 1});
  CtVolume ct{scan, std::vector<std::int16_t>(16 * 16 * 16, 0)};
  ct.at(5, 9, 6) = 3000;
  const Geometry grid = network_grid(scan, {Kind::kMillimetres, 4});
  const CtVolume coarse = resample_ct(ct, grid);
  EXPECT_EQ(coarse.geometry.shape_zyx, (std::array<std::int64_t, 3>{4, 4, 4}));
  EXPECT_EQ(coarse.at(1, 2, 1), 47);  // 3000 / 64
  EXPECT_EQ(std::accumulate(coarse.voxels.begin(), coarse.voxels.end(), 0), 47);
}

TEST(ResampleCt, DoesNotAliasAFinePattern) {
  // Stripes of one voxel average to their mean on a coarser grid, straight or oblique.
  Geometry scan = grid_of({24, 24, 24}, {1, 1, 1});
  for (const double angle : {0.0, 25.0}) {
    scan.direction = rotation(angle);
    CtVolume ct{scan, std::vector<std::int16_t>(24 * 24 * 24)};
    for (std::size_t v = 0; v < ct.voxels.size(); ++v) ct.voxels[v] = v % 2 == 0 ? 1000 : 0;
    Geometry target = grid_of({3, 3, 3}, {4, 4, 4});
    const Vec3d centre = scan.world_from_index({11.5, 11.5, 11.5});
    target.origin_mm = centre - Vec3d{4, 4, 4};
    for (const std::int16_t value : resample_ct(ct, target).voxels) EXPECT_NEAR(value, 500, 60) << angle;
  }
}

TEST(ResampleCt, IsAirOutsideAndKeepsTheEdgeVoxels) {
  const Geometry scan = grid_of({8, 8, 8}, {2, 2, 2});
  const CtVolume ct{scan, std::vector<std::int16_t>(8 * 8 * 8, 40)};
  Geometry grid = grid_of({20, 20, 20}, {1, 1, 1});
  grid.origin_mm = scan.origin_mm - Vec3d{2, 2, 2};
  for (const double angle : {0.0, 1e-3}) {
    grid.direction = rotation(angle);
    const CtVolume out = resample_ct(ct, grid);
    EXPECT_EQ(out.at(0, 5, 5), kMinHu) << angle;   // 2 mm before the first centre
    EXPECT_EQ(out.at(1, 5, 5), 40) << angle;       // 1 mm before it: inside its voxel
    EXPECT_EQ(out.at(17, 5, 5), 40) << angle;      // 1 mm behind the last centre
    EXPECT_EQ(out.at(18, 5, 5), kMinHu) << angle;  // 2 mm behind it
  }
}

TEST(ResampleCt, DoesNotDependOnTheNumberOfThreads) {
  Geometry scan = grid_of({20, 24, 28}, {2.5, 1.2, 1.1});
  scan.direction = rotation(10);
  const CtVolume ct = scan_of(scan, [](Vec3d p) { return 500 * std::sin(p.x) * std::cos(p.y + p.z); });
  const Geometry grid = network_grid(scan, {});
  set_thread_count(1);
  const CtVolume one = resample_ct(ct, grid);
  set_thread_count(5);
  const CtVolume five = resample_ct(ct, grid);
  set_thread_count(0);
  EXPECT_EQ(one.voxels, five.voxels);
}

TEST(ResampleLabels, TakesTheNearestVoxelAndKeepsNames) {
  Geometry scan = grid_of({6, 7, 8}, {2, 2, 2});
  for (const double angle : {0.0, 15.0}) {
    scan.direction = rotation(angle);
    LabelVolume labels;
    labels.geometry = scan;
    labels.names = {{5, "liver"}};
    for (std::size_t v = 0; v < 6 * 7 * 8; ++v) labels.voxels.push_back(static_cast<std::uint8_t>(v % 251));
    const Geometry grid = network_grid(scan, {Kind::kMillimetres, 0.7});
    const LabelVolume out = resample_labels(labels, grid);
    EXPECT_EQ(out.names, labels.names);
    std::int64_t inside = 0;
    for (std::int64_t k = 0; k < grid.depth(); ++k) {
      for (std::int64_t j = 0; j < grid.height(); ++j) {
        for (std::int64_t i = 0; i < grid.width(); ++i) {
          const Vec3d index = scan.index_from_world(grid.world_from_index(
              {static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)}));
          const Vec3d whole{std::floor(index.x + 0.5), std::floor(index.y + 0.5), std::floor(index.z + 0.5)};
          const Vec3d rest = index - whole;
          if (std::max({std::abs(rest.x), std::abs(rest.y), std::abs(rest.z)}) > 0.499) continue;  // a tie
          const bool in =
              whole.x >= 0 && whole.y >= 0 && whole.z >= 0 && whole.x < 8 && whole.y < 7 && whole.z < 6;
          const int expected =
              in ? labels.at(std::lround(whole.z), std::lround(whole.y), std::lround(whole.x)) : 0;
          ASSERT_EQ(out.at(k, j, i), expected);
          inside += in ? 1 : 0;
        }
      }
    }
    EXPECT_GT(inside, 5000);
  }
}

}  // namespace
}  // namespace renderfm
