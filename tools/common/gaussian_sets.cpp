#include "common/gaussian_sets.h"

#include "renderfm/gaussian/gaussian_file.h"
#include "renderfm/model/gaussian_view.h"

namespace renderfm::tools {

std::vector<GaussianSet> load_gaussians(const std::filesystem::path& in, const ScanOptions& options) {
  if (is_gaussian_file(in)) return {select_organs(read_gaussians(in), options.organs)};
  const TransferFunctionChoice choice(options);
  const auto network = load_network(options);
  const Scene scene = load_scene(in, options, network.get());
  std::vector<GaussianSet> sets;
  for (const TransferFunction& tf : choice.resolve(scene)) {
    sets.push_back(predict(scene, tf, options, network.get()).gaussians);
  }
  return sets;
}

}  // namespace renderfm::tools
