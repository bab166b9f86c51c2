#include "renderfm/eval/ray_march.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "renderfm/core/parallel.h"

namespace renderfm {
namespace {

constexpr std::int64_t kBlock = 8;  // voxels along a side of a block that is skipped as a whole
constexpr float kOpaqueTransmittance = 1.0F / 512;  // what lies behind is less than half a step of 8 bits

/// Index coordinates clamped to the grid, as the cell below and the fractions within it.
struct Cell {
  std::int64_t corner[3];
  float fraction[3];
};

Cell cell_at(const Geometry& grid, Vec3d index_xyz) {
  const std::int64_t size[3] = {grid.width(), grid.height(), grid.depth()};
  Cell cell{};
  for (int a = 0; a < 3; ++a) {
    const double x = std::clamp(index_xyz[a], 0.0, static_cast<double>(size[a] - 1));
    cell.corner[a] = std::min(static_cast<std::int64_t>(x), std::max<std::int64_t>(0, size[a] - 2));
    cell.fraction[a] = static_cast<float>(x - static_cast<double>(cell.corner[a]));
  }
  return cell;
}

float hu_at(const Medium& medium, Vec3d index_xyz) {
  const Geometry& grid = medium.geometry();
  const Cell cell = cell_at(grid, index_xyz);
  const std::int64_t step[3] = {grid.width() > 1 ? 1 : 0, grid.height() > 1 ? grid.width() : 0,
                                grid.depth() > 1 ? grid.width() * grid.height() : 0};
  const std::int16_t* const hu =
      medium.hu().data() + grid.offset(cell.corner[2], cell.corner[1], cell.corner[0]);
  // Low + fraction (high - low) is exact where both are equal: a weighted sum of eight equal values is not,
  // and its rounding would be a gradient of random direction where there is none.
  const auto mix = [](float low, float high, float fraction) { return low + fraction * (high - low); };
  const auto along_x = [&](std::int64_t offset) {
    return mix(hu[offset], hu[offset + step[0]], cell.fraction[0]);
  };
  const auto along_y = [&](std::int64_t offset) {
    return mix(along_x(offset), along_x(offset + step[1]), cell.fraction[1]);
  };
  return mix(along_y(0), along_y(step[2]), cell.fraction[2]);
}

}  // namespace

struct RayMarcher::Sample {
  float sigma_t_per_mm = 0;
  Vec3f srgb{0, 0, 0};
};

RayMarcher::RayMarcher(const Medium& medium, const RayMarchOptions& options)
    : medium_(medium), options_(options) {
  const Geometry& grid = medium.geometry();
  const std::int64_t size[3] = {grid.width(), grid.height(), grid.depth()};
  for (int a = 0; a < 3; ++a) blocks_xyz_[static_cast<std::size_t>(a)] = (size[a] + kBlock - 1) / kBlock;
  block_visible_.assign(static_cast<std::size_t>(blocks_xyz_[0] * blocks_xyz_[1] * blocks_xyz_[2]), 0);
  // visible_below[c][bin]: bins under `bin` at which class c has an extinction.
  std::vector<std::vector<int>> visible_below;
  for (const MediumClass& c : medium.classes()) {
    std::vector<int> below(MediumClass::kBins + 1, 0);
    for (int bin = 0; bin < MediumClass::kBins; ++bin) {
      below[static_cast<std::size_t>(bin) + 1] =
          below[static_cast<std::size_t>(bin)] +
          (!c.sigma_t_per_mm.empty() && c.sigma_t_per_mm[static_cast<std::size_t>(bin)] > 0 ? 1 : 0);
    }
    visible_below.push_back(std::move(below));
  }
  const int scale = medium.class_scale();
  parallel_for(
      0, static_cast<std::int64_t>(block_visible_.size()), 16, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t block = begin; block < end; ++block) {
          const std::int64_t at[3] = {block % blocks_xyz_[0], block / blocks_xyz_[0] % blocks_xyz_[1],
                                      block / (blocks_xyz_[0] * blocks_xyz_[1])};
          // Interpolation reaches one voxel beyond the block on either side.
          std::int64_t low[3], high[3];
          for (int a = 0; a < 3; ++a) {
            low[a] = std::max<std::int64_t>(0, at[a] * kBlock - 1);
            high[a] = std::min(size[a] - 1, (at[a] + 1) * kBlock);
          }
          std::int16_t least = kMaxHu, greatest = kMinHu;
          std::uint32_t classes = 0;
          for (std::int64_t k = low[2]; k <= high[2]; ++k) {
            for (std::int64_t j = low[1]; j <= high[1]; ++j) {
              for (std::int64_t i = low[0]; i <= high[0]; ++i) {
                const std::int16_t hu = medium.hu()[static_cast<std::size_t>(grid.offset(k, j, i))];
                least = std::min(least, hu);
                greatest = std::max(greatest, hu);
                for (int cell = 0; cell < scale * scale * scale; ++cell) {
                  const std::int64_t x = i * scale + cell % scale, y = j * scale + cell / scale % scale,
                                     z = k * scale + cell / (scale * scale);
                  const CellClasses c = medium.class_map()[static_cast<std::size_t>(
                      (z * size[1] * scale + y) * size[0] * scale + x)];
                  classes |= 1U << c.first() | 1U << c.second();
                }
              }
            }
          }
          for (std::size_t c = 1; c < visible_below.size(); ++c) {
            const bool present = (classes >> c & 1U) != 0;
            const int count = visible_below[c][static_cast<std::size_t>(greatest - kMinHu) + 1] -
                              visible_below[c][static_cast<std::size_t>(least - kMinHu)];
            if (present && count > 0) block_visible_[static_cast<std::size_t>(block)] = 1;
          }
        }
      });
}

