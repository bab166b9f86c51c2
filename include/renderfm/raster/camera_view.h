// What the projection needs of a camera, rounded once to the precision of drawing.
#pragma once

#include "renderfm/raster/project.h"
#include "renderfm/view/camera.h"

namespace renderfm::raster {

template <class S>
View<S> make_view(const Camera& camera) {
  const auto cast = [](Vec3d v) {
    return Vec3<S>{static_cast<S>(v.x), static_cast<S>(v.y), static_cast<S>(v.z)};
  };
  const auto axis = [&](int row) {
    return cast({camera.rotation[row][0], camera.rotation[row][1], camera.rotation[row][2]});
  };
  const double margin_x = static_cast<double>(kFrustumMargin) * camera.width;
  const double margin_y = static_cast<double>(kFrustumMargin) * camera.height;
  View<S> view;
  view.position_mm = cast(camera.position_mm);
  view.right = axis(0);
  view.down = axis(1);
  view.forward = axis(2);
  view.fx = static_cast<S>(camera.fx);
  view.fy = static_cast<S>(camera.fy);
  view.cx = static_cast<S>(camera.cx);
  view.cy = static_cast<S>(camera.cy);
  view.slope_x_low = static_cast<S>((-margin_x - camera.cx) / camera.fx);
  view.slope_x_high = static_cast<S>((camera.width + margin_x - camera.cx) / camera.fx);
  view.slope_y_low = static_cast<S>((-margin_y - camera.cy) / camera.fy);
  view.slope_y_high = static_cast<S>((camera.height + margin_y - camera.cy) / camera.fy);
  view.width = static_cast<S>(camera.width);
  view.height = static_cast<S>(camera.height);
  return view;
}

}  // namespace renderfm::raster
