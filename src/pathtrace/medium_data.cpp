#include "pathtrace/medium_data.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "pathtrace/hash_bytes.h"
#include "renderfm/core/check.h"
#include "renderfm/core/parallel.h"
#include "renderfm/math/srgb.h"

namespace renderfm::pathtrace {
namespace {

constexpr std::int64_t kMaxAxis = 16384;  // voxel coordinates are floats, and rows are counted in int

void check_grid(const Geometry& grid) {
  const Mat3d identity = Mat3d::identity();
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) {
      RFM_CHECK(std::abs(grid.direction[i][j] - identity[i][j]) < 1e-6,
                "a medium to trace must lie on an axis-aligned LPS grid");
    }
  }
  for (const std::int64_t size : grid.shape_zyx) {
    if (size < 1 || size > kMaxAxis) {
      fail_input("a grid of {} x {} x {} voxels cannot be traced: every axis needs 1 to {} voxels",
                 grid.depth(), grid.height(), grid.width(), kMaxAxis);
    }
  }
}

Vec3f voxels_per_mm(const Geometry& grid) {
  const Vec3d h = grid.spacing_xyz_mm();
  return {static_cast<float>(1 / h.x), static_cast<float>(1 / h.y), static_cast<float>(1 / h.z)};
}

// Calls set(padded offset, source offset) for every voxel of a grid with its repeated border.
template <class Set>
void fill_padded(std::int64_t depth, std::int64_t height, std::int64_t width, const Set& set) {
  const std::int64_t rows = height + 2 * kTablePad, columns = width + 2 * kTablePad;
  parallel_for(0, depth + 2 * kTablePad, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t z = begin; z < end; ++z) {
      const std::int64_t k = std::clamp<std::int64_t>(z - kTablePad, 0, depth - 1);
      for (std::int64_t y = 0; y < rows; ++y) {
        const std::int64_t j = std::clamp<std::int64_t>(y - kTablePad, 0, height - 1);
        for (std::int64_t x = 0; x < columns; ++x) {
          const std::int64_t i = std::clamp<std::int64_t>(x - kTablePad, 0, width - 1);
          set(static_cast<std::size_t>((z * rows + y) * columns + x),
              static_cast<std::size_t>((k * height + j) * width + i));
        }
      }
    }
  });
}

std::size_t padded_count(std::int64_t depth, std::int64_t height, std::int64_t width) {
  return static_cast<std::size_t>((depth + 2 * kTablePad) * (height + 2 * kTablePad) *
                                  (width + 2 * kTablePad));
}

// The class of every voxel, or kFirstSplit where its cells are not all of that one.
std::vector<std::uint8_t> voxel_classes(const Medium& medium) {
  const Geometry& grid = medium.geometry();
  const std::int64_t width = grid.width(), height = grid.height(), scale = medium.class_scale();
  const std::int64_t row = scale * width, slice = row * scale * height;
  std::vector<std::uint8_t> classes(static_cast<std::size_t>(grid.voxel_count()));
  parallel_for(0, grid.depth() * height, 32, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      const CellClasses* cells =
          medium.class_map().data() + scale * (r / height) * slice + scale * (r % height) * row;
      std::uint8_t* out = classes.data() + r * width;
      for (std::int64_t i = 0; i < width; ++i, cells += scale) {
        bool same = cells->one();
        for (int cell = 1; cell < scale * scale * scale; ++cell) {
          same = same && cells[(cell >> 2) * slice + (cell >> 1 & 1) * row + (cell & 1)] == *cells;
        }
        out[i] = same ? cells->first() : std::uint8_t{kFirstSplit};
      }
    }
  });
  return classes;
}

// The single-scattering albedo with which thick, isotropically scattering matter shows the colour A.
float inverted_albedo(float a) { return 1 - std::exp(a * (-5.094F + a * (2.612F - 4.318F * a))); }

float linear_albedo(float srgb, const PathTraceOptions& options) {
  const float linear = linear_from_srgb(std::clamp(srgb, 0.0F, 1.0F));
  return std::min(options.invert_albedo ? inverted_albedo(linear) : linear, options.max_albedo);
}

}  // namespace

