#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numeric>

#include "gaussian/files/codecs.h"
#include "renderfm/core/atomic_file.h"
#include "renderfm/core/check.h"
#include "renderfm/core/parallel.h"
#include "renderfm/math/sh.h"

namespace renderfm {
namespace {

constexpr std::int64_t kBlock = 1 << 16;

struct SplatRow {
  float position[3], scale[3];
  std::uint8_t colour[4], rotation[4];
};
static_assert(sizeof(SplatRow) == 32);

std::uint8_t to_byte(double value) {
  return static_cast<std::uint8_t>(std::clamp(std::round(value), 0.0, 255.0));
}

bool from_row(const SplatRow& row, Gaussian6d& g) {
  g.position = {row.position[0], row.position[1], row.position[2]};
  for (std::size_t channel = 0; channel < 3; ++channel) {
    g.sh[channel] = sh_dc_from_colour(row.colour[channel] / 255.0);
  }
  g.opacity = row.colour[3] / 255.0;
  Quaternion wxyz{};
  for (std::size_t part = 0; part < 4; ++part) wxyz[part] = (row.rotation[part] - 128) / 128.0;
  for (int axis = 0; axis < 3; ++axis) g.a[axis][axis] = kPlainDirectionScale;
  return set_extent(g, wxyz, {row.scale[0], row.scale[1], row.scale[2]}) && out_of_frame(g, kYDownMetres);
}

bool to_row(Gaussian6d g, SplatRow& row) {
  if (!into_frame(g, kYDownMetres)) return false;
  const PrincipalAxes axes = extent_of(g);
  const Quaternion wxyz = quaternion_from_rotation(axes.rotation);
  bool finite = std::isfinite(g.opacity);
  for (int axis = 0; axis < 3; ++axis) {
    row.position[axis] = static_cast<float>(g.position[axis]);
    row.scale[axis] = static_cast<float>(std::sqrt(axes.values[axis]));
    const double colour = 0.5 + kSh0 * g.sh[static_cast<std::size_t>(axis)];
    finite = finite && std::isfinite(row.position[axis]) && std::isfinite(row.scale[axis]) &&
             std::isfinite(colour);
    row.colour[axis] = finite ? to_byte(255 * colour) : std::uint8_t{0};
  }
  row.colour[3] = finite ? to_byte(255 * g.opacity) : std::uint8_t{0};
  for (std::size_t part = 0; part < 4; ++part) row.rotation[part] = to_byte(128 * wxyz[part] + 128);
  return finite;
}

}  // namespace

DecodedFile decode_splat(InputBytes& input, Unusable unusable) {
  constexpr auto kRow = static_cast<std::int64_t>(sizeof(SplatRow));
  if (input.size() % kRow != 0) {
    fail_input("{} is truncated or no .splat: its {} bytes are not whole rows of {}", input.name(),
               input.size(), kRow);
  }
  DecodedFile file;
  const std::int64_t count = file.facts.count = input.size() / kRow;
  file.facts.format = file.facts.layout = "splat";
  file.facts.frame = "not said; taken as metres, y down";
  file.rows.notes.low_pass_compensation = false;
  make_room(file.rows, count, input.name());
  std::vector<std::uint8_t> usable(static_cast<std::size_t>(count));
  std::vector<SplatRow> block(static_cast<std::size_t>(std::min(kBlock, count)));
  for (std::int64_t first = 0; first < count; first += kBlock) {
    const std::int64_t rows = std::min(kBlock, count - first);
    input.read(first * kRow, block.data(), rows * kRow);
    parallel_for(0, rows, 2048, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) {
        Gaussian6d gaussian;
        const bool good = from_row(block[static_cast<std::size_t>(row)], gaussian) &&
                          store(gaussian, file.rows, first + row);
        usable[static_cast<std::size_t>(first + row)] = good ? 1 : 0;
      }
    });
  }
  settle_unusable(usable, unusable, file, input.name());
  return file;
}

void encode_splat(const GaussianColumns& columns, const std::filesystem::path& path) {
  std::vector<SplatRow> rows(static_cast<std::size_t>(columns.count));
  std::vector<float> weight(rows.size());
  parallel_for(0, columns.count, 2048, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      SplatRow& row = rows[static_cast<std::size_t>(n)];
      RFM_CHECK(to_row(load(columns, n), row),
                "Gaussian {} has a value that is not finite and cannot be written to {}", n, path.string());
      weight[static_cast<std::size_t>(n)] =
          row.scale[0] * row.scale[1] * row.scale[2] * static_cast<float>(row.colour[3]);
    }
  });
  std::vector<std::size_t> order(rows.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return weight[a] > weight[b]; });
  AtomicFile file(path);
  std::vector<SplatRow> block;
  for (std::size_t first = 0; first < order.size(); first += kBlock) {
    block.clear();
    for (std::size_t n = first; n < std::min(order.size(), first + kBlock); ++n)
      block.push_back(rows[order[n]]);
    file.write(block.data(), block.size() * sizeof(SplatRow));
  }
  file.commit();
}

}  // namespace renderfm
