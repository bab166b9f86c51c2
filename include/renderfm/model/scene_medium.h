// A scan as one transfer function and organ choice show it, with the sphere that cameras lie on: where
// priming, ray marching and path tracing start.
#pragma once

#include <string>
#include <vector>

#include "renderfm/medium/medium.h"
#include "renderfm/view/camera.h"
#include "renderfm/volume/scene.h"

namespace renderfm {

struct SceneMedium {
  Medium medium;
  ViewSphere sphere;  ///< of everything that the transfer function shows: pictures of organ subsets line up
};

/// `organs` are names and groups as in select_organs for labels. Throws kBadInput for a name that does not
/// exist and where nothing is visible.
SceneMedium make_scene_medium(const Scene& scene, const TransferFunction& tf,
                              const std::vector<std::string>& organs);

}  // namespace renderfm
