#include "renderfm/view/cameras_json.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "renderfm/core/atomic_file.h"
#include "renderfm/core/check.h"

namespace renderfm {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kMaxImageSide = 16384;

// OpenGL cameras look along -z with y up, OpenCV ones along +z with y down.
constexpr std::array<double, 3> kOpenGlSign{1, -1, -1};

double number(const Json& frame, const Json& file, const char* key, double fallback) {
  const Json* const holder = frame.contains(key) ? &frame : (file.contains(key) ? &file : nullptr);
  if (holder == nullptr) return fallback;
  return holder->at(key).get<double>();
}

Camera parse_frame(const Json& frame, const Json& file, const std::string& where) {
  Camera camera;
  const double width = number(frame, file, "w", 0), height = number(frame, file, "h", 0);
  if (!(width >= 1 && height >= 1 && width <= kMaxImageSide && height <= kMaxImageSide)) {
    fail_input("{}: the image size w x h is missing or not within 1 to {} pixels", where, kMaxImageSide);
  }
  camera.width = static_cast<int>(width);
  camera.height = static_cast<int>(height);
  const double angle_x_rad = number(frame, file, "camera_angle_x", 0);
  const double focal = angle_x_rad > 0 ? 0.5 * width / std::tan(0.5 * angle_x_rad) : 0;
  camera.fx = number(frame, file, "fl_x", focal);
  camera.fy = number(frame, file, "fl_y", camera.fx);
  camera.cx = number(frame, file, "cx", 0.5 * width);
  camera.cy = number(frame, file, "cy", 0.5 * height);
  if (!(camera.fx > 0 && camera.fy > 0)) {
    fail_input("{}: fl_x and fl_y, or camera_angle_x, must be positive", where);
  }
  const auto matrix = frame.at("transform_matrix").get<std::vector<std::vector<double>>>();
  if (matrix.size() < 3 || matrix[0].size() != 4 || matrix[1].size() != 4 || matrix[2].size() != 4) {
    fail_input("{}: transform_matrix must have 3 or 4 rows of 4 numbers", where);
  }
  for (int axis = 0; axis < 3; ++axis) {
    camera.position_mm[axis] = matrix[axis][3];
    for (int j = 0; j < 3; ++j) camera.rotation[axis][j] = kOpenGlSign[axis] * matrix[j][axis];
  }
  const Mat3d product = camera.rotation * transposed(camera.rotation);
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) {
      if (!(std::abs(product[i][j] - (i == j ? 1 : 0)) < 1e-3)) {
        fail_input("{}: transform_matrix is no rotation and translation", where);
      }
    }
  }
  return camera;
}

/// Hands the file to `read` and turns what JSON complains of into a sentence.
template <class Read>
void read_json(const std::filesystem::path& path, const Read& read) {
  std::ifstream stream(path);
  if (!stream) fail_input("cannot read {}: no such file, or no permission", path.string());
  try {
    read(Json::parse(stream));
  } catch (const Json::exception& error) {
    fail_input("{} is no transforms.json: {}", path.string(), error.what());
  }
}

}  // namespace

std::vector<NamedCamera> read_cameras_json(const std::filesystem::path& path) {
  std::vector<NamedCamera> cameras;
  read_json(path, [&](const Json& file) {
    const Json& frames = file.at("frames");
    for (std::size_t n = 0; n < frames.size(); ++n) {
      const std::string where = fmt::format("{} frame {}", path.string(), n);
      const Camera camera = parse_frame(frames[n], file, where);
      const std::string stem = std::filesystem::path(frames[n].value("file_path", "")).stem().string();
      cameras.push_back({camera, stem.empty() ? fmt::format("{:03}", n) : stem});
    }
  });
  if (cameras.empty()) fail_input("{} has no frames", path.string());
  return cameras;
}

std::vector<std::filesystem::path> read_image_paths(const std::filesystem::path& path) {
  std::vector<std::filesystem::path> files;
  read_json(path, [&](const Json& file) {
    for (const Json& frame : file.at("frames")) {
      std::filesystem::path picture = frame.value("file_path", "");
      if (picture.empty())
        fail_input("{} frame {} names no picture: file_path is missing", path.string(), files.size());
      if (!picture.has_extension()) picture += ".png";
      files.push_back(path.parent_path() / picture);
    }
  });
  return files;
}

void write_cameras_json(const std::vector<NamedCamera>& cameras, const std::filesystem::path& path,
                        const std::string& folder) {
  Json frames = Json::array();
  for (const auto& [camera, name] : cameras) {
    Json matrix = Json::array();
    for (int j = 0; j < 3; ++j) {
      matrix.push_back({kOpenGlSign[0] * camera.rotation[0][j], kOpenGlSign[1] * camera.rotation[1][j],
                        kOpenGlSign[2] * camera.rotation[2][j], camera.position_mm[j]});
    }
    matrix.push_back({0.0, 0.0, 0.0, 1.0});
    frames.push_back({{"file_path", folder + name},
                      {"w", camera.width},
                      {"h", camera.height},
                      {"fl_x", camera.fx},
                      {"fl_y", camera.fy},
                      {"cx", camera.cx},
                      {"cy", camera.cy},
                      {"transform_matrix", matrix}});
  }
  Json document = Json::object();
  const auto same_angle = [&](const NamedCamera& other) {
    return other.camera.width == cameras.front().camera.width && other.camera.fx == cameras.front().camera.fx;
  };
  if (!cameras.empty() && std::all_of(cameras.begin(), cameras.end(), same_angle)) {
    const Camera& camera = cameras.front().camera;
    document["camera_angle_x"] = 2 * std::atan(0.5 * camera.width / camera.fx);
  }
  document["frames"] = std::move(frames);
  AtomicFile file(path);
  file.write(document.dump(1) + "\n");
  file.commit();
}

}  // namespace renderfm
