#include "renderfm/train/training_sample.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "renderfm/core/check.h"
#include "renderfm/core/parallel.h"
#include "renderfm/gaussian/layout.h"
#include "renderfm/tensor/check_tensor.h"

namespace renderfm::train {
namespace {

constexpr std::int64_t kGrain = 1 << 14;

// Streams of random numbers of one sample.
enum Stream : std::uint64_t { kViews = 1, kOrientation, kShift, kNoise };

// Rows: the result's axes in the old ones.
Mat3d matrix_of(const Orientation& orientation) {
  Mat3d matrix = Mat3d::identity();
  for (int axis = 0; axis < 3; ++axis) {
    for (int old = 0; old < 3; ++old) matrix[axis][old] = 0;
    matrix[axis][orientation.from[axis]] = orientation.reversed[axis] ? -1 : 1;
  }
  return matrix;
}

torch::Tensor tensor_of(const Mat3d& matrix) {
  torch::Tensor tensor = torch::empty({3, 3});
  for (int row = 0; row < 3; ++row) {
    for (int column = 0; column < 3; ++column) tensor[row][column] = matrix[row][column];
  }
  return tensor;
}

Pictures turned(const Pictures& pictures, const Mat3d& turn, bool mirrors, Vec3d centre) {
  Pictures result = pictures;
  for (Camera& camera : result.cameras) {
    camera.position_mm = turn * (camera.position_mm - centre) + centre;
    const Mat3d old = camera.rotation;
    for (int row = 0; row < 3; ++row) {
      for (int column = 0; column < 3; ++column) {
        double sum = 0;  // rotation times the inverse of the turn
        for (int k = 0; k < 3; ++k) sum += old[row][k] * turn[column][k];
        // A camera cannot be mirrored, so the picture is: x runs the other way.
        camera.rotation[row][column] = mirrors && row == 0 ? -sum : sum;
      }
    }
    if (mirrors) camera.cx = camera.width - camera.cx;
  }
  for (torch::Tensor* const plane : {&result.rgb, &result.alpha, &result.depth_mm}) {
    if (mirrors && plane->defined()) *plane = plane->flip({-1});
  }
  return result;
}

torch::Tensor turned_voxels(const TrainingSample& sample, const Orientation& orientation) {
  const std::array<std::int64_t, 3> old{sample.input.size(3), sample.input.size(2), sample.input.size(1)};
  const std::array<std::int64_t, 3> now{old[orientation.from[0]], old[orientation.from[1]],
                                        old[orientation.from[2]]};
  torch::Tensor result = torch::empty_like(sample.voxels);
  const std::int64_t* const from = sample.voxels.const_data_ptr<std::int64_t>();
  std::int64_t* const to = result.mutable_data_ptr<std::int64_t>();
  for (std::int64_t n = 0; n < sample.voxels.numel(); ++n) {
    const std::array<std::int64_t, 3> index{from[n] % old[0], from[n] / old[0] % old[1],
                                            from[n] / (old[0] * old[1])};
    std::array<std::int64_t, 3> turned_index{};
    for (int axis = 0; axis < 3; ++axis) {
      const std::int64_t i = index[orientation.from[axis]];
      turned_index[axis] = orientation.reversed[axis] ? now[axis] - 1 - i : i;
    }
    to[n] = (turned_index[2] * now[1] + turned_index[1]) * now[0] + turned_index[0];
  }
  return result;
}

Pictures choose(const Pictures& all, std::int64_t count, Pcg32& random) {
  std::vector<std::int64_t> order(all.cameras.size());
  std::iota(order.begin(), order.end(), std::int64_t{0});
  const auto chosen = std::min<std::size_t>(order.size(), static_cast<std::size_t>(count));
  Pictures result;
  for (std::size_t i = 0; i < chosen; ++i) {
    std::swap(order[i], order[i + random.below(static_cast<std::uint32_t>(order.size() - i))]);
    result.cameras.push_back(all.cameras[static_cast<std::size_t>(order[i])]);
  }
  order.resize(chosen);
  const torch::Tensor index = torch::tensor(order, torch::kInt64);
  result.rgb = all.rgb.index_select(0, index);
  if (all.alpha.defined()) result.alpha = all.alpha.index_select(0, index);
  if (all.depth_mm.defined()) result.depth_mm = all.depth_mm.index_select(0, index);
  return result;
}

torch::Tensor as_float(const torch::Tensor& plane) {
  return plane.scalar_type() == torch::kUInt8 ? plane.to(torch::kFloat32).div(255) : plane;
}

}  // namespace

bool Orientation::mirrors() const {
  const bool even = (from[0] + 1) % 3 == from[1] && (from[1] + 1) % 3 == from[2];
  const int signs = reversed[0] + reversed[1] + reversed[2];
  return even == (signs % 2 == 1);
}

Orientation draw_orientation(const AugmentConfig& config, const TrainingSample& sample, Pcg32& random) {
  // Drawn whether they are used or not: one switch then leaves the other's numbers as they are.
  const std::uint32_t order = random.below(6), signs = random.below(8);
  Orientation orientation;
  if (!sample.uniform_light) return orientation;
  const Vec3d h = sample.spacing_xyz_mm;
  const bool cubes = std::max({h.x, h.y, h.z}) <= 1.001 * std::min({h.x, h.y, h.z});
  if (config.rotations && cubes) {
    constexpr std::array<std::array<int, 3>, 6> kOrders{
        {{0, 1, 2}, {1, 2, 0}, {2, 0, 1}, {0, 2, 1}, {2, 1, 0}, {1, 0, 2}}};
    orientation.from = kOrders[order];
    for (int axis = 0; axis < 3; ++axis) orientation.reversed[axis] = (signs >> axis & 1) != 0;
    // Without flips only turns are left: one more reversal makes a turn of a mirroring.
    if (!config.flips && orientation.mirrors()) orientation.reversed[0] = !orientation.reversed[0];
  } else if (config.flips) {
    for (int axis = 0; axis < 3; ++axis) orientation.reversed[axis] = (signs >> axis & 1) != 0;
  }
  return orientation;
}

TrainingSample turned(const TrainingSample& sample, const Orientation& orientation) {
  if (orientation.identity()) return sample;
  const Mat3d turn = matrix_of(orientation);
  const torch::Tensor turn_tensor = tensor_of(turn);
  TrainingSample result = sample;
  std::vector<std::int64_t> dims{0}, reversed;
  for (int dim = 0; dim < 3; ++dim) {  // arrays are stored z, y, x
    dims.push_back(3 - orientation.from[2 - dim]);
    if (orientation.reversed[2 - dim]) reversed.push_back(dim + 1);
  }
  result.input = sample.input.permute(dims).flip(reversed).contiguous();
  result.voxels = turned_voxels(sample, orientation);
  const torch::Tensor centre =
      torch::tensor({static_cast<float>(sample.centre_mm.x), static_cast<float>(sample.centre_mm.y),
                     static_cast<float>(sample.centre_mm.z)});
  result.position_mm = at::matmul(sample.position_mm - centre, turn_tensor.t()) + centre;
  result.start = sample.start.clone();
  result.start.narrow(1, layout::kDirectionMean, 3)
      .copy_(at::matmul(sample.start.narrow(1, layout::kDirectionMean, 3), turn_tensor.t()));
  for (int axis = 0; axis < 3; ++axis) {
    result.spacing_xyz_mm[axis] = sample.spacing_xyz_mm[orientation.from[axis]];
  }
  result.train = turned(sample.train, turn, orientation.mirrors(), sample.centre_mm);
  result.test = turned(sample.test, turn, orientation.mirrors(), sample.centre_mm);
  return result;
}

TrainingSample draw_sample(const TrainingSample& whole, std::int64_t views, const AugmentConfig& config,
                           double hu_scale, std::uint64_t seed) {
  RFM_CHECK(!whole.train.cameras.empty(), "case {} has no training views", whole.name);
  TrainingSample sample = whole;
  Pcg32 choice = Pcg32::from(seed, kViews);
  sample.train = choose(whole.train, views, choice);
  sample.test = {};
  Pcg32 turn = Pcg32::from(seed, kOrientation);
  sample = turned(sample, draw_orientation(config, sample, turn));
  for (torch::Tensor* const plane : {&sample.train.rgb, &sample.train.alpha, &sample.train.depth_mm}) {
    if (plane->defined()) *plane = as_float(*plane).contiguous();
  }
  if (config.hu_shift > 0 || config.hu_noise > 0) {
    sample.input = sample.input.clone();
    Pcg32 shift = Pcg32::from(seed, kShift);
    const float offset = static_cast<float>(config.hu_shift / hu_scale) * shift.normal<float>();
    const auto deviation = static_cast<float>(config.hu_noise / hu_scale);
    float* const hu = sample.input[0].mutable_data_ptr<float>();
    parallel_for(0, sample.input[0].numel(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        hu[i] += offset + deviation * hash_normal(hash64(seed, kNoise, static_cast<std::uint64_t>(i)));
      }
    });
  }
  return sample;
}

}  // namespace renderfm::train
