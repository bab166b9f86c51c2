#include "renderfm/medium/medium.h"

#include <algorithm>
#include <cmath>

#include "class_map.h"
#include "class_tables.h"
#include "label_borders.h"
#include "neighbours.h"
#include "opacity_blur.h"
#include "renderfm/core/check.h"
#include "renderfm/core/parallel.h"

namespace renderfm {
namespace {

constexpr double kFineClassSpacing_mm = 1.2;  // above it, the class grid is twice as fine
// Above it, HU of border voxels are mixtures; in finer ones a dark line at a border may be a fracture.
constexpr double kFinestMixedSpacing_mm = 2;
constexpr std::int64_t kGrain = 1 << 16;

// Central differences of HU per mm, one-sided at the borders.
float hu_gradient_per_mm(const Geometry& grid, const std::vector<std::int16_t>& hu, std::int64_t voxel) {
  const std::int64_t index[3] = {voxel / (grid.width() * grid.height()), voxel / grid.width() % grid.height(),
                                 voxel % grid.width()};
  const std::int64_t stride[3] = {grid.width() * grid.height(), grid.width(), 1};
  double squared = 0;
  for (std::size_t a = 0; a < 3; ++a) {
    const bool low = index[a] > 0, high = index[a] + 1 < grid.shape_zyx[a];
    if (!low && !high) continue;
    const double difference = hu[static_cast<std::size_t>(voxel + (high ? stride[a] : 0))] -
                              hu[static_cast<std::size_t>(voxel - (low ? stride[a] : 0))];
    const double slope = difference / ((low && high ? 2 : 1) * grid.spacing_zyx_mm[a]);
    squared += slope * slope;
  }
  return static_cast<float>(std::sqrt(squared));
}

}  // namespace

Medium::Medium(const CtVolume& ct, const LabelVolume& labels, const TransferFunction& tf,
               const std::array<bool, 256>& organs, const MediumOptions& options)
    : geometry_(ct.geometry), hu_(ct.voxels), labels_(labels.voxels) {
  RFM_CHECK(ct.geometry.shape_zyx == labels.geometry.shape_zyx &&
                static_cast<std::int64_t>(hu_.size()) == geometry_.voxel_count() &&
                labels_.size() == hu_.size(),
            "CT and labels of a medium must lie on one grid");
  opacity_length_mm_ = tf.unit_distance_mm / tf.density_scale;
  phase_g_ = tf.phase_g;
  ClassTables tables = build_class_tables(labels, tf, organs, geometry_.min_spacing_mm());
  class_of_label_ = tables.class_of_label;
  classes_ = std::move(tables.classes);

  std::vector<std::uint8_t> voxel_class(hu_.size());
  parallel_for(0, geometry_.voxel_count(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (auto v = static_cast<std::size_t>(begin); v < static_cast<std::size_t>(end); ++v) {
      hu_[v] = std::clamp<std::int16_t>(hu_[v], kMinHu, kMaxHu);
      voxel_class[v] = class_of_label_[labels_[v]];
    }
  });
  if (options.smooth_labels) {
    if (geometry_.min_spacing_mm() > kFinestMixedSpacing_mm) undo_partial_volume(geometry_, voxel_class, hu_);
    extend_into_transparent(geometry_, hu_, labels_, classes_, voxel_class);
    class_scale_ = geometry_.max_spacing_mm() > kFineClassSpacing_mm ? 2 : 1;
    class_map_ = smooth_class_map(voxel_class, geometry_.shape_zyx, class_scale_);
  } else {
    class_map_.reserve(voxel_class.size());
    for (const std::uint8_t c : voxel_class) class_map_.emplace_back(c);
  }
  set_gradient_factor(tf, tables.layer_of_class);
  set_extinction();
  blurred_opacity_ = renderfm::blurred_opacity(sigma_t_, geometry_.shape_zyx);
}

std::int64_t Medium::first_cell(std::int64_t voxel) const {
  if (class_scale_ == 1) return voxel;
  const std::int64_t i = voxel % geometry_.width(), row = voxel / geometry_.width();
  const std::int64_t j = row % geometry_.height(), k = row / geometry_.height();
  return (2 * k * 2 * geometry_.height() + 2 * j) * 2 * geometry_.width() + 2 * i;
}

// visit(class, share) for every class of a voxel's cells; the shares sum to 1.
template <class Visit>
void Medium::visit_classes(std::int64_t voxel, Visit visit) const {
  const int cells = class_scale_ == 1 ? 1 : 8;
  const std::int64_t first = first_cell(voxel), width = class_scale_ * geometry_.width();
  const float unit = 1.0F / static_cast<float>(CellClasses::kPicks * cells);
  for (int cell = 0; cell < cells; ++cell) {
    const std::int64_t row = (cell >> 2) * class_scale_ * geometry_.height() + (cell >> 1 & 1);
    const CellClasses c = class_map_[static_cast<std::size_t>(first + row * width + (cell & 1))];
    visit(c.first(), unit * static_cast<float>(CellClasses::kPicks - c.second_share()));
    if (!c.one()) visit(c.second(), unit * static_cast<float>(c.second_share()));
  }
}

// The path tracer's unit is the opacity, this one's the extinction: back, times the factor, and forth again.
float Medium::with_factor(float sigma_t_per_mm, std::uint8_t factor) const {
  if (factor == 255) return sigma_t_per_mm;
  const double opacity = -std::expm1(-static_cast<double>(sigma_t_per_mm) * opacity_length_mm_);
  return static_cast<float>(-std::log1p(-opacity * factor / 255.0) / opacity_length_mm_);
}

void Medium::set_gradient_factor(const TransferFunction& tf, const std::vector<int>& layer_of_class) {
  const auto curve_of = [&](std::uint8_t c) -> const std::vector<ScalarPoint>* {
    if (c == 0) return nullptr;
    const auto& curve = tf.layers[static_cast<std::size_t>(layer_of_class[c])].gradient_opacity;
    return curve.empty() ? nullptr : &curve;
  };
  bool any = false;
  for (std::size_t c = 1; c < layer_of_class.size(); ++c) any = any || curve_of(static_cast<std::uint8_t>(c));
  if (!any) return;
  gradient_factor_.assign(hu_.size(), 255);
  parallel_for(0, geometry_.voxel_count(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t voxel = begin; voxel < end; ++voxel) {
      const auto v = static_cast<std::size_t>(voxel);
      // A voxel has one factor: that of the densest class in it.
      std::uint8_t densest = 0;
      const std::size_t bin = MediumClass::bin_of(hu_[v]);
      visit_classes(voxel, [&](std::uint8_t c, float) {
        if (classes_[c].sigma_t_per_mm[bin] > classes_[densest].sigma_t_per_mm[bin]) densest = c;
      });
      const auto* curve = curve_of(densest);
      if (curve == nullptr) continue;
      const double factor =
          evaluate_curve(*curve, static_cast<double>(hu_gradient_per_mm(geometry_, hu_, voxel)));
      gradient_factor_[v] = static_cast<std::uint8_t>(std::lround(255 * std::clamp(factor, 0.0, 1.0)));
    }
  });
}