bool RayMarcher::visible_block(Vec3d index_xyz) const {
  std::int64_t block[3];
  for (int a = 0; a < 3; ++a) {
    block[a] = std::clamp(static_cast<std::int64_t>(std::floor(index_xyz[a])) / kBlock, std::int64_t{0},
                          blocks_xyz_[static_cast<std::size_t>(a)] - 1);
  }
  return block_visible_[static_cast<std::size_t>((block[2] * blocks_xyz_[1] + block[1]) * blocks_xyz_[0] +
                                                 block[0])] != 0;
}

RayMarcher::Sample RayMarcher::sample(Vec3d index_xyz) const {
  const Geometry& grid = medium_.geometry();
  const std::int64_t size[3] = {grid.width(), grid.height(), grid.depth()};
  const int scale = medium_.class_scale();
  std::int64_t cell[3], voxel[3];
  for (int a = 0; a < 3; ++a) {
    // Voxel i spans [i - 1/2, i + 1/2), cells divide it.
    cell[a] = std::clamp(static_cast<std::int64_t>(std::floor((index_xyz[a] + 0.5) * scale)), std::int64_t{0},
                         size[a] * scale - 1);
    voxel[a] = cell[a] / scale;
  }
  const CellClasses classes = medium_.class_map()[static_cast<std::size_t>(
      (cell[2] * size[1] * scale + cell[1]) * size[0] * scale + cell[0])];
  Sample result;
  const float position = hu_at(medium_, index_xyz) - kMinHu;
  const auto bin = static_cast<std::size_t>(std::clamp(position, 0.0F, MediumClass::kBins - 1.001F));
  const float fraction = std::clamp(position - static_cast<float>(bin), 0.0F, 1.0F);
  const auto add = [&](std::uint8_t c, int picks) {
    if (c == 0 || picks == 0) return;
    const MediumClass& table = medium_.classes()[c];
    const float sigma =
        static_cast<float>(picks) / CellClasses::kPicks *
        ((1 - fraction) * table.sigma_t_per_mm[bin] + fraction * table.sigma_t_per_mm[bin + 1]);
    result.sigma_t_per_mm += sigma;
    result.srgb = result.srgb + (table.srgb[bin] * (1 - fraction) + table.srgb[bin + 1] * fraction) * sigma;
  };
  add(classes.first(), CellClasses::kPicks - classes.second_share());
  add(classes.second(), classes.second_share());
  if (result.sigma_t_per_mm == 0) return result;
  result.srgb = result.srgb * (1 / result.sigma_t_per_mm);
  if (!medium_.gradient_factor().empty()) {
    result.sigma_t_per_mm = medium_.with_factor(
        result.sigma_t_per_mm,
        medium_.gradient_factor()[static_cast<std::size_t>(grid.offset(voxel[2], voxel[1], voxel[0]))]);
  }
  return result;
}

/// Central differences over two voxels, in HU per mm along the world's axes.
Vec3f RayMarcher::hu_gradient(Vec3d index_xyz) const {
  const Vec3d spacing = medium_.geometry().spacing_xyz_mm();
  Vec3f gradient{};
  for (int a = 0; a < 3; ++a) {
    Vec3d low = index_xyz, high = index_xyz;
    low[a] -= 1;
    high[a] += 1;
    gradient[a] = (hu_at(medium_, high) - hu_at(medium_, low)) / static_cast<float>(2 * spacing[a]);
  }
  return gradient;
}

Vec3f RayMarcher::lit(const Sample& sample, Vec3d index_xyz, Vec3f to_light) const {
  const Vec3f gradient = hu_gradient(index_xyz);
  const float length = norm(gradient);
  // The headlight stands where the eye is, so the half-way vector is the direction to both.
  const float facing = length > 0 ? std::abs(dot(gradient, to_light)) / length : 0;
  const auto diffuse = static_cast<float>(options_.ambient + options_.diffuse * static_cast<double>(facing));
  const auto specular =
      static_cast<float>(options_.specular * std::pow(static_cast<double>(facing), options_.specular_power));
  return sample.srgb * diffuse + Vec3f{specular, specular, specular};
}

