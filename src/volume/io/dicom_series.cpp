#include "dicom_series.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <map>
#include <set>
#include <tuple>

#include "renderfm/core/check.h"

namespace renderfm {
namespace {

constexpr double kCosineTolerance = 1e-3;   // 0.06 degrees: IOP is often rounded
constexpr double kSpacingTolerance = 1e-3;  // relative
constexpr double kSamePlace_mm = 0.01;
constexpr std::array<const char*, 5> kVolumeKeyNames{"temporal position", "trigger time",
                                                     "acquisition number", "stack", "reconstruction kernel"};

bool close(Vec3d a, Vec3d b) {
  const Vec3d d = a - b;
  return std::abs(d.x) < kCosineTolerance && std::abs(d.y) < kCosineTolerance &&
         std::abs(d.z) < kCosineTolerance;
}

bool is_localizer(const DicomSlice& s) { return s.image_type.find("LOCALIZER") != std::string::npos; }

bool same_series(const DicomSlice& a, const DicomSlice& b) {
  return a.series_uid == b.series_uid && a.modality == b.modality && a.rows == b.rows &&
         a.columns == b.columns && a.has_position == b.has_position && is_localizer(a) == is_localizer(b) &&
         close(a.row_axis, b.row_axis) && close(a.column_axis, b.column_axis) &&
         std::abs(a.spacing_mm[0] - b.spacing_mm[0]) <= kSpacingTolerance * a.spacing_mm[0] &&
         std::abs(a.spacing_mm[1] - b.spacing_mm[1]) <= kSpacingTolerance * a.spacing_mm[1];
}

double along_normal(const DicomSlice& slice, Vec3d normal) { return dot(slice.position_mm, normal); }

void order_by_position(SliceStack& stack) {
  const Vec3d normal = slice_normal(stack.front());
  std::stable_sort(stack.begin(), stack.end(), [&](const DicomSlice& a, const DicomSlice& b) {
    return along_normal(a, normal) < along_normal(b, normal);
  });
}

// Number of slices that lie where the slice before them lies; the stack is ordered.
std::size_t count_coincident(const SliceStack& stack) {
  const Vec3d normal = slice_normal(stack.front());
  std::size_t count = 0;
  for (std::size_t i = 1; i < stack.size(); ++i) {
    if (along_normal(stack[i], normal) - along_normal(stack[i - 1], normal) < kSamePlace_mm) ++count;
  }
  return count;
}

// A time value or number sorts by its value, anything else as text.
using VolumeKey = std::pair<double, std::string>;
VolumeKey volume_key(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  return {end != text.c_str() && *end == '\0' ? value : 0.0, text};
}

// Splits a stack whose slices coincide into volumes whose slices do not; leaves it whole where no tag does
// that.
void split_time_points(DicomSeries& series, SliceStack stack) {
  for (std::size_t key = 0; key < kVolumeKeyNames.size(); ++key) {
    std::map<VolumeKey, SliceStack> parts;
    for (const DicomSlice& slice : stack) parts[volume_key(slice.volume_keys[key])].push_back(slice);
    if (parts.size() < 2) continue;
    const bool clean = std::all_of(parts.begin(), parts.end(), [](const auto& part) {
      return part.second.size() >= 2 && count_coincident(part.second) == 0;
    });
    if (!clean) continue;
    series.time_key = kVolumeKeyNames[key];
    for (auto& [value, part] : parts) series.time_points.push_back(std::move(part));
    return;
  }
  const Vec3d normal = slice_normal(stack.front());
  SliceStack kept;
  for (DicomSlice& slice : stack) {
    const bool repeated =
        !kept.empty() && along_normal(slice, normal) - along_normal(kept.back(), normal) < kSamePlace_mm;
    if (repeated) {
      ++series.duplicates;
    } else {
      kept.push_back(std::move(slice));
    }
  }
  series.time_points.push_back(std::move(kept));
}

// Copies of the same image, told by their SOP instance UID.
std::size_t drop_copies(SliceStack& stack) {
  std::set<std::pair<std::string, int>> seen;
  const std::size_t before = stack.size();
  std::erase_if(stack, [&](const DicomSlice& slice) {
    return !slice.sop_instance.empty() && !seen.emplace(slice.sop_instance, slice.frame).second;
  });
  return before - stack.size();
}

std::string why_unusable(const DicomSeries& series, bool allow_other_modality) {
  const DicomSlice& first = series.time_points.front().front();
  constexpr const char* kSecondaryCapture = "1.2.840.10008.5.1.4.1.1.7";
  if (first.rows == 0 || first.columns == 0) return "it holds no images (a report or another document)";
  if (is_localizer(first)) return "it is a localiser";
  if (first.sop_class.starts_with(kSecondaryCapture)) return "it is a secondary capture (screenshots)";
  if (first.samples_per_pixel != 1) return "its images are in colour";
  if (first.modality != "CT" && !allow_other_modality) {
    return first.modality.empty() ? "it does not say that it is CT"
                                  : fmt::format("it is {}, not CT", first.modality);
  }
  if (!first.has_position) return "its images give no position in the patient";
  if (series.time_points.front().size() < 2) return "it is a single image";
  return "";
}

DicomSeries make_series(SliceStack stack, bool allow_other_modality) {
  DicomSeries series;
  series.duplicates = drop_copies(stack);
  std::stable_sort(stack.begin(), stack.end(), [](const DicomSlice& a, const DicomSlice& b) {
    return a.instance_number < b.instance_number;
  });
  const DicomSlice first = stack.front();
  if (first.has_position) {
    order_by_position(stack);
    if (count_coincident(stack) > 0) {
      split_time_points(series, std::move(stack));
    } else {
      series.time_points.push_back(std::move(stack));
    }
  } else {
    series.time_points.push_back(std::move(stack));
  }
  SeriesInfo& info = series.info;
  info.uid = first.series_uid;
  info.description = first.series_description;
  info.modality = first.modality;
  info.slices = static_cast<int>(series.time_points.front().size());
  info.rows = first.rows;
  info.columns = first.columns;
  info.spacing_mm = first.has_position ? median_gap_mm(series.time_points.front()) : 0;
  if (series.time_points.size() > 1) {
    info.description += fmt::format("{}({} volumes by {})", info.description.empty() ? "" : " ",
                                    series.time_points.size(), series.time_key);
  }
  info.why_not = why_unusable(series, allow_other_modality);
  info.usable = info.why_not.empty();
  series.axial = std::abs(slice_normal(first).z) > 0.8;
  series.primary = first.image_type.find("SECONDARY") == std::string::npos;
  return series;
}

}  // namespace

Vec3d slice_normal(const DicomSlice& slice) { return normalised(cross(slice.row_axis, slice.column_axis)); }

double median_gap_mm(const SliceStack& stack) {
  if (stack.size() < 2) return 0;
  const Vec3d normal = slice_normal(stack.front());
  std::vector<double> gaps;
  for (std::size_t i = 1; i < stack.size(); ++i) {
    gaps.push_back(along_normal(stack[i], normal) - along_normal(stack[i - 1], normal));
  }
  const auto middle = gaps.begin() + static_cast<std::ptrdiff_t>(gaps.size() / 2);
  std::nth_element(gaps.begin(), middle, gaps.end());
  return *middle;
}

std::vector<DicomSeries> group_series(const std::vector<DicomSlice>& slices, bool allow_other_modality) {
  std::map<std::string, std::vector<SliceStack>> by_uid;
  for (const DicomSlice& slice : slices) {
    auto& groups = by_uid[slice.series_uid];
    const auto group = std::find_if(groups.begin(), groups.end(), [&](const SliceStack& stack) {
      return same_series(stack.front(), slice);
    });
    if (group == groups.end()) {
      groups.push_back({slice});
    } else {
      group->push_back(slice);
    }
  }
  std::vector<DicomSeries> result;
  for (auto& [uid, groups] : by_uid) {
    for (SliceStack& stack : groups) result.push_back(make_series(std::move(stack), allow_other_modality));
  }
  std::stable_sort(result.begin(), result.end(), [](const DicomSeries& a, const DicomSeries& b) {
    const auto rank = [](const DicomSeries& s) {
      return std::make_tuple(s.info.usable, s.primary, s.axial, s.info.slices * s.info.rows * s.info.columns);
    };
    return rank(a) > rank(b);
  });
  return result;
}

}  // namespace renderfm
