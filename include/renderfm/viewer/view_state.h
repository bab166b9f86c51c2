// What a viewer's page shows, as the text behind '#' in its address: where from, which organs, cut how. The
// page reads and writes it (src/viewer/web/state.js); renderfm-render takes it to draw the same picture.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "renderfm/gaussian/gaussian_set.h"
#include "renderfm/raster/rasterize.h"
#include "renderfm/view/camera.h"

namespace renderfm {

/// Lengths in mm along LPS axes, from the centre of the view sphere. Organ lists hold names and groups.
struct ViewState {
  double azimuth_deg = 0, elevation_deg = 0;
  double zoom = 1;                              ///< the camera is that many times nearer
  Vec3d pan_mm{0, 0, 0};                        ///< the point looked at
  std::vector<raster::ClipPlane<double>> clip;  ///< keep dot(normal, x) + offset >= 0
  std::optional<std::array<double, 6>> box;     ///< keep x0 <= x <= x1, y0 <= y <= y1, z0 <= z <= z1
  std::vector<std::string> exempt;              ///< organs that neither planes nor box cut
  std::vector<std::string> show, hide;          ///< only these, if any; not these
  std::map<std::string, double> opacity;        ///< organ -> factor in [0, 1]
  std::string transfer_function;                ///< "" for the first
};

/// Reads "az=30&el=10&clip=0,1,0,0&hide=skin", with or without '#'. What only a page needs (ui, theme) is
/// passed over. Throws kBadInput naming the part that is not understood.
ViewState parse_view_state(const std::string& text);

/// "nx,ny,nz,d" as a plane. Throws kBadInput.
raster::ClipPlane<double> parse_clip_plane(const std::string& text);
/// "x0,x1,y0,y1,z0,z1". Throws kBadInput.
std::array<double, 6> parse_clip_box(const std::string& text);

/// The sphere for orbit_camera that the state's zoom and pan make of a set's own.
ViewSphere state_sphere(const ViewSphere& sphere, const ViewState& state);

/// The planes and the box in world coordinates, for `gaussians` with the centre `centre_mm`. Throws kBadInput
/// where there are more than raster::kMaxClipPlanes.
raster::ClipRegion state_clip(const GaussianSet& gaussians, Vec3d centre_mm, const ViewState& state);

/// The set with the state's organs hidden and faded; its view sphere stays.
GaussianSet apply_organ_state(const GaussianSet& gaussians, const ViewState& state);

}  // namespace renderfm
