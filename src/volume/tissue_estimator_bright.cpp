// Bone, contrast-filled vessels and enhanced organs overlap in density; texture, shape and place tell them
// apart. Where a ball of some millimetres fits into bright tissue lies a seed. Blood is smooth and falls off
// outwards; bone is rough inside and brightest in its cortical shell. The heart and great vessels lie near
// the midline, kidneys, spleen and femoral heads do not. The seeds then share the bright voxels by growing,
// and bone gets its marrow.
#include <algorithm>
#include <array>
#include <cmath>

#include "renderfm/core/parallel.h"
#include "tissue_estimator_parts.h"

namespace renderfm::tissue {
namespace {

constexpr int kBoneHu = 130;                // no soft tissue is as bright once noise is averaged away
constexpr int kBoneBesideContrastHu = 170;  // liver, portal vein and muscle are below, even enhanced
constexpr int kMetalHu = 1800;
constexpr double kCoreMm = 3.5;  // radius of the ball that fits into a seed
constexpr std::array kCoreLevelsHu{320, 220, 140};
constexpr double kSmoothPerMm = 0.085;  // gradient / density: blood 0.04 to 0.08, spongy bone from 0.12
constexpr double kMaxCortex = 0.2;      // brighter share of the shell: blood up to 0.16, spongy bone from 0.2
constexpr double kMidlineMm = 60;       // femoral heads and kidneys lie farther from the midline
constexpr double kMidlineShare = 0.36;  // the same for small bodies, of half the body's width

enum : std::uint8_t { kNone = 0, kBoneSeed = 1, kVesselSeed = 2, kOrganSeed = 3 };

// Calls visit(q) for the up to six face neighbours q of voxel p.
template <class Visit>
void for_each_neighbour(const Geometry& grid, std::int64_t p, Visit&& visit) {
  const std::int64_t width = grid.width(), plane = grid.height() * width;
  const std::int64_t i = p % width, j = p / width % grid.height(), k = p / plane;
  if (i > 0) visit(p - 1);
  if (i + 1 < width) visit(p + 1);
  if (j > 0) visit(p - width);
  if (j + 1 < grid.height()) visit(p + width);
  if (k > 0) visit(p - plane);
  if (k + 1 < grid.depth()) visit(p + plane);
}

// Gives each voxel of `allowed` within `steps` of a seed the nearest seed's value, breadth first; where two
// seeds are equally near, the one earlier in the array wins.
template <class Seed, class Allowed>
void grow(std::vector<Seed>& seeds, const Geometry& grid, int steps, Allowed allowed) {
  std::vector<std::int64_t> front, next;
  for (std::int64_t p = 0; p < static_cast<std::int64_t>(seeds.size()); ++p) {
    if (seeds[p] == 0) continue;
    bool open = false;
    for_each_neighbour(grid, p, [&](std::int64_t q) { open |= seeds[q] == 0; });
    if (open) front.push_back(p);
  }
  for (int step = 0; step < steps && !front.empty(); ++step) {
    next.clear();
    for (const std::int64_t p : front) {
      for_each_neighbour(grid, p, [&](std::int64_t q) {
        if (seeds[q] != 0 || !allowed(q, seeds[p])) return;
        seeds[q] = seeds[p];
        next.push_back(q);
      });
    }
    std::swap(front, next);
  }
}

struct Seeds {
  std::vector<std::uint8_t> kind;  ///< per voxel
  int contrast_hu = 0;             ///< median of the main blood pool; 0 without contrast agent
  int lowest_hu = 0;               ///< median of the faintest vessel seed
};

// Density per mm along the steepest way.
double gradient_per_mm(const std::vector<std::int16_t>& hu, const Geometry& grid, std::int64_t p) {
  const std::int64_t plane = grid.height() * grid.width();
  const std::array<std::int64_t, 3> index{p / plane, p / grid.width() % grid.height(), p % grid.width()};
  const std::array<std::int64_t, 3> stride{plane, grid.width(), 1};
  double sum = 0;
  for (int axis = 0; axis < 3; ++axis) {
    const std::int64_t before = index[axis] > 0 ? p - stride[axis] : p;
    const std::int64_t after = index[axis] + 1 < grid.shape_zyx[axis] ? p + stride[axis] : p;
    if (before == after) continue;
    const double slope = (hu[after] - hu[before]) /
                         (static_cast<double>((after - before) / stride[axis]) * grid.spacing_zyx_mm[axis]);
    sum += slope * slope;
  }
  return std::sqrt(sum);
}

// What decides on one seed.
struct SeedFeatures {
  std::int64_t size = 0, shell = 0, brighter = 0;
  double gradient = 0, left_index = 0;  // sums over the seed
};

// The middle of the body and half its width along the left-right axis, in voxels.
std::pair<double, double> body_middle(const Mask& body, const Geometry& grid, int left_axis) {
  const std::array<std::int64_t, 3> stride{grid.height() * grid.width(), grid.width(), 1};
  const std::int64_t length = grid.shape_zyx[left_axis];
  std::vector<std::int64_t> counts(length, 0);
  for (std::int64_t p = 0; p < static_cast<std::int64_t>(body.size()); ++p) {
    counts[p / stride[left_axis] % length] += body[p];
  }
  std::int64_t first = 0, last = length - 1;
  while (first < last && counts[first] == 0) ++first;
  while (last > first && counts[last] == 0) --last;
  return {static_cast<double>(first + last) / 2, static_cast<double>(last - first + 1) / 2};
}

Seeds find_seeds(const CtVolume& ct, const std::vector<std::int16_t>& smooth_hu, const BodyMasks& body) {
  const Geometry& grid = ct.geometry;
  const auto n = static_cast<std::int64_t>(smooth_hu.size());
  const int left_axis = body_axes(grid).left;
  const std::array<std::int64_t, 3> stride{grid.height() * grid.width(), grid.width(), 1};
  const auto [middle, half_width] = body_middle(body.body, grid, left_axis);
  const double midline = std::min(kMidlineMm / grid.spacing_zyx_mm[left_axis], kMidlineShare * half_width);
  const int shell_steps = static_cast<int>(std::ceil((kCoreMm + 2) / grid.min_spacing_mm()));
  const std::int64_t min_voxels = voxels_of_ml(grid, 0.2), main_voxels = voxels_of_ml(grid, 3);

  Seeds seeds;
  seeds.kind.assign(n, kNone);
  for (const int level : kCoreLevelsHu) {
    Mask bright(n);
    for (std::int64_t p = 0; p < n; ++p)
      bright[p] = body.body[p] && smooth_hu[p] > level && seeds.kind[p] == kNone;
    const Mask core = erode(bright, grid, kCoreMm);
    const Components parts = connected_components(core, grid);
    const auto median = hu_quantiles(parts, smooth_hu, min_voxels, {0.5});

    std::vector<std::uint32_t> owner = parts.label;
    for (std::uint32_t& part : owner) part = parts.size[part] >= min_voxels ? part : 0;
    std::vector<SeedFeatures> features(parts.size.size());
    for (std::int64_t p = 0; p < n; ++p) {
      if (owner[p] == 0) continue;
      SeedFeatures& f = features[owner[p]];
      ++f.size;
      f.gradient += gradient_per_mm(smooth_hu, grid, p);
      f.left_index += static_cast<double>(p / stride[left_axis] % grid.shape_zyx[left_axis]);
    }
    // The shell around each seed, as far as it is bright, and how much of it outshines the seed.
    grow(owner, grid, shell_steps, [&](std::int64_t q, std::uint32_t) {
      return ct.voxels[q] > level && seeds.kind[q] == kNone && body.body[q];
    });
    for (std::int64_t p = 0; p < n; ++p) {
      if (owner[p] == 0 || core[p]) continue;
      const int seed_hu = median[owner[p]][0];
      ++features[owner[p]].shell;
      features[owner[p]].brighter += ct.voxels[p] > seed_hu + std::max(90, seed_hu / 4);
    }

    const auto blood_like = [&](std::size_t part) {
      const SeedFeatures& f = features[part];
      const double size = static_cast<double>(f.size);
      return median[part][0] < kMetalHu && f.gradient < kSmoothPerMm * median[part][0] * size &&
             static_cast<double>(f.brighter) < kMaxCortex * static_cast<double>(f.shell);
    };
    const auto central = [&](std::size_t part) {
      return std::abs(features[part].left_index / static_cast<double>(features[part].size) - middle) <
             midline;
    };
    if (seeds.contrast_hu == 0) {
      std::int64_t largest = main_voxels - 1;
      for (std::size_t part = 1; part < features.size(); ++part) {
        if (features[part].size <= largest || !central(part) || !blood_like(part)) continue;
        largest = features[part].size;
        seeds.contrast_hu = median[part][0];
      }
    }
    std::vector<std::uint8_t> kind(parts.size.size(), kNone);
    for (std::size_t part = 1; part < features.size(); ++part) {
      if (features[part].size == 0) continue;
      const int hu = median[part][0];
      if (!blood_like(part)) {
        kind[part] = kBoneSeed;
      } else if (seeds.contrast_hu > 0) {
        const bool blood = hu > seeds.contrast_hu / 2 && hu < seeds.contrast_hu * 17 / 10 && central(part);
        const bool organ = features[part].size >= voxels_of_ml(grid, 1) && hu < 260;
        kind[part] = blood ? kVesselSeed : organ ? kOrganSeed : kNone;
        if (blood) seeds.lowest_hu = seeds.lowest_hu > 0 ? std::min(seeds.lowest_hu, hu) : hu;
      }
    }
    for (std::int64_t p = 0; p < n; ++p) {
      if (owner[p] != 0 && seeds.kind[p] == kNone) seeds.kind[p] = kind[owner[p]];
    }
  }
  return seeds;
}

// How many of 26 directions meet bone within `reach_mm`. Inside a bone nearly all do, even where its shell is
// too thin to be seen everywhere. One running distance per direction and line.
std::vector<std::uint8_t> directions_that_meet(const Mask& bone, const Geometry& grid, double reach_mm) {
  const std::int64_t depth = grid.depth(), height = grid.height(), width = grid.width(),
                     plane = height * width;
  std::vector<std::uint8_t> votes(bone.size(), 0);
  const auto steps_within = [&](int dz, int dy, int dx) {
    const double step_mm =
        std::hypot(dz * grid.spacing_zyx_mm[0], dy * grid.spacing_zyx_mm[1], dx * grid.spacing_zyx_mm[2]);
    return static_cast<std::uint8_t>(std::clamp(reach_mm / step_mm, 1.0, 250.0));
  };
  // `left` counts down the steps for which bone that was met still counts.
  const auto sweep_row = [&](const std::uint8_t* from, std::int64_t p, int dx, std::uint8_t reach,
                             std::uint8_t* left) {
    for (std::int64_t i = 0; i < width; ++i) {
      const std::int64_t q = i - dx;
      const std::uint8_t came = from != nullptr && q >= 0 && q < width ? from[q] : std::uint8_t{0};
      left[i] = bone[p + i] ? reach : static_cast<std::uint8_t>(came > 0 ? came - 1 : 0);
      votes[p + i] = static_cast<std::uint8_t>(votes[p + i] + (left[i] > 0));
    }
  };
  // Within a slice: rows are the lines' steps.
  parallel_for(0, depth, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<std::uint8_t> before(width), here(width);
    for (std::int64_t k = begin; k < end; ++k) {
      for (int dx = -1; dx <= 1; ++dx) {
        for (int dy = -1; dy <= 1; dy += 2) {
          const std::uint8_t reach = steps_within(0, dy, dx);
          for (std::int64_t s = 0; s < height; ++s) {
            const std::int64_t j = dy > 0 ? s : height - 1 - s;
            sweep_row(s > 0 ? before.data() : nullptr, k * plane + j * width, dx, reach, here.data());
            std::swap(before, here);
          }
        }
      }
      const std::uint8_t reach = steps_within(0, 0, 1);
      for (std::int64_t j = 0; j < height; ++j) {
        const std::int64_t p = k * plane + j * width;
        for (const bool forward : {true, false}) {
          int left = 0;
          for (std::int64_t s = 0; s < width; ++s) {
            const std::int64_t i = forward ? s : width - 1 - s;
            left = bone[p + i] ? reach : std::max(0, left - 1);
            votes[p + i] = static_cast<std::uint8_t>(votes[p + i] + (left > 0));
          }
        }
      }
    }
  });
  // From slice to slice: one direction after another, each slice from the one before.
  std::vector<std::uint8_t> before(plane), here(plane);
  for (int dz = -1; dz <= 1; dz += 2) {
    for (int dy = -1; dy <= 1; ++dy) {
      for (int dx = -1; dx <= 1; ++dx) {
        const std::uint8_t reach = steps_within(dz, dy, dx);
        for (std::int64_t s = 0; s < depth; ++s) {
          const std::int64_t k = dz > 0 ? s : depth - 1 - s;
          parallel_for(0, height, 16, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t j = begin; j < end; ++j) {
              const bool met = s > 0 && j - dy >= 0 && j - dy < height;
              sweep_row(met ? &before[(j - dy) * width] : nullptr, k * plane + j * width, dx, reach,
                        &here[j * width]);
            }
          });
          std::swap(before, here);
        }
      }
    }
  }
  return votes;
}

