#include "renderfm/data/boxes.h"

#include <algorithm>
#include <vector>

#include "renderfm/core/check.h"
#include "renderfm/math/rng.h"

namespace renderfm::data {
namespace {

constexpr int kDraws = 256;

/// Sums over any box in eight reads.
class ForegroundSums {
 public:
  explicit ForegroundSums(const Medium& medium)
      : height_(medium.geometry().height() + 1), width_(medium.geometry().width() + 1) {
    const Geometry& grid = medium.geometry();
    sums_.assign(static_cast<std::size_t>((grid.depth() + 1) * height_ * width_), 0);
    for (std::int64_t k = 0; k < grid.depth(); ++k) {
      for (std::int64_t j = 0; j < grid.height(); ++j) {
        std::uint32_t row = 0;
        for (std::int64_t i = 0; i < grid.width(); ++i) {
          row += medium.foreground(grid.offset(k, j, i)) ? 1 : 0;
          at(k + 1, j + 1, i + 1) = at(k, j + 1, i + 1) + at(k + 1, j, i + 1) - at(k, j, i + 1) + row;
        }
      }
    }
  }

  std::int64_t count(const VoxelBox& box) {
    std::int64_t sum = 0;
    for (int corner = 0; corner < 8; ++corner) {
      std::int64_t index[3];
      int ends = 0;
      for (int axis = 0; axis < 3; ++axis) {
        const bool end = ((corner >> axis) & 1) != 0;
        ends += end ? 1 : 0;
        index[axis] = box.begin_zyx[axis] + (end ? box.shape_zyx[axis] : 0);
      }
      const auto value = static_cast<std::int64_t>(at(index[0], index[1], index[2]));
      sum += ends % 2 == 1 ? value : -value;
    }
    return sum;
  }

 private:
  std::uint32_t& at(std::int64_t k, std::int64_t j, std::int64_t i) {
    return sums_[static_cast<std::size_t>((k * height_ + j) * width_ + i)];
  }

  std::int64_t height_, width_;
  std::vector<std::uint32_t> sums_;
};

}  // namespace

ChosenBox choose_box(const Medium& medium, const BoxWish& wish, std::uint64_t seed) {
  const Geometry& grid = medium.geometry();
  ForegroundSums sums(medium);
  if (sums.count(whole_box(grid)) == 0) {
    fail_input("this transfer function and organ choice show nothing of the scan; choose another look");
  }
  Pcg32 rng = Pcg32::from(seed, 0x626F78);
  ChosenBox best{{}, -1};
  for (int draw = 0; draw < kDraws; ++draw) {
    VoxelBox box;
    for (int axis = 0; axis < 3; ++axis) {
      box.shape_zyx[axis] = std::min(wish.side_voxels, grid.shape_zyx[axis]);
      box.begin_zyx[axis] =
          rng.below(static_cast<std::uint32_t>(grid.shape_zyx[axis] - box.shape_zyx[axis] + 1));
    }
    const double share = static_cast<double>(sums.count(box)) / static_cast<double>(box.voxel_count());
    if (share > best.foreground) best = {box, share};
    if (share >= wish.least_foreground) return best;
  }
  if (best.foreground <= 0) {
    fail_input(
        "no box of {} voxels a side was found that shows anything; choose larger boxes or another look",
        wish.side_voxels);
  }
  return best;
}

}  // namespace renderfm::data
