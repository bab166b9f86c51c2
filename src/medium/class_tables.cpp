#include "class_tables.h"

#include <algorithm>

#include "renderfm/core/check.h"
#include "renderfm/core/parallel.h"
#include "renderfm/volume/labels.h"
#include "renderfm/volume/tissue_estimator.h"

namespace renderfm {
namespace {

// Optical depth of one voxel beyond which nothing changes but the path tracer's null collisions.
constexpr double kMaxVoxelDepth = 6;
constexpr std::size_t kBinCount = static_cast<std::size_t>(MediumClass::kBins);

bool draws(const TransferLayer& layer, const std::string& organ) {
  return std::any_of(layer.organs.begin(), layer.organs.end(),
                     [&](const std::string& term) { return organ_matches(organ, term); });
}

bool transparent(const TransferLayer& layer) {
  return std::all_of(layer.opacity.begin(), layer.opacity.end(),
                     [](const ScalarPoint& p) { return p.y == 0; });
}

MediumClass build_tables(const TransferLayer& layer, const TransferFunction& tf, double min_spacing_mm) {
  MediumClass tables{std::vector<float>(kBinCount), std::vector<Vec3f>(kBinCount)};
  for (std::size_t bin = 0; bin < kBinCount; ++bin) {
    const double hu = kMinHu + static_cast<double>(bin);
    const double sigma = extinction_per_mm(evaluate_curve(layer.opacity, hu), tf);
    tables.sigma_t_per_mm[bin] = static_cast<float>(std::min(sigma, kMaxVoxelDepth / min_spacing_mm));
    tables.srgb[bin] = evaluate_curve(layer.color, hu);
  }
  return tables;
}

}  // namespace

ClassTables build_class_tables(const LabelVolume& labels, const TransferFunction& tf,
                               const std::array<bool, 256>& organs, double min_spacing_mm) {
  ClassTables result;
  result.layer_of_class.push_back(-1);
  std::vector<int> class_of_layer(tf.layers.size(), -1);

  const auto assign = [&](std::uint8_t label, const std::string& name) {
    if (!organs[label]) return;
    for (std::size_t l = 0; l < tf.layers.size(); ++l) {
      if (!draws(tf.layers[l], name)) continue;
      if (transparent(tf.layers[l])) return;
      if (class_of_layer[l] < 0) {
        class_of_layer[l] = static_cast<int>(result.layer_of_class.size());
        result.layer_of_class.push_back(static_cast<int>(l));
      }
      if (class_of_layer[l] >= kMaxClasses) {
        fail_input(
            "the transfer function '{}' draws these organs in more than {} different ways; merge layers or "
            "select fewer organs",
            tf.name, kMaxClasses - 1);
      }
      result.class_of_label[label] = static_cast<std::uint8_t>(class_of_layer[l]);
      return;
    }
  };
  for (const auto& [label, name] : labels.names) {
    if (label != 0) assign(label, name);
  }
  // Once the body is filled with estimated tissues, what is left over is air, table and clothes.
  if (labels.names.lower_bound(static_cast<std::uint8_t>(Tissue::kLung)) == labels.names.end()) assign(0, "");

  result.classes.resize(result.layer_of_class.size());
  result.classes[0] = {std::vector<float>(kBinCount), std::vector<Vec3f>(kBinCount)};
  parallel_for(
      1, static_cast<std::int64_t>(result.classes.size()), 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t c = begin; c < end; ++c) {
          const auto layer = static_cast<std::size_t>(result.layer_of_class[static_cast<std::size_t>(c)]);
          result.classes[static_cast<std::size_t>(c)] = build_tables(tf.layers[layer], tf, min_spacing_mm);
        }
      });
  return result;
}

}  // namespace renderfm