void Medium::set_extinction() {
  sigma_t_.resize(hu_.size());
  parallel_for(0, geometry_.voxel_count(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t voxel = begin; voxel < end; ++voxel) {
      const auto v = static_cast<std::size_t>(voxel);
      const std::size_t bin = MediumClass::bin_of(hu_[v]);
      float sigma = 0;
      visit_classes(voxel, [&](std::uint8_t c, float share) {
        if (c != 0) sigma += share * classes_[c].sigma_t_per_mm[bin];
      });
      sigma_t_[v] = gradient_factor_.empty() || sigma == 0 ? sigma : with_factor(sigma, gradient_factor_[v]);
    }
  });
}

Vec3f Medium::srgb(std::int64_t voxel) const {
  const std::size_t bin = MediumClass::bin_of(hu_[static_cast<std::size_t>(voxel)]);
  Vec3f sum{0, 0, 0};
  float weight = 0;
  visit_classes(voxel, [&](std::uint8_t c, float share) {
    const float sigma = share * classes_[c].sigma_t_per_mm[bin];
    sum = sum + classes_[c].srgb[bin] * sigma;
    weight += sigma;
  });
  return weight > 0 ? sum * (1 / weight) : Vec3f{0, 0, 0};
}

Vec3f Medium::opacity_gradient_per_mm(std::int64_t voxel) const {
  const std::int64_t stride[3] = {1, geometry_.width(), geometry_.width() * geometry_.height()};
  const std::int64_t size[3] = {geometry_.width(), geometry_.height(), geometry_.depth()};
  const Vec3d spacing = geometry_.spacing_xyz_mm();
  Vec3f gradient{};
  for (int a = 0; a < 3; ++a) {
    const std::int64_t index = voxel / stride[a] % size[a];
    const float low = blurred_opacity_[static_cast<std::size_t>(index > 0 ? voxel - stride[a] : voxel)];
    const float high =
        blurred_opacity_[static_cast<std::size_t>(index + 1 < size[a] ? voxel + stride[a] : voxel)];
    gradient[a] = (high - low) / static_cast<float>(2 * spacing[a]);
  }
  return gradient;
}

std::uint8_t Medium::label(std::int64_t voxel) const {
  const auto visible = [&](std::int64_t v) {
    return class_of_label_[labels_[static_cast<std::size_t>(v)]] != 0;
  };
  // Smoothing moves a border by less than two voxels.
  static const std::vector<Neighbour> neighbours = neighbours_by_distance(2);
  const std::int64_t found = visible(voxel) ? voxel : find_neighbour(geometry_, voxel, neighbours, visible);
  return found < 0 ? std::uint8_t{0} : labels_[static_cast<std::size_t>(found)];
}

bool Medium::foreground(std::int64_t voxel) const {
  return sigma_t_[static_cast<std::size_t>(voxel)] * static_cast<float>(geometry_.max_spacing_mm()) >=
         kForegroundDepth;
}

}  // namespace renderfm