Mask fill_marrow(const Mask& shell, const std::vector<std::int16_t>& smooth_hu, const BodyMasks& body,
                 const Geometry& grid) {
  constexpr double kReachMm = 28;   // half the width of a lumbar vertebral body
  constexpr int kRedMarrowHu = 90;  // brighter than disc and muscle
  constexpr int kAnyMarrowHu = 50;  // in the gaps of a few mm that closing fills
  constexpr int kCordHu =
      -30;  // the spinal canal, surrounded as marrow is, lies between this and kAnyMarrowHu
  const std::vector<std::uint8_t> votes = directions_that_meet(shell, grid, kReachMm);
  Mask bone(shell.size());
  for (std::size_t p = 0; p < bone.size(); ++p) {
    const int hu = smooth_hu[p];
    const bool red = votes[p] >= 17 && hu > kRedMarrowHu;
    const bool fatty = votes[p] >= 22 && hu > -200 && (hu < kCordHu || hu > kAnyMarrowHu);
    bone[p] = shell[p] || ((red || fatty) && body.body[p]);
  }
  const Mask closed = close(bone, grid, 4);
  for (std::size_t p = 0; p < bone.size(); ++p) {
    bone[p] = bone[p] || (closed[p] && smooth_hu[p] > kAnyMarrowHu && body.body[p]);
  }
  return bone;
}

