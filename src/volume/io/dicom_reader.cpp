#include "dicom_reader.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <numbers>

#include "dicom_pixels.h"
#include "dicom_series.h"
#include "renderfm/core/parallel.h"

namespace renderfm {
namespace fs = std::filesystem;
namespace {

constexpr double kEvenTolerance = 0.01;  // of the spacing
constexpr double kMissingRatio = 1.5;    // a gap this much wider lacks a slice
constexpr double kTilt_deg = 0.1;
constexpr double kMaxSidestep = 0.5;  // of a pixel: what slices may depart from a straight stack

struct DicomFolder {
  std::vector<DicomFile> files;
  std::vector<DicomSeries> series;
  std::string wanted_uid;  ///< of the single file that was named
};

DicomFolder open_dicom(const fs::path& path, FileFormat format, bool allow_other_modality) {
  DicomFolder folder;
  DicomHeaders headers;
  if (format == FileFormat::kDicom) {
    headers = read_dicom_headers({DicomFile{path.string(), path, nullptr}});
    if (headers.slices.size() == 1) {  // one slice of many: the others lie beside it
      folder.wanted_uid = headers.slices.front().series_uid;
      folder.files =
          dicom_files_in_folder(path.has_parent_path() ? path.parent_path() : fs::path("."), false);
      headers = read_dicom_headers(folder.files);
    } else {
      folder.files = {DicomFile{path.string(), path, nullptr}};
    }
  } else {
    folder.files = format == FileFormat::kZip ? dicom_files_in_zip(path) : dicom_files_in_folder(path, true);
    headers = read_dicom_headers(folder.files);
  }
  if (headers.slices.empty()) {
    if (!headers.unreadable_syntaxes.empty() && !headers.unreadable_syntaxes.front().empty()) {
      fail_transfer_syntax(headers.unreadable_file, headers.unreadable_syntaxes.front());
    }
    fail_input("{}: {} cannot be read as DICOM, so it is damaged or cut short; copy or export it again",
               path.string(), headers.unreadable_file);
  }
  folder.series = group_series(headers.slices, allow_other_modality);
  return folder;
}

std::string describe(const SeriesInfo& info, std::size_t number) {
  return fmt::format("{}: {} {} x {} x {}{}{}", number, info.modality.empty() ? "unknown" : info.modality,
                     info.columns, info.rows, info.slices,
                     info.description.empty() ? "" : fmt::format(" \"{}\"", info.description),
                     info.usable ? "" : fmt::format(" ({})", info.why_not));
}

std::string describe_all(const std::vector<DicomSeries>& series) {
  constexpr std::size_t kShown = 12;
  std::string text;
  for (std::size_t i = 0; i < std::min(series.size(), kShown); ++i) {
    text += (i == 0 ? "" : "; ") + describe(series[i].info, i + 1);
  }
  if (series.size() > kShown) text += fmt::format("; and {} more", series.size() - kShown);
  return text;
}

const DicomSeries& choose_series(const DicomFolder& folder, const std::string& wanted,
                                 const std::string& name, ScanReport& report) {
  const auto& series = folder.series;
  std::size_t chosen = series.size();
  const std::string uid = wanted.empty() ? folder.wanted_uid : wanted;
  for (std::size_t i = 0; i < series.size() && chosen == series.size(); ++i) {
    if (!uid.empty() && series[i].info.uid == uid) chosen = i;
  }
  if (chosen == series.size() && !wanted.empty()) {
    std::size_t number = 0;
    const auto parsed = std::from_chars(wanted.data(), wanted.data() + wanted.size(), number);
    const bool is_number = parsed.ec == std::errc() && parsed.ptr == wanted.data() + wanted.size();
    if (!is_number || number < 1 || number > series.size()) {
      fail_input("{} has no series {}; it holds {}", name, wanted, describe_all(series));
    }
    chosen = number - 1;
  }
  if (chosen == series.size()) chosen = 0;  // the default choice stands first
  const SeriesInfo& info = series[chosen].info;
  if (!info.usable) {
    const bool other_modality = info.why_not.ends_with("not CT") || info.why_not.ends_with("that it is CT");
    const std::string remedy =
        other_modality ? "give a CT, or --force to read it as one" : "give a series of CT slices";
    if (wanted.empty()) {
      fail_input("{} holds no CT that can be used ({}); {}", name, describe_all(series), remedy);
    }
    fail_input("{}: series {} cannot be used: {}; {}", name, wanted, info.why_not, remedy);
  }
  const auto usable =
      std::count_if(series.begin(), series.end(), [](const auto& s) { return s.info.usable; });
  report.add_fact("series", fmt::format("{} of {}", chosen + 1, series.size()));
  if (usable > 1 && uid.empty()) {
    report.add_repair(
        "several_series",
        fmt::format("{} holds {} usable series; the largest was taken ({} x {} x {}; choose another "
                    "with --series, list them with --list-series)",
                    name, usable, info.columns, info.rows, info.slices));
  }
  return series[chosen];
}

// Slices on their positions along the normal, relative to the first.
struct StackGeometry {
  Vec3d normal;
  std::vector<double> height_mm;
  Vec3d drift;  ///< sideways mm per mm along the normal: the tangent of the gantry's tilt
  double tilt_deg = 0;
};

StackGeometry measure(const SliceStack& stack, const std::string& name) {
  StackGeometry g;
  const DicomSlice& first = stack.front();
  g.normal = slice_normal(first);
  for (const DicomSlice& slice : stack) {
    g.height_mm.push_back(dot(slice.position_mm - first.position_mm, g.normal));
  }
  const Vec3d step = stack.back().position_mm - first.position_mm;
  g.drift = (step - g.normal * g.height_mm.back()) * (1 / g.height_mm.back());
  g.tilt_deg = std::atan(norm(g.drift)) * 180 / std::numbers::pi;

  double greatest_mm = 0;
  for (std::size_t i = 0; i < stack.size(); ++i) {
    const Vec3d expected = first.position_mm + (g.normal + g.drift) * g.height_mm[i];
    greatest_mm = std::max(greatest_mm, norm(stack[i].position_mm - expected));
  }
  const double pixel_mm = std::min(first.spacing_mm[0], first.spacing_mm[1]);
  if (greatest_mm > kMaxSidestep * pixel_mm) {
    fail_input(
        "{}: slices lie up to {:.1f} mm beside a straight stack, so they are not one volume; export a single "
        "reconstruction",
        name, greatest_mm);
  }
  if (g.tilt_deg < kTilt_deg) g.drift = {0, 0, 0};
  return g;
}

// Evenly spaced slices out of uneven ones, linearly; both ends are kept.
std::vector<std::int16_t> space_evenly(const std::vector<std::int16_t>& hu,
                                       const std::vector<double>& height_mm, std::int64_t slice_size,
                                       std::int64_t count) {
  std::vector<std::int16_t> even(static_cast<std::size_t>(slice_size * count));
  const double spacing_mm = height_mm.back() / static_cast<double>(count - 1);
  parallel_for(0, count, 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t k = first; k < last; ++k) {
      const double height = std::min(static_cast<double>(k) * spacing_mm, height_mm.back());
      auto above = static_cast<std::int64_t>(std::upper_bound(height_mm.begin(), height_mm.end(), height) -
                                             height_mm.begin());
      above = std::min(above, static_cast<std::int64_t>(height_mm.size()) - 1);
      const auto low_slot = static_cast<std::size_t>(above - 1), high_slot = static_cast<std::size_t>(above);
      const auto weight =
          static_cast<float>((height - height_mm[low_slot]) / (height_mm[high_slot] - height_mm[low_slot]));
      const std::int16_t* low = hu.data() + (above - 1) * slice_size;
      const std::int16_t* high = hu.data() + above * slice_size;
      std::int16_t* target = even.data() + k * slice_size;
      for (std::int64_t i = 0; i < slice_size; ++i) {
        const auto a = static_cast<float>(low[i]), b = static_cast<float>(high[i]);
        target[i] = static_cast<std::int16_t>(std::lrintf(a + weight * (b - a)));
      }
    }
  });
  return even;
}

