// Connected parts (by ITK) and what can be said about them.
#include <itkConnectedComponentImageFilter.h>
#include <itkImage.h>

#include <algorithm>
#include <cmath>

#include "renderfm/core/parallel.h"
#include "tissue_estimator_parts.h"

namespace renderfm::tissue {

Components connected_components(const Mask& mask, const Geometry& grid) {
  using Input = itk::Image<std::uint8_t, 3>;
  using Output = itk::Image<std::uint32_t, 3>;
  Input::SizeType size;
  for (unsigned axis = 0; axis < 3; ++axis) {
    size[axis] = static_cast<itk::SizeValueType>(grid.shape_zyx[2 - axis]);
  }
  const auto input = Input::New();
  input->SetRegions(size);
  // The filter only reads; ITK has no view of constant memory.
  input->GetPixelContainer()->SetImportPointer(const_cast<std::uint8_t*>(mask.data()), mask.size(), false);

  const auto filter = itk::ConnectedComponentImageFilter<Input, Output>::New();
  filter->SetInput(input);
  filter->SetNumberOfWorkUnits(static_cast<itk::ThreadIdType>(thread_count()));
  filter->Update();

  Components parts;
  const std::uint32_t* labels = filter->GetOutput()->GetBufferPointer();
  parts.label.assign(labels, labels + mask.size());
  parts.size.assign(filter->GetObjectCount() + 1, 0);
  for (const std::uint32_t label : parts.label) ++parts.size[label];
  return parts;
}

std::vector<std::vector<int>> hu_quantiles(const Components& parts, const std::vector<std::int16_t>& hu,
                                           std::int64_t min_voxels, const std::vector<double>& fractions) {
  constexpr int kBinHu = 8;
  constexpr int kBins = (kMaxHu - kMinHu) / kBinHu + 1;
  std::vector<std::int32_t> row_of(parts.size.size(), -1);
  std::int32_t rows = 0;
  for (std::size_t part = 1; part < parts.size.size(); ++part) {
    if (parts.size[part] >= min_voxels) row_of[part] = rows++;
  }
  std::vector<std::int64_t> histogram(static_cast<std::size_t>(rows) * kBins, 0);
  for (std::size_t p = 0; p < hu.size(); ++p) {
    const std::int32_t row = row_of[parts.label[p]];
    if (row >= 0) ++histogram[static_cast<std::size_t>(row) * kBins + (hu[p] - kMinHu) / kBinHu];
  }
  std::vector<std::vector<int>> quantiles(parts.size.size());
  for (std::size_t part = 1; part < parts.size.size(); ++part) {
    if (row_of[part] < 0) continue;
    const std::int64_t* bins = &histogram[static_cast<std::size_t>(row_of[part]) * kBins];
    for (const double fraction : fractions) {
      const double wanted = fraction * static_cast<double>(parts.size[part]);
      std::int64_t sum = 0;
      int bin = 0;
      while (bin < kBins - 1 && static_cast<double>(sum += bins[bin]) < wanted) ++bin;
      quantiles[part].push_back(kMinHu + bin * kBinHu + kBinHu / 2);
    }
  }
  return quantiles;
}

std::int64_t voxels_of_ml(const Geometry& grid, double millilitres) {
  const double voxel_mm3 = grid.spacing_zyx_mm[0] * grid.spacing_zyx_mm[1] * grid.spacing_zyx_mm[2];
  return std::max<std::int64_t>(1, std::llround(1000 * millilitres / voxel_mm3));
}

BodyAxes body_axes(const Geometry& grid) {
  // Each patient axis takes the array axis that runs most along it; superior chooses first.
  std::array<bool, 3> taken{};
  const auto choose = [&](int world) {
    int best = -1;
    double best_cosine = -1;
    for (int axis = 0; axis < 3; ++axis) {
      const double cosine = std::abs(grid.direction[world][2 - axis]);
      if (!taken[axis] && cosine > best_cosine) best = axis, best_cosine = cosine;
    }
    taken[best] = true;
    return best;
  };
  BodyAxes axes{};
  axes.superior = choose(2);
  axes.left = choose(0);
  axes.anterior = choose(1);
  return axes;
}

}  // namespace renderfm::tissue
