// Transfer functions from text, one reader per format; load_transfer_function() chooses.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "renderfm/core/config_node.h"
#include "renderfm/volume/transfer_function.h"

namespace renderfm::tf {

/// The HU that a file's 0 and 1 stand for.
using HuRange = std::optional<std::pair<double, double>>;

/// Our own format; strict: unsorted points, unknown keys and unknown organs are errors.
TransferFunction read_yaml(const ConfigNode& document);
/// 3D Slicer's nine lines of numbers. `name` is what messages call the file.
TransferFunction read_slicer_vp(const std::string& text, const std::string& name);
/// 3D Slicer's volume property schema.
TransferFunction read_slicer_json(const ConfigNode& document);
/// ParaView's colour map presets, and MITK's variant of them.
TransferFunction read_paraview(const ConfigNode& document);

/// The built-in presets as (name, YAML), in the order in which they are listed.
const std::vector<std::pair<std::string, std::string>>& embedded_presets();

/// As VTK keeps foreign points: sorted by x, the last of several at one x wins.
template <class Point>
void sort_points(std::vector<Point>& points);

/// A gradient opacity of 1 everywhere is none at all: other programs always write one.
void drop_constant_one(std::vector<ScalarPoint>& gradient_opacity);

/// Moves points whose x all lie in [0, 1] to HU; throws without a range, since such a file means nothing in
/// HU.
void map_unit_range(TransferFunction& tf, const HuRange& range_hu, const std::string& where);

/// Checks a foreign value at `where` against [low, high].
double in_range(double value, double low, double high, const char* what, const std::string& where);

}  // namespace renderfm::tf
