// HU and organ -> colour and opacity.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "renderfm/volume/volume.h"

namespace renderfm {

/// A point of a piecewise curve with VTK's midpoint and sharpness, which shape the segment that follows it.
struct ScalarPoint {
  double x;  ///< HU, or HU per mm for gradient opacity
  double y;  ///< opacity in [0, 1]
  double midpoint = 0.5;
  double sharpness = 0;
};

struct ColorPoint {
  double x;    ///< HU
  Vec3f srgb;  ///< display-referred, in [0, 1]
  double midpoint = 0.5;
  double sharpness = 0;
};

/// How one group of organs looks. Curves are clamped at their ends.
struct TransferLayer {
  std::vector<std::string> organs;   ///< names and groups; "all" is everything, unlabelled body included
  std::vector<ScalarPoint> opacity;  ///< per unit distance
  std::vector<ColorPoint> color;
  std::vector<ScalarPoint> gradient_opacity;  ///< multiplies the opacity; empty means 1
};

/// The first layer that matches an organ draws it; an organ that none matches is invisible.
struct TransferFunction {
  std::string name, description;
  double unit_distance_mm = 1;  ///< delta: the length over which `opacity` is reached
  double density_scale = 1;
  double phase_g = 0;  ///< Henyey-Greenstein mean cosine
  std::vector<TransferLayer> layers;
};

double evaluate_curve(const std::vector<ScalarPoint>& points, double x);
Vec3f evaluate_curve(const std::vector<ColorPoint>& points, double x);

/// Opacity per unit distance -> extinction per mm: density_scale * -ln(1 - min(a, 0.999)) / delta.
double extinction_per_mm(double opacity, const TransferFunction& tf);

struct PresetInfo {
  std::string name, description;
};
/// The built-in presets. "auto" is none of them but choose_preset().
std::vector<PresetInfo> preset_list();

/// The built-in preset that fits: by contrast agent, by the labels present, by the body part.
std::string choose_preset(const CtVolume& ct, const LabelVolume& labels);

/// A built-in preset by name, or a file: our YAML, Slicer .vp and .vp.json, ParaView JSON. `range_hu` is
/// needed for files whose x runs from 0 to 1. Throws kBadInput naming file and line, or listing the presets.
TransferFunction load_transfer_function(const std::string& name_or_path,
                                        std::optional<std::pair<double, double>> range_hu = {});

/// Our YAML; load_transfer_function reads it back equal.
std::string to_yaml(const TransferFunction& tf);

}  // namespace renderfm
