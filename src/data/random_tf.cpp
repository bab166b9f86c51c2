#include "renderfm/data/random_tf.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "renderfm/core/check.h"
#include "renderfm/math/rng.h"
#include "renderfm/volume/labels.h"

namespace renderfm::data {
namespace {

/// What is plausible for a group.
struct GroupStyle {
  const char* group;
  double chance;                     // of being shown
  double start_low, start_high;      // HU where opacity starts to rise
  double rise_low, rise_high;        // HU over which it rises
  double opacity_low, opacity_high;  // per mm, at the top
  double hue_deg, hue_spread_deg;    // natural hue, standard deviation of ours
  double saturation;
  double color_low, color_high;  // HU of the darkest and the lightest colour
};

// The first that matches an organ draws it, so the special stand before the general.
constexpr GroupStyle kStyles[] = {
    {"costal_cartilages", 0.6, 0, 80, 60, 140, 0.3, 0.9, 42, 14, 0.30, 10, 350},
    {"skeleton", 0.92, 0, 180, 80, 320, 0.7, 0.98, 32, 18, 0.55, 40, 1200},
    {"airways", 0.4, -1000, -900, 300, 700, 0.2, 0.85, 200, 25, 0.35, -1000, 0},
    {"lungs", 0.4, -850, -550, 300, 600, 0.08, 0.85, 5, 20, 0.50, -850, 0},
    {"veins", 0.7, -80, 60, 50, 120, 0.6, 0.95, 220, 20, 0.60, -20, 350},
    {"heart", 0.7, -80, 60, 60, 140, 0.5, 0.95, 6, 14, 0.70, -20, 350},
    {"vessels", 0.85, -80, 100, 50, 140, 0.6, 0.95, 4, 12, 0.80, -20, 400},
    {"liver", 0.65, -150, 40, 60, 150, 0.5, 0.95, 12, 12, 0.65, -40, 220},
    {"spleen", 0.65, -150, 40, 60, 150, 0.5, 0.95, 325, 20, 0.50, -40, 240},
    {"kidneys", 0.7, -150, 40, 60, 150, 0.5, 0.95, 14, 14, 0.60, -40, 300},
    {"digestive", 0.5, -150, 20, 80, 200, 0.3, 0.93, 18, 18, 0.40, -80, 300},
    {"organs", 0.6, -150, 40, 60, 180, 0.4, 0.95, 40, 30, 0.50, -60, 250},
    {"muscles", 0.18, -60, 40, 60, 150, 0.03, 0.9, 4, 14, 0.60, -60, 180},
    {"fat", 0.05, -190, -130, 40, 90, 0.004, 0.03, 46, 10, 0.45, -180, -30},
    {"skin", 0.05, -400, -150, 100, 300, 0.01, 0.9, 22, 10, 0.40, -400, 200},
};

double between(Pcg32& rng, double low, double high) { return rng.uniform<double>(low, high); }

Vec3f srgb_from_hsv(double hue_deg, double saturation, double value) {
  const auto channel = [&](double n) {
    const double k = std::fmod(n + hue_deg / 60, 6.0);
    return static_cast<float>(value - value * saturation * std::clamp(std::min(k, 4 - k), 0.0, 1.0));
  };
  return {channel(5), channel(3), channel(1)};
}

// Curves go to YAML files and back; a few digits are enough and read better.
double rounded(double value, double step) { return std::round(value / step) * step; }
Vec3f rounded(Vec3f c) {
  for (int n = 0; n < 3; ++n) c[n] = std::round(c[n] * 255) / 255;
  return c;
}

RandomLayer draw_cell(const GroupStyle& style, bool unseen, Pcg32& rng) {
  RandomLayer cell{style.group, 0, static_cast<int>(rng.below(kWindowBins))};
  double hue_deg = std::fmod(style.hue_deg + style.hue_spread_deg * rng.normal<double>(), 360.0);
  if (hue_deg < 0) hue_deg += 360;
  cell.hue_bin = std::min(kHueBins - 1, static_cast<int>(hue_deg * kHueBins / 360));
  if (((cell.hue_bin + cell.window_bin) % 2 == 1) != unseen) {
    cell.hue_bin = (cell.hue_bin + (rng.below(2) == 0 ? 1 : kHueBins - 1)) % kHueBins;
  }
  return cell;
}

TransferLayer draw_layer(const GroupStyle& style, const RandomLayer& cell, Pcg32& rng) {
  TransferLayer layer;
  layer.organs = {style.group};
  // Away from the bins' edges, so that neither rounding nor a neighbour's draw meets them.
  const double place = (cell.window_bin + between(rng, 0.1, 0.9)) / kWindowBins;
  const double start = rounded(style.start_low + place * (style.start_high - style.start_low), 1);
  const double rise = between(rng, style.rise_low, style.rise_high);
  // Opacity is felt as its logarithm.
  const double top = style.opacity_low * std::pow(style.opacity_high / style.opacity_low, between(rng, 0, 1));
  const double knee = between(rng, 0.3, 0.7);
  layer.opacity = {{start, 0},
                   {rounded(start + knee * rise, 1), rounded(top * between(rng, 0.4, 0.8), 1e-4)},
                   {rounded(start + rise, 1), rounded(top, 1e-4)}};
  const double bin_deg = 360.0 / kHueBins;
  const double hue_deg = (cell.hue_bin + between(rng, 0.2, 0.8)) * bin_deg;
  const double saturation = std::clamp(style.saturation * between(rng, 0.7, 1.25), 0.1, 0.9);
  const double middle = between(rng, 0.15, 0.4);
  const double lightest = between(rng, 0.92, 1.0);
  const auto hu = [&](double share) {
    return rounded(style.color_low + share * (style.color_high - style.color_low), 1);
  };
  layer.color = {{hu(0), rounded(srgb_from_hsv(std::fmod(hue_deg + 350, 360),
                                               std::min(0.95, saturation * 1.3), between(rng, 0.35, 0.6)))},
                 {hu(middle), rounded(srgb_from_hsv(hue_deg, saturation, between(rng, 0.7, 0.95)))},
                 {hu(1), rounded(srgb_from_hsv(hue_deg, saturation * between(rng, 0.1, 0.5), lightest))}};
  return layer;
}

bool carries_a_picture(const std::string& group) {
  return group == "skeleton" || group == "vessels" || group == "liver" || group == "organs";
}

}  // namespace

std::pair<double, double> window_range_hu(const std::string& group) {
  for (const GroupStyle& style : kStyles) {
    if (group == style.group) return {style.start_low, style.start_high};
  }
  fail_runtime("no random transfer function knows the group '{}'", group);
}

RandomTransferFunction random_transfer_function(std::uint64_t seed, bool unseen) {
  Pcg32 rng = Pcg32::from(seed, unseen ? 2 : 1, 0x7466);
  RandomTransferFunction result;
  for (const GroupStyle& style : kStyles) {
    if (rng.uniform<double>() >= style.chance) continue;
    const RandomLayer cell = draw_cell(style, unseen, rng);
    result.layers.push_back(cell);
    result.tf.layers.push_back(draw_layer(style, cell, rng));
  }
  const bool shows = std::any_of(result.layers.begin(), result.layers.end(),
                                 [](const RandomLayer& layer) { return carries_a_picture(layer.group); });
  if (!shows) {
    const GroupStyle& skeleton = kStyles[1];
    const RandomLayer cell = draw_cell(skeleton, unseen, rng);
    result.layers.insert(result.layers.begin(), cell);
    result.tf.layers.insert(result.tf.layers.begin(), draw_layer(skeleton, cell, rng));
  }
  result.tf.name = fmt::format("random-{}-{:016x}", unseen ? "unseen" : "seen", seed);
  result.tf.description = "Random curves near natural colours";
  return result;
}

std::vector<std::string> random_organs(const TransferFunction& tf, const LabelVolume& labels,
                                       std::uint64_t seed) {
  std::vector<std::string> groups;
  for (const TransferLayer& layer : tf.layers) {
    for (const std::string& group : layer.organs) {
      const bool occurs = std::any_of(labels.names.begin(), labels.names.end(),
                                      [&](const auto& entry) { return organ_matches(entry.second, group); });
      if (occurs && group != "all" && std::find(groups.begin(), groups.end(), group) == groups.end()) {
        groups.push_back(group);
      }
    }
  }
  if (groups.size() < 2) return {"all"};
  Pcg32 rng = Pcg32::from(seed, 3, 0x6F7267);
  for (std::size_t n = groups.size() - 1; n > 0; --n) {
    std::swap(groups[n], groups[rng.below(static_cast<std::uint32_t>(n + 1))]);
  }
  groups.resize(1 + rng.below(static_cast<std::uint32_t>(groups.size() - 1)));
  std::sort(groups.begin(), groups.end());
  return groups;
}

}  // namespace renderfm::data