MediumData::MediumData(const Medium& medium, const PathTraceOptions& options) {
  static_assert(kHuBins == MediumClass::kBins && kTableMinHu == kMinHu);
  const Geometry& grid = medium.geometry();
  check_grid(grid);
  const std::int64_t depth = grid.depth(), height = grid.height(), width = grid.width();
  const std::int64_t scale = medium.class_scale();
  const std::vector<std::uint8_t> content = voxel_classes(medium);
  voxels = HugeArray<VoxelRecord>(padded_count(depth, height, width));
  fill_padded(depth, height, width, [&](std::size_t padded, std::size_t source) {
    const float blurred = medium.blurred_opacity()[source];
    voxels[padded] = {medium.hu()[source], content[source],
                      static_cast<std::uint8_t>(std::clamp(255 * blurred + 0.5F, 0.0F, 255.0F))};
  });
  fill_cells(medium);
  if (!medium.gradient_factor().empty()) {
    gradient_factor.resize(padded_count(depth, height, width));
    fill_padded(depth, height, width, [&](std::size_t padded, std::size_t source) {
      gradient_factor[padded] = medium.gradient_factor()[source];
    });
  }
  const std::size_t classes = medium.classes().size();
  sigma_t.resize(classes * kHuBins);
  albedo.resize(classes * kHuBins);
  if (!gradient_factor.empty()) opacity.resize(classes * kHuBins);
  parallel_for(0, static_cast<std::int64_t>(classes), 1, [&](std::int64_t begin, std::int64_t end) {
    for (auto c = static_cast<std::size_t>(begin); c < static_cast<std::size_t>(end); ++c) {
      const MediumClass& tables = medium.classes()[c];
      for (std::size_t bin = 0; bin < static_cast<std::size_t>(kHuBins); ++bin) {
        const std::size_t entry = c * kHuBins + bin;
        sigma_t[entry] = tables.sigma_t_per_mm[bin];
        if (!opacity.empty()) {
          opacity[entry] = static_cast<float>(
              -std::expm1(-static_cast<double>(sigma_t[entry]) * medium.opacity_length_mm()));
        }
        for (int channel = 0; channel < 3; ++channel) {
          albedo[entry][channel] = linear_albedo(tables.srgb[bin][channel], options);
        }
      }
    }
  });
  shape.width = static_cast<int>(width);
  shape.height = static_cast<int>(height);
  shape.depth = static_cast<int>(depth);
  shape.class_scale = static_cast<int>(scale);
  shape.classes = static_cast<int>(classes);
  shape.opacity_length_mm = static_cast<float>(medium.opacity_length_mm());
  shape.voxels_per_mm = voxels_per_mm(grid);
  shape.phase_g = static_cast<float>(medium.phase_g());
}

void MediumData::fill_cells(const Medium& medium) {
  constexpr std::int64_t kBlock = std::int64_t{1} << kBlockShift, kBlocksAtOnce = 4096;
  static_assert(kFirstSplit + kBlock <= 256);
  const auto count = static_cast<std::int64_t>(voxels.size()), blocks = (count + kBlock - 1) / kBlock;
  const auto each_split = [&](std::int64_t begin_block, std::int64_t end_block, const auto& body) {
    for (std::int64_t v = begin_block * kBlock; v < std::min(end_block * kBlock, count); ++v) {
      VoxelRecord& voxel = voxels[static_cast<std::size_t>(v)];
      if (voxel.content >= kFirstSplit) body(v, voxel);
    }
  };
  std::vector<std::uint32_t> in_block(static_cast<std::size_t>(blocks));
  parallel_for(0, blocks, kBlocksAtOnce, [&](std::int64_t begin, std::int64_t end) {
    each_split(begin, end, [&](std::int64_t v, VoxelRecord& voxel) {
      std::uint32_t& rank = in_block[static_cast<std::size_t>(v >> kBlockShift)];
      voxel.content = static_cast<std::uint8_t>(kFirstSplit + rank++);
    });
  });
  split_before.resize(in_block.size());
  std::exclusive_scan(in_block.begin(), in_block.end(), split_before.begin(), 0U);
  shape.split_voxels = in_block.empty() ? 0 : split_before.back() + in_block.back();

  const Geometry& grid = medium.geometry();
  const std::int64_t scale = medium.class_scale(), cells_each = scale * scale * scale;
  const std::int64_t sizes[3] = {scale * grid.width(), scale * grid.height(), scale * grid.depth()};
  const std::int64_t columns = grid.width() + 2 * kTablePad, rows = grid.height() + 2 * kTablePad;
  const CellClasses* from = medium.class_map().data();
  cells = HugeArray<CellClasses>(static_cast<std::size_t>(shape.split_voxels * cells_each));
  // Where a cell of a padded voxel is found: the outermost cells are repeated.
  const auto clamped = [&](std::int64_t padded, std::int64_t half, int a) {
    return std::clamp<std::int64_t>(scale * (padded - kTablePad) + half, 0, sizes[a] - 1);
  };
  parallel_for(0, blocks, kBlocksAtOnce, [&](std::int64_t begin, std::int64_t end) {
    CellClasses* to = cells.data() + split_before[static_cast<std::size_t>(begin)] * cells_each;
    each_split(begin, end, [&](std::int64_t v, const VoxelRecord&) {
      const std::int64_t x = v % columns, y = v / columns % rows, z = v / (columns * rows);
      for (std::int64_t n = 0; n < cells_each; ++n) {
        *to++ = from[(clamped(z, n >> 2, 2) * sizes[1] + clamped(y, n >> 1 & 1, 1)) * sizes[0] +
                     clamped(x, n & 1, 0)];
      }
    });
  });
}

