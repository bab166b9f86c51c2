// The 37 channels of a 6D Gaussian and the order of its Cholesky factor. The only place that knows offsets.
//
// The 6-vector is (direction d, position p); its covariance is L Lᵀ with L = [[A, 0], [B, C]], A and C lower
// triangular with positive diagonal. Direction first, the conditional of p given d is exact without any
// inverse or subtraction (6DGS, arXiv 2410.04974, eq. 3-5): mean + B u, covariance C Cᵀ, u = A⁻¹ (d - μ_d).
#pragma once

#include "renderfm/math/hd.h"

namespace renderfm::layout {

inline constexpr int kSh = 0;              ///< 12: degree 1, coefficient-major, RGB inner
inline constexpr int kOpacityLogit = 12;   ///< 1
inline constexpr int kDirectionMean = 13;  ///< 3: μ_d
inline constexpr int kChol = 16;           ///< 21: L row by row, rows d0 d1 d2 p0 p1 p2, diagonal as log
inline constexpr int kChannels = 37;
inline constexpr int kShCount = 12;
inline constexpr int kCholCount = 21;

/// Offset of L[row][column], row >= column, within the 21 entries.
RFM_HD constexpr int chol_index(int row, int column) { return row * (row + 1) / 2 + column; }
/// A[row][column] of L = [[A, 0], [B, C]].
RFM_HD constexpr int a_index(int row, int column) { return chol_index(row, column); }
RFM_HD constexpr int b_index(int row, int column) { return chol_index(row + 3, column); }
RFM_HD constexpr int c_index(int row, int column) { return chol_index(row + 3, column + 3); }

static_assert(kChol + kCholCount == kChannels && chol_index(5, 5) == kCholCount - 1);

}  // namespace renderfm::layout
