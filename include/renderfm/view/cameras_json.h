// transforms.json: camera sets in the NeRF convention, as 3DGS trainers read and write them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "renderfm/view/camera.h"

namespace renderfm {

struct NamedCamera {
  Camera camera;
  std::string name;  ///< the frame's file_path without folder and suffix, or its number: "012"
};

/// Reads fl_x fl_y cx cy w h (per file or per frame; camera_angle_x too) and frames[].transform_matrix,
/// world-from-camera in OpenGL axes (x right, y up, z backward), mm. Throws kBadInput naming the frame.
std::vector<NamedCamera> read_cameras_json(const std::filesystem::path& path);

/// The pictures of the same frames, in the same order: file_path from the file's own folder; where it has no
/// suffix, .png is meant. Throws kBadInput for a frame without one.
std::vector<std::filesystem::path> read_image_paths(const std::filesystem::path& path);

/// Atomic; read_cameras_json reads it back. file_path is `folder` + name, without suffix, as 3DGS trainers
/// expect it; camera_angle_x, which they need, stands at the top where all cameras share it.
void write_cameras_json(const std::vector<NamedCamera>& cameras, const std::filesystem::path& path,
                        const std::string& folder = "");

}  // namespace renderfm
