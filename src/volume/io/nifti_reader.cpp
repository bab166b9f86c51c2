#include "nifti_reader.h"

#include <algorithm>
#include <cmath>

#include "gzip_input.h"
#include "nifti_header.h"

namespace renderfm {
namespace fs = std::filesystem;
namespace {

fs::path data_file_of(const fs::path& header_path) {
  fs::path data = header_path;
  if (data.extension() == ".gz") data.replace_extension();
  for (const char* suffix : {".img", ".img.gz"}) {
    fs::path candidate = data;
    candidate.replace_extension(suffix);
    std::error_code error;
    if (fs::exists(candidate, error)) return candidate;
  }
  fail_input("{} is only the header of a NIfTI pair; put its .img file beside it", header_path.string());
}

void swap_values(std::vector<std::byte>& bytes, std::size_t size) {
  if (size == 1) return;
  for (std::size_t i = 0; i + size <= bytes.size(); i += size) {
    std::reverse(bytes.begin() + static_cast<std::ptrdiff_t>(i),
                 bytes.begin() + static_cast<std::ptrdiff_t>(i + size));
  }
}

}  // namespace

RawImage read_nifti(const fs::path& path, int time_point, ScanReport& report) {
  RawImage image;
  image.name = path.string();
  GzipInput header_input(path);
  std::array<std::uint8_t, kMaxNiftiHeader> start{};
  const std::size_t start_size = header_input.read_some(start.data(), start.size());
  const auto header = parse_nifti_header({start.data(), start_size});
  if (!header) fail_input("{} is not a NIfTI image, or its header is damaged", image.name);

  if (header->dim[0] < 3 || header->dim[0] > 7) {
    fail_input("{} is a {}-dimensional image; a volume of several slices is needed", image.name,
               header->dim[0]);
  }
  image.shape_zyx = {header->dim[3], header->dim[2], header->dim[1]};
  check_shape(image.shape_zyx, image.name);
  for (std::size_t axis = 5; axis <= static_cast<std::size_t>(header->dim[0]); ++axis) {
    if (header->dim[axis] > 1) {
      fail_input("{} holds {} values per voxel (a vector image); a scan with one value per voxel is needed",
                 image.name, header->dim[axis]);
    }
  }
  image.type = nifti_voxel_type(*header, image.name);
  image.affine = nifti_affine(*header, image.name, report);
  if (header->slope != 0 && std::isfinite(header->slope) && std::isfinite(header->intercept)) {
    image.slope = header->slope;
    image.intercept = header->intercept;
  }

  const std::int64_t time_points = std::max<std::int64_t>(1, header->time_points());
  const int chosen = pick_time_point(time_points, time_point, image.name);
  report.add_fact("format", header->version == 1 ? "NIfTI-1" : "NIfTI-2");
  if (time_points > 1) {
    report.add_fact("time_points", std::to_string(time_points));
    report.add_fact("time_point", std::to_string(chosen));
    if (time_point < 0) {
      report.add_repair("time_point", fmt::format("{} has {} time points; the first was taken (choose with "
                                                  "--timepoint 0 to {})",
                                                  image.name, time_points, time_points - 1));
    }
  }

  // The data: behind the header in the same stream, or in a file of its own.
  const fs::path data_path = header->separate_data ? data_file_of(path) : path;
  GzipInput input(data_path);
  const std::size_t value_size = size_of(image.type);
  const std::size_t volume_size = static_cast<std::size_t>(image.voxel_count()) * value_size;
  const std::size_t skipped =
      static_cast<std::size_t>(header->data_offset) + volume_size * static_cast<std::size_t>(chosen);
  if (static_cast<double>(skipped) + static_cast<double>(volume_size) > input.greatest_size()) {
    fail_input(
        "{} is cut short: it cannot hold the {} x {} x {} voxels its header promises; copy or download it "
        "again",
        data_path.string(), header->dim[1], header->dim[2], header->dim[3]);
  }
  input.skip(skipped);
  image.bytes.resize(volume_size);
  input.read(image.bytes.data(), volume_size);
  if (chosen == time_points - 1) input.check_end();
  if (header->swapped) swap_values(image.bytes, value_size);
  return image;
}

}  // namespace renderfm
