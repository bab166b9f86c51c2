// The conditionals of other people's view-dependent Gaussians, turned into ours exactly: mean = μ_p + B u
// with u = A⁻¹ (d − μ_d), covariance C Cᵀ, opacity α exp(−λ |u|²). Neither conversion subtracts covariances.
#pragma once

#include "renderfm/math/vec.h"

namespace renderfm {

struct Conditional {
  Mat3d a, b, c;  ///< a and c lower triangular
};

/// Of a joint covariance Σ = L Lᵀ over (position, direction), L = [[p, 0], [r, d]], conditioned on direction
/// (6DGS, arXiv 2410.04974): A Aᵀ = Σ_dd, B = Σ_pd A⁻ᵀ, C Cᵀ = Σ_pp − Σ_pd Σ_dd⁻¹ Σ_dp = p (1 + kᵀk)⁻¹ pᵀ
/// with k = d⁻¹ r. False where a factor is singular.
bool from_joint(const Mat3d& p, const Mat3d& r, const Mat3d& d, Conditional& out);

/// Of a precision P = L Lᵀ of the direction and a shift μ_p + V P (d − μ_d) (dGS): A Aᵀ = P⁻¹, B = V A⁻ᵀ. c
/// is left alone. False where L is singular.
bool from_precision(const Mat3d& l, const Mat3d& v, Conditional& out);

/// A file whose opacity falls off with λ of its own, expressed with ours: |u|² scales by λ/ours, B u stays.
void absorb_falloff(double lambda, double ours, Conditional& conditional);

}  // namespace renderfm
