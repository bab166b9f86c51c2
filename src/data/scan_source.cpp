#include "renderfm/data/scan_source.h"

#include <algorithm>
#include <cctype>

#include "renderfm/core/check.h"
#include "renderfm/core/log.h"
#include "renderfm/core/sha256.h"
#include "renderfm/volume/tissue_estimator.h"

namespace renderfm::data {
namespace {

namespace fs = std::filesystem;

std::string stem_of(const fs::path& path) {
  std::string name = path.filename().string();
  if (name.empty()) name = path.parent_path().filename().string();  // "folder/"
  for (const std::string_view suffix : {".nii.gz", ".nii", ".nrrd", ".mha", ".mhd", ".zip", ".dcm"}) {
    if (name.size() > suffix.size() && name.ends_with(suffix))
      return name.substr(0, name.size() - suffix.size());
  }
  return name;
}

std::string fit_for_a_folder(std::string name) {
  for (char& c : name) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
    c = plain ? c : '_';
  }
  const auto first = name.find_first_not_of('.');
  return first == std::string::npos ? "scan" : name.substr(first);
}

}  // namespace

ScanSource scan_from_file(const SceneOptions& files) {
  std::string id = stem_of(files.ct);
  if (id == "ct" || id == "CT" || id == "imaging" || id == "image") {
    const std::string parent = fs::absolute(files.ct).parent_path().filename().string();
    if (!parent.empty()) id = parent;
  }
  return {fit_for_a_folder(id), "", files, {}, {}};
}

Scene load_source(const ScanSource& source, const TargetSpacing& spacing) {
  if (!source.phantom) {
    SceneOptions options = source.files;
    options.spacing = spacing;
    if (source.estimate_labels) options.labels.clear();
    return load_scene(options);
  }
  PhantomOptions options = *source.phantom;
  if (spacing.kind == TargetSpacing::Kind::kMillimetres) options.spacing_mm = spacing.spacing_mm;
  Phantom phantom = make_phantom(options);
  Scene scene;
  scene.ct = std::move(phantom.ct);
  scene.labels = estimate_tissues(scene.ct);
  if (!source.estimate_labels) scene.labels = complete_labels(phantom.labels, scene.labels);
  scene.report.add_fact("scan", fmt::format("phantom {}", options.seed));
  return scene;
}

std::string scene_sha256(const Scene& scene) {
  Sha256 hash;
  const Geometry& grid = scene.ct.geometry;
  hash.update(grid.shape_zyx.data(), sizeof(grid.shape_zyx));
  hash.update(grid.spacing_zyx_mm.data(), sizeof(grid.spacing_zyx_mm));
  hash.update(&grid.origin_mm, sizeof(grid.origin_mm));
  hash.update(&grid.direction, sizeof(grid.direction));
  hash.update(scene.ct.voxels.data(), scene.ct.voxels.size() * sizeof(scene.ct.voxels[0]));
  hash.update(scene.labels.voxels.data(), scene.labels.voxels.size());
  for (const auto& [label, name] : scene.labels.names) hash.update(fmt::format("{}={};", label, name));
  return hash.finish();
}

}  // namespace renderfm::data