std::uint8_t RayMarcher::label_at(Vec3d index_xyz) const {
  const Geometry& grid = medium_.geometry();
  const auto nearest = [](double x, std::int64_t size) {
    return std::clamp(static_cast<std::int64_t>(std::floor(x + 0.5)), std::int64_t{0}, size - 1);
  };
  return medium_.label(grid.offset(nearest(index_xyz.z, grid.depth()), nearest(index_xyz.y, grid.height()),
                                   nearest(index_xyz.x, grid.width())));
}

/// Calls visit(weight, sample, index) for what the ray meets, from the front: the weights of a ray add up to
/// its opacity.
template <class Visit>
void RayMarcher::march(Vec3d origin_mm, Vec3d direction, const Visit& visit) const {
  const Geometry& grid = medium_.geometry();
  const Vec3d from = grid.index_from_world(origin_mm);
  const Vec3d per_mm = grid.index_from_world(origin_mm + direction) - from;
  const std::int64_t size[3] = {grid.width(), grid.height(), grid.depth()};
  double near_mm = 0, far_mm = std::numeric_limits<double>::infinity();
  for (int a = 0; a < 3; ++a) {
    const double low = (-0.5 - from[a]) / per_mm[a];
    const double high = (static_cast<double>(size[a]) - 0.5 - from[a]) / per_mm[a];
    if (per_mm[a] == 0) {
      if (from[a] < -0.5 || from[a] > static_cast<double>(size[a]) - 0.5) return;
      continue;
    }
    near_mm = std::max(near_mm, std::min(low, high));
    far_mm = std::min(far_mm, std::max(low, high));
  }
  if (!(near_mm < far_mm)) return;
  // Whole steps: a last one that reached beyond the grid would count matter that is not there.
  const double longest_mm = options_.step_voxels * grid.min_spacing_mm();
  const auto steps = static_cast<std::int64_t>(std::ceil((far_mm - near_mm) / longest_mm));
  const double step_mm = (far_mm - near_mm) / static_cast<double>(steps);
  float transmittance = 1;
  for (std::int64_t n = 0; n < steps && transmittance > kOpaqueTransmittance; ++n) {
    const Vec3d index = from + per_mm * (near_mm + (static_cast<double>(n) + 0.5) * step_mm);
    if (!visible_block(index)) continue;
    const Sample here = sample(index);
    if (here.sigma_t_per_mm <= 0) continue;
    const float alpha = -std::expm1(-here.sigma_t_per_mm * static_cast<float>(step_mm));
    visit(transmittance * alpha, here, index);
    transmittance *= 1 - alpha;
  }
}

/// Calls paint(offset, direction) for every pixel, with its place in an image [H, W] and its unit ray.
template <class Paint>
void RayMarcher::for_pixels(const Camera& camera, const Paint& paint) const {
  const Mat3d world_from_camera = transposed(camera.rotation);
  parallel_for(0, camera.height, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t y = begin; y < end; ++y) {
      for (int x = 0; x < camera.width; ++x) {
        const Vec3d ray{(x + 0.5 - camera.cx) / camera.fx,
                        (static_cast<double>(y) + 0.5 - camera.cy) / camera.fy, 1};
        paint(y * camera.width + x, normalised(world_from_camera * ray));
      }
    }
  });
}

torch::Tensor RayMarcher::draw(const Camera& camera) const {
  torch::Tensor image = torch::zeros({3, camera.height, camera.width});
  float* const out = image.data_ptr<float>();
  const std::int64_t pixels = std::int64_t{camera.width} * camera.height;
  for_pixels(camera, [&](std::int64_t at, Vec3d direction) {
    const Vec3f to_light{static_cast<float>(-direction.x), static_cast<float>(-direction.y),
                         static_cast<float>(-direction.z)};
    Vec3f color{0, 0, 0};
    march(camera.position_mm, direction, [&](float weight, const Sample& here, Vec3d index) {
      color = color + lit(here, index, to_light) * weight;
    });
    for (int channel = 0; channel < 3; ++channel) {
      out[channel * pixels + at] = std::clamp(color[channel], 0.0F, 1.0F);
    }
  });
  return image;
}

torch::Tensor RayMarcher::dominant(const Camera& camera,
                                   const std::array<std::uint8_t, 256>& value_of_label) const {
  torch::Tensor values = torch::zeros({camera.height, camera.width}, torch::kUInt8);
  auto* const out = values.data_ptr<std::uint8_t>();
  for_pixels(camera, [&](std::int64_t at, Vec3d direction) {
    std::array<float, kMaxValues> weights{};
    march(camera.position_mm, direction, [&](float weight, const Sample&, Vec3d index) {
      weights.at(value_of_label[label_at(index)]) += weight;
    });
    const auto most = std::max_element(weights.begin(), weights.end());
    if (*most > 0) out[at] = static_cast<std::uint8_t>(most - weights.begin());
  });
  return values;
}

}  // namespace renderfm
