#include "renderfm/gaussian/file_report.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "gaussian/files/codecs.h"
#include "renderfm/core/check.h"
#include "renderfm/math/alpha_limits.h"
#include "renderfm/math/sh.h"

namespace renderfm {
namespace {

using nlohmann::json;

FileReport::Range range_of(std::vector<float> values) {
  if (values.empty()) return {};
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return {static_cast<double>(*low), static_cast<double>(*middle), static_cast<double>(*high)};
}

void measure(const GaussianRows& rows, FileReport& report) {
  const GaussianColumns columns = columns_of(rows);
  std::vector<float> extents, direction_extents;
  for (std::int64_t n = 0; n < rows.size(); ++n) {
    const Gaussian6d g = load(columns, n);
    const PrincipalAxes axes = extent_of(g);
    bool clipped = false;
    for (int axis = 0; axis < 3; ++axis) {
      report.low_mm[axis] = n == 0 ? g.position[axis] : std::min(report.low_mm[axis], g.position[axis]);
      report.high_mm[axis] = n == 0 ? g.position[axis] : std::max(report.high_mm[axis], g.position[axis]);
      extents.push_back(static_cast<float>(std::sqrt(std::max(axes.values[axis], 0.0))));
      direction_extents.push_back(static_cast<float>(g.a[axis][axis]));
      const double colour = 0.5 + kSh0 * g.sh[static_cast<std::size_t>(axis)];
      clipped = clipped || colour < -1e-6 || colour > 1 + 1e-6;
    }
    report.clipped_colours += clipped ? 1 : 0;
    report.invisible += g.opacity < kAlphaCut ? 1 : 0;
    ++report.opacity_histogram[static_cast<std::size_t>(std::clamp(10 * g.opacity, 0.0, 9.0))];
    ++report.labels[g.label];
  }
  report.extent_mm = range_of(std::move(extents));
  report.direction_extent = range_of(std::move(direction_extents));
  report.opacity = range_of(rows.opacity);
}

json range_json(const FileReport::Range& range) {
  return {{"min", range.least}, {"median", range.middle}, {"max", range.greatest}};
}

std::string range_text(const FileReport::Range& range) {
  return fmt::format("{:.4g} to {:.4g}, median {:.4g}", range.least, range.greatest, range.middle);
}

std::string name_of(const FileReport& report, std::uint8_t label) {
  const auto found = report.notes.label_names.find(label);
  return found != report.notes.label_names.end() ? found->second : label == 0 ? "no label" : "unnamed";
}

}  // namespace

FileReport inspect_gaussian_file(const std::filesystem::path& path) {
  const auto format = gaussian_format(path);
  if (!format) {
    fail_input("{} is no Gaussian file by its suffix; those are {}", path.string(), gaussian_suffixes());
  }
  FileInput input(path);
  const DecodedFile file = decode(*format, input, Unusable::kLeaveOut);
  FileReport report;
  report.path = path.string();
  report.bytes = input.size();
  report.facts = file.facts;
  report.notes = file.rows.notes;
  measure(file.rows, report);
  if (report.facts.count == 0) report.problems.push_back("it holds no Gaussians");
  if (report.facts.unusable > 0) {
    report.problems.push_back(
        fmt::format("{} Gaussians have a value that is not finite or no extent; readers refuse them",
                    report.facts.unusable));
  }
  if (report.invisible > 0) {
    report.facts.remarks.push_back(
        fmt::format("{} Gaussians are fainter than 1/255 and are never drawn", report.invisible));
  }
  if (report.clipped_colours > 0) {
    report.facts.remarks.push_back(
        fmt::format("{} Gaussians have a colour beyond black or white, which 8-bit formats clip",
                    report.clipped_colours));
  }
  return report;
}

std::string to_json(const FileReport& report) {
  const auto vector = [](Vec3d v) { return json{v.x, v.y, v.z}; };
  json out{{"file", report.path},
           {"bytes", report.bytes},
           {"format", report.facts.format},
           {"layout", report.facts.layout},
           {"frame", report.facts.frame},
           {"gaussians", report.facts.count},
           {"unusable", report.facts.unusable},
           {"sh_degree", report.facts.sh_degree},
           {"six_dimensional", report.facts.six_dimensional},
           {"antialiased", report.notes.low_pass_compensation},
           {"lambda_opacity", report.notes.lambda_opacity},
           {"box_mm", {{"min", vector(report.low_mm)}, {"max", vector(report.high_mm)}}},
           {"extent_mm", range_json(report.extent_mm)},
           {"opacity", range_json(report.opacity)},
           {"opacity_histogram", report.opacity_histogram},
           {"direction_extent", range_json(report.direction_extent)},
           {"invisible", report.invisible},
           {"clipped_colours", report.clipped_colours},
           {"transfer_function", report.notes.transfer_function},
           {"model", report.notes.model},
           {"labels", json::array()},
           {"remarks", report.facts.remarks},
           {"problems", report.problems}};
  if (report.notes.view_sphere) {
    out["view_sphere"] = {{"centre_mm", vector(report.notes.view_sphere->centre_mm)},
                          {"radius_mm", report.notes.view_sphere->radius_mm}};
  }
  for (const auto& [label, count] : report.labels) {
    out["labels"].push_back({{"label", label}, {"name", name_of(report, label)}, {"gaussians", count}});
  }
  return out.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

std::string to_text(const FileReport& report) {
  std::string text;
  const auto line = [&](const std::string& what, const std::string& value) {
    text += fmt::format("{:<18}{}\n", what, value);
  };
  line("file", fmt::format("{}, {:.1f} MB", report.path, static_cast<double>(report.bytes) / 1e6));
  line("layout", fmt::format("{}, {}", report.facts.layout,
                             report.facts.six_dimensional ? "six-dimensional" : "three-dimensional"));
  line("frame", report.facts.frame);
  line("Gaussians", fmt::format("{}", report.facts.count));
  line("SH degree", fmt::format("{}", report.facts.sh_degree));
  line("antialiased", report.notes.low_pass_compensation ? "yes" : "no");
  line("box",
       fmt::format("{:.1f} {:.1f} {:.1f} to {:.1f} {:.1f} {:.1f} mm (LPS)", report.low_mm.x, report.low_mm.y,
                   report.low_mm.z, report.high_mm.x, report.high_mm.y, report.high_mm.z));
  line("extent", range_text(report.extent_mm) + " mm");
  line("opacity", range_text(report.opacity));
  std::string tenths;
  for (const std::int64_t count : report.opacity_histogram) tenths += fmt::format("{} ", count);
  line("opacity tenths", tenths);
  if (report.facts.six_dimensional) line("direction extent", range_text(report.direction_extent));
  if (!report.notes.transfer_function.empty()) line("transfer function", report.notes.transfer_function);
  if (!report.notes.model.empty()) line("model", report.notes.model);
  if (report.labels.size() > 1) {
    for (const auto& [label, count] : report.labels) {
      line(fmt::format("label {}", label), fmt::format("{}, {} Gaussians", name_of(report, label), count));
    }
  }
  for (const std::string& remark : report.facts.remarks) line("remark", remark);
  for (const std::string& problem : report.problems) line("PROBLEM", problem);
  return text;
}

}  // namespace renderfm
