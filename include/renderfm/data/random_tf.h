// Transfer functions that nobody drew, for training and for testing on what training never met.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "renderfm/volume/transfer_function.h"

namespace renderfm::data {

/// Every layer of a random transfer function lies in one cell of a board of hues x windows; seen functions
/// use the cells of one colour of that chessboard, unseen ones those of the other. So no layer of an unseen
/// function has the hue and the window of any seen one.
struct RandomLayer {
  std::string group;   ///< of organs
  int hue_bin = 0;     ///< of kHueBins: the hue of the middle colour point
  int window_bin = 0;  ///< of kWindowBins: where the group's opacity starts to rise
};
inline constexpr int kHueBins = 24, kWindowBins = 4;

struct RandomTransferFunction {
  TransferFunction tf;
  std::vector<RandomLayer> layers;  ///< one per layer of `tf`
};

/// Groups of organs near their natural colours and densities, each with its own ramp of opacity and colours
/// that lighten with HU; some groups are left out, seldom all but a few. Always shows bone, vessels or
/// organs.
RandomTransferFunction random_transfer_function(std::uint64_t seed, bool unseen);

/// The range of HU over which a group's windows lie, cut into kWindowBins; for tests.
std::pair<double, double> window_range_hu(const std::string& group);

/// Some of the groups that `tf` shows and `labels` hold, as --organs takes them; {"all"} where there are
/// fewer than two.
std::vector<std::string> random_organs(const TransferFunction& tf, const LabelVolume& labels,
                                       std::uint64_t seed);

}  // namespace renderfm::data