MediumPointers MediumData::pointers() const {
  MediumPointers p = shape;
  p.voxels = voxels.data();
  p.split_before = split_before.data();
  p.cells = cells.data();
  p.gradient_factor = gradient_factor.empty() ? nullptr : gradient_factor.data();
  p.sigma_t_per_mm = sigma_t.data();
  p.opacity = opacity.empty() ? nullptr : opacity.data();
  p.albedo = albedo.data();
  return p;
}

std::uint64_t MediumData::hash() const {
  std::uint64_t h = hash_array(voxels);
  h = hash64(h, hash_array(cells), hash_array(gradient_factor), hash_array(sigma_t));
  h = hash64(h, hash_array(opacity), hash_array(albedo));
  const float rest[] = {shape.voxels_per_mm.x,           shape.voxels_per_mm.y,
                        shape.voxels_per_mm.z,           shape.phase_g,
                        static_cast<float>(shape.width), static_cast<float>(shape.height),
                        static_cast<float>(shape.depth)};
  return hash64(h, hash_bytes(rest, sizeof(rest)));
}

DensityData::DensityData(const DensityGrid& grid) {
  check_grid(grid.geometry);
  const std::int64_t depth = grid.geometry.depth(), height = grid.geometry.height(),
                     width = grid.geometry.width();
  RFM_CHECK(static_cast<std::int64_t>(grid.sigma_t_per_mm.size()) == depth * height * width,
            "a density grid of {} x {} x {} voxels holds {} values", depth, height, width,
            grid.sigma_t_per_mm.size());
  for (const float sigma : grid.sigma_t_per_mm) {
    if (!(sigma >= 0 && std::isfinite(sigma))) fail_input("an extinction of {} per mm cannot be", sigma);
  }
  sigma_t = HugeArray<float>(padded_count(depth, height, width));
  fill_padded(depth, height, width,
              [&](std::size_t padded, std::size_t source) { sigma_t[padded] = grid.sigma_t_per_mm[source]; });
  shape.width = static_cast<int>(width);
  shape.height = static_cast<int>(height);
  shape.depth = static_cast<int>(depth);
  shape.albedo = grid.albedo;
  shape.voxels_per_mm = voxels_per_mm(grid.geometry);
  shape.phase_g = grid.phase_g;
}

DensityPointers DensityData::pointers() const {
  DensityPointers p = shape;
  p.sigma_t_per_mm = sigma_t.data();
  return p;
}

std::uint64_t DensityData::hash() const {
  const float rest[] = {shape.albedo.x,
                        shape.albedo.y,
                        shape.albedo.z,
                        shape.voxels_per_mm.x,
                        shape.voxels_per_mm.y,
                        shape.voxels_per_mm.z,
                        shape.phase_g,
                        static_cast<float>(shape.width),
                        static_cast<float>(shape.height)};
  return hash64(hash_array(sigma_t), hash_bytes(rest, sizeof(rest)));
}

}  // namespace renderfm::pathtrace