// Checks the gaps and evens them out where needed. Returns the spacing; `hu` and `count` follow it.
double even_spacing(const StackGeometry& g, const std::string& name, bool allow_gaps, std::int64_t slice_size,
                    std::vector<std::int16_t>& hu, std::int64_t& count, ScanReport& report) {
  std::vector<double> gaps;
  for (std::size_t i = 1; i < g.height_mm.size(); ++i) gaps.push_back(g.height_mm[i] - g.height_mm[i - 1]);
  std::vector<double> sorted = gaps;
  std::sort(sorted.begin(), sorted.end());
  const double median = sorted[sorted.size() / 2];
  int missing = 0, uneven = 0;
  std::string places;
  for (std::size_t i = 0; i < gaps.size(); ++i) {
    if (gaps[i] > kMissingRatio * median) {
      missing += static_cast<int>(std::max(1.0, std::round(gaps[i] / median) - 1));
      if (places.empty()) places = fmt::format("a gap of {:.1f} mm after slice {}", gaps[i], i + 1);
    } else if (std::abs(gaps[i] - median) > kEvenTolerance * median) {
      ++uneven;
    }
  }
  const double length = g.height_mm.back();
  if (missing == 0 && uneven == 0) return length / static_cast<double>(count - 1);
  if (missing > 0 && !allow_gaps) {
    fail_input(
        "{}: about {} slice{} missing ({}, the others are {:.3g} mm apart); export the whole series, or give "
        "--allow-gaps to interpolate",
        name, missing, missing == 1 ? " is" : "s are", places, median);
  }
  const auto even_count = std::max<std::int64_t>(2, std::llround(length / median) + 1);
  if (even_count > 50 * count) {
    fail_input(
        "{}: its slices are spaced too unevenly to be one volume ({:.3g} to {:.3g} mm); export a single "
        "reconstruction",
        name, sorted.front(), sorted.back());
  }
  hu = space_evenly(hu, g.height_mm, slice_size, even_count);
  const double spacing_mm = length / static_cast<double>(even_count - 1);
  if (missing > 0) {
    report.add_repair("missing_slices",
                      fmt::format("{}: about {} slice{} missing ({}); the gaps were interpolated", name,
                                  missing, missing == 1 ? " is" : "s are", places));
  } else {
    report.add_repair(
        "irregular_slices",
        fmt::format("{}: the distance between slices varies from {:.4g} to {:.4g} mm; they were "
                    "interpolated to an even {:.4g} mm",
                    name, sorted.front(), sorted.back(), spacing_mm));
  }
  count = even_count;
  return spacing_mm;
}