// Separate pieces of bright tissue that only look like bone, in scans with contrast agent: remainders of a
// vessel's rim touch vessels all around; branches that no seed reached and enhanced kidneys never get as
// bright as cortical bone does somewhere. And nowhere are stones, calcified plaques and specks of noise
// bones.
void sort_out_pieces(const CtVolume& ct, const BodyMasks& body, const Seeds& seeds, int bone_hu, Mask& shell,
                     Mask& vessel) {
  constexpr double kMaxContact = 0.25;
  const Geometry& grid = ct.geometry;
  const auto n = static_cast<std::int64_t>(shell.size());
  const int left_axis = body_axes(grid).left;
  const std::array<std::int64_t, 3> stride{grid.height() * grid.width(), grid.width(), 1};
  const auto [middle, half_width] = body_middle(body.body, grid, left_axis);
  const double midline = std::min(kMidlineMm / grid.spacing_zyx_mm[left_axis], kMidlineShare * half_width);

  const Components parts = connected_components(shell, grid);
  const std::int64_t min_voxels = voxels_of_ml(grid, 0.6);
  const auto quantiles = hu_quantiles(parts, ct.voxels, min_voxels, {0.5, 0.98});
  std::vector<std::int64_t> surface(parts.size.size(), 0), contact(parts.size.size(), 0);
  std::vector<double> left_index(parts.size.size(), 0);
  for (std::int64_t p = 0; p < n; ++p) {
    const std::uint32_t part = parts.label[p];
    if (part == 0) continue;
    left_index[part] += static_cast<double>(p / stride[left_axis] % grid.shape_zyx[left_axis]);
    for_each_neighbour(grid, p, [&](std::int64_t q) {
      surface[part] += parts.label[q] != part;
      contact[part] += vessel[q];
    });
  }
  std::vector<std::uint8_t> kind(parts.size.size(), kNone);
  for (std::size_t part = 1; part < parts.size.size(); ++part) {
    const bool touches_vessel =
        static_cast<double>(contact[part]) > kMaxContact * static_cast<double>(surface[part]);
    if (parts.size[part] < min_voxels) {
      kind[part] = touches_vessel ? kVesselSeed : kNone;  // a plaque
      continue;
    }
    kind[part] = kBoneSeed;
    if (seeds.contrast_hu == 0) continue;
    const int typical = quantiles[part][0], brightest = quantiles[part][1];
    const bool central =
        std::abs(left_index[part] / static_cast<double>(parts.size[part]) - middle) < midline;
    if (touches_vessel) {
      kind[part] = typical > bone_hu ? kVesselSeed : kNone;
    } else if (brightest < 0.7 * seeds.contrast_hu) {
      kind[part] = kNone;
    } else if (brightest < 1.15 * seeds.contrast_hu && central) {
      kind[part] = kVesselSeed;
    }
  }
  for (std::int64_t p = 0; p < n; ++p) {
    const std::uint8_t k = kind[parts.label[p]];
    shell[p] = shell[p] && k == kBoneSeed;
    vessel[p] = vessel[p] || k == kVesselSeed;
  }
}

}  // namespace

