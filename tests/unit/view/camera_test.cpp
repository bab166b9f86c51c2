#include "renderfm/view/camera.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "renderfm/core/check.h"
#include "renderfm/view/cameras_json.h"

namespace renderfm {
namespace {

/// Pixel position of a world point, and its depth.
Vec3d project(const Camera& camera, Vec3d point_mm) {
  const Vec3d p = camera.camera_from_world(point_mm);
  return {camera.fx * p.x / p.z + camera.cx, camera.fy * p.y / p.z + camera.cy, p.z};
}

const ViewSphere kSphere{{10, -20, 30}, 100};

TEST(OrbitCamera, LooksAtThePatientsFrontWithTheirLeftOnTheRightOfThePicture) {
  const Camera camera = orbit_camera(kSphere, 0, 0, 400, 300);
  // LPS: the front is towards -y, the patient's left towards +x, the head towards +z.
  EXPECT_LT(camera.position_mm.y, kSphere.centre_mm.y);
  EXPECT_GT(project(camera, kSphere.centre_mm + Vec3d{50, 0, 0}).x, 200);
  EXPECT_LT(project(camera, kSphere.centre_mm + Vec3d{0, 0, 50}).y, 150) << "the head is up";
}

TEST(OrbitCamera, SeesTheLeftSideAtNinetyDegreesWithTheFrontOnTheLeftOfThePicture) {
  const Camera camera = orbit_camera(kSphere, 90, 0, 300, 300);
  EXPECT_GT(camera.position_mm.x, kSphere.centre_mm.x + 100);
  EXPECT_LT(project(camera, kSphere.centre_mm + Vec3d{0, -50, 0}).x, 150);
}

TEST(OrbitCamera, FitsTheSphereIntoTheShorterSide) {
  for (const auto& [width, height] : {std::pair{400, 300}, std::pair{300, 400}, std::pair{256, 256}}) {
    const Camera camera = orbit_camera(kSphere, 33, 12, width, height);
    const Vec3d centre = project(camera, kSphere.centre_mm);
    EXPECT_NEAR(centre.x, 0.5 * width, 1e-9);
    EXPECT_NEAR(centre.y, 0.5 * height, 1e-9);
    // The sphere's outline subtends asin(R / r) = 15 degrees, half the field of view of the shorter side.
    const double outline_px = camera.fx * std::tan(std::asin(kSphere.radius_mm / centre.z));
    EXPECT_NEAR(outline_px, 0.5 * std::min(width, height), 1e-9);
  }
}

TEST(OrbitCamera, IsARightHandedRotationEvenStraightFromAbove) {
  for (const double elevation : {-90.0, -89.95, 0.0, 45.0, 89.9, 90.0}) {
    for (const double azimuth : {0.0, 77.0, 180.0, 359.0}) {
      const Camera camera = orbit_camera(kSphere, azimuth, elevation, 64, 64);
      EXPECT_NEAR(determinant(camera.rotation), 1, 1e-9) << azimuth << " " << elevation;
      const Mat3d product = camera.rotation * transposed(camera.rotation);
      for (int i = 0; i < 3; ++i) {
        for (int j = 0; j < 3; ++j) EXPECT_NEAR(product[i][j], i == j ? 1 : 0, 1e-9);
      }
    }
  }
}

TEST(CamerasJson, ReadsBackWhatItWrote) {
  const auto path = std::filesystem::temp_directory_path() / "renderfm_cameras_test.json";
  write_cameras_json(
      {{orbit_camera(kSphere, 12, 34, 320, 240), "a"}, {orbit_camera(kSphere, 200, -5, 320, 240), "b"}},
      path);
  const auto cameras = read_cameras_json(path);
  std::filesystem::remove(path);
  ASSERT_EQ(cameras.size(), 2U);
  EXPECT_EQ(cameras[1].name, "b");
  const Camera expected = orbit_camera(kSphere, 12, 34, 320, 240);
  const Vec3d point{44, 55, -66};
  const Vec3d seen = project(cameras[0].camera, point), wanted = project(expected, point);
  for (int axis = 0; axis < 3; ++axis) EXPECT_NEAR(seen[axis], wanted[axis], 1e-9);
}

TEST(CamerasJson, TakesTheNerfConvention) {
  // The identity camera of NeRF stands at the origin, looks along -z, with +y up.
  const auto path = std::filesystem::temp_directory_path() / "renderfm_nerf_test.json";
  std::ofstream(path) << R"({"camera_angle_x": 1.5707963267948966, "w": 200, "h": 100, "frames": [
    {"file_path": "./train/r_7", "transform_matrix": [[1,0,0,0],[0,1,0,0],[0,0,1,0],[0,0,0,1]]}]})";
  const auto cameras = read_cameras_json(path);
  std::filesystem::remove(path);
  EXPECT_EQ(cameras[0].name, "r_7");
  const Vec3d seen = project(cameras[0].camera, {1, 2, -10});
  EXPECT_NEAR(seen.x, 100 + 100 * 1 / 10.0, 1e-9);
  EXPECT_NEAR(seen.y, 50 - 100 * 2 / 10.0, 1e-9);
  EXPECT_NEAR(seen.z, 10, 1e-12);
}

TEST(CamerasJson, RefusesAMatrixThatIsNoRotationNamingTheFrame) {
  const auto path = std::filesystem::temp_directory_path() / "renderfm_bad_cameras_test.json";
  std::ofstream(path) << R"({"fl_x": 100, "w": 200, "h": 100, "frames": [
    {"transform_matrix": [[2,0,0,0],[0,1,0,0],[0,0,1,0],[0,0,0,1]]}]})";
  try {
    read_cameras_json(path);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
    EXPECT_NE(std::string(error.what()).find("frame 0"), std::string::npos) << error.what();
  }
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace renderfm
