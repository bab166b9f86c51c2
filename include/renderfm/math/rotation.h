// Rotations and the principal axes of symmetric matrices, in double, for files and exports.
#pragma once

#include <array>

#include "renderfm/math/vec.h"

namespace renderfm {

/// Unit quaternion w, x, y, z.
using Quaternion = std::array<double, 4>;

Mat3d rotation_from_quaternion(
    const Quaternion& wxyz);  ///< normalises first; the zero quaternion is identity
Quaternion quaternion_from_rotation(const Mat3d& rotation);  ///< w >= 0

/// m = R diag(values) R^T with det R = +1.
struct PrincipalAxes {
  Vec3d values;
  Mat3d rotation;  ///< columns are the axes
};

/// Cyclic Jacobi: relative accuracy of double for any symmetric matrix. A diagonal matrix keeps its order and
/// gets the identity.
PrincipalAxes principal_axes(const Mat3d& symmetric);

/// Lower-triangular C with C C^T = m; false where m is not positive definite.
bool cholesky(const Mat3d& m, Mat3d& lower);

}  // namespace renderfm