BrightMasks find_bright(const CtVolume& ct, const std::vector<std::int16_t>& smooth_hu,
                        const BodyMasks& body) {
  const Geometry& grid = ct.geometry;
  const std::size_t n = smooth_hu.size();
  const Seeds seeds = find_seeds(ct, smooth_hu, body);
  const bool contrast = seeds.contrast_hu > 0;
  const int bone_hu = contrast ? kBoneBesideContrastHu : kBoneHu;

  Mask bright(n);
  for (std::size_t p = 0; p < n; ++p) {
    bright[p] = body.body[p] && (ct.voxels[p] > bone_hu + 20 || smooth_hu[p] > bone_hu);
  }
  std::vector<std::uint8_t> kind = seeds.kind;
  if (contrast) {
    const int near_low = std::max(130, seeds.lowest_hu * 6 / 10);  // over enhanced muscle
    const int far_low = std::max(near_low, seeds.contrast_hu / 2);
    const int high = seeds.contrast_hu + std::max(150, seeds.contrast_hu / 2);
    // Denser than any blood: surely bone.
    for (std::size_t p = 0; p < n; ++p) {
      if (bright[p] && kind[p] == kNone && ct.voxels[p] > high) kind[p] = kBoneSeed;
    }
    const auto grow_all = [&](int steps, int low) {
      grow(kind, grid, steps, [&](std::int64_t q, std::uint8_t seed) {
        switch (seed) {
          case kVesselSeed:
            return body.body[q] && ct.voxels[q] > low && ct.voxels[q] < high && smooth_hu[q] > low * 85 / 100;
          case kOrganSeed: return bright[q] && smooth_hu[q] < 300;
          default: return bright[q] != 0;
        }
      });
    };
    // First the rims of the seeds, then branches, which are as bright as their trunk: spongy bone is not.
    grow_all(static_cast<int>(std::ceil(4 / grid.min_spacing_mm())), near_low);
    grow_all(1 << 20, far_low);
  }
  BrightMasks masks;
  masks.vessel.resize(n);
  Mask shell(n);
  for (std::size_t p = 0; p < n; ++p) {
    masks.vessel[p] = kind[p] == kVesselSeed || (contrast && body.lung[p] && ct.voxels[p] > bone_hu);
    shell[p] = bright[p] && !masks.vessel[p] && kind[p] != kOrganSeed;
  }
  sort_out_pieces(ct, body, seeds, bone_hu, shell, masks.vessel);
  masks.bone = fill_marrow(shell, smooth_hu, body, grid);
  for (std::size_t p = 0; p < n; ++p) masks.bone[p] = masks.bone[p] && !masks.vessel[p];
  return masks;
}

}  // namespace renderfm::tissue