const SliceStack& choose_time_point(const DicomSeries& series, int wanted, const std::string& name,
                                    ScanReport& report) {
  const auto count = static_cast<std::int64_t>(series.time_points.size());
  const int chosen = pick_time_point(count, wanted, name);
  if (count > 1) {
    report.add_fact("time_points", std::to_string(count));
    report.add_fact("time_point", std::to_string(chosen));
    if (wanted < 0) {
      report.add_repair(
          "time_point",
          fmt::format("{}: the series holds {} volumes at the same place, told apart by their {}; the "
                      "first was taken (choose with --timepoint 0 to {})",
                      name, count, series.time_key, count - 1));
    }
  }
  return series.time_points[static_cast<std::size_t>(chosen)];
}

}  // namespace

RawImage read_dicom(const fs::path& path, FileFormat format, const ReadOptions& options, ScanReport& report) {
  RawImage image;
  image.name = path.string();
  report.add_fact("format", format == FileFormat::kZip ? "DICOM zip" : "DICOM");
  const DicomFolder folder = open_dicom(path, format, options.allow_other_modality);
  const DicomSeries& series = choose_series(folder, options.series, image.name, report);
  const SliceStack& stack = choose_time_point(series, options.time_point, image.name, report);
  if (stack.size() < 2)
    fail_input("{}: the chosen volume is a single image; give a series of slices", image.name);
  if (series.duplicates > 0) {
    report.add_repair("duplicate_slices",
                      fmt::format("{}: {} slice{} at the place of another; the first of each was kept",
                                  image.name, series.duplicates, series.duplicates == 1 ? " lies" : "s lie"));
  }
  const StackGeometry g = measure(stack, image.name);
  const DicomSlice& first = stack.front();
  const std::int64_t slice_size = first.rows * first.columns;
  auto count = static_cast<std::int64_t>(stack.size());
  report.add_fact("slices", std::to_string(count));
  check_shape({count, first.rows, first.columns}, image.name);

  std::int64_t padding_voxels = 0;
  std::vector<std::int16_t> hu = read_pixels(folder.files, stack, padding_voxels);
  if (padding_voxels > 0) {
    report.add_fact("padding_share", fmt::format("{:.4f}", static_cast<double>(padding_voxels) /
                                                               static_cast<double>(slice_size * count)));
  }
  const double spacing_mm = even_spacing(g, image.name, options.allow_gaps, slice_size, hu, count, report);

  image.shape_zyx = {count, first.rows, first.columns};
  const Vec3d steps[3] = {first.row_axis * first.spacing_mm[0], first.column_axis * first.spacing_mm[1],
                          (g.normal + g.drift) * spacing_mm};
  for (int row = 0; row < 3; ++row) {
    for (int axis = 0; axis < 3; ++axis) image.affine.columns_mm[row][axis] = steps[axis][row];
  }
  image.affine.origin_mm = first.position_mm;
  image.type = VoxelType::kInt16;
  image.bytes.resize(hu.size() * sizeof(std::int16_t));
  std::memcpy(image.bytes.data(), hu.data(), image.bytes.size());
  return image;
}

std::vector<SeriesInfo> list_dicom_series(const fs::path& path, FileFormat format) {
  std::vector<SeriesInfo> list;
  for (const DicomSeries& series : open_dicom(path, format, false).series) list.push_back(series.info);
  return list;
}

}  // namespace renderfm
