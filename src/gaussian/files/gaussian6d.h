// One 6D Gaussian as matrices in double: the form through which every file format is read and written, and in
// which a set turns from one coordinate frame into another.
#pragma once

#include <array>
#include <cstdint>

#include "renderfm/gaussian/gaussian_rows.h"
#include "renderfm/gaussian/layout.h"
#include "renderfm/math/rotation.h"

namespace renderfm {

struct Gaussian6d {
  Vec3d position{};                           ///< μ_p, in the unit of its frame
  std::array<double, layout::kShCount> sh{};  ///< coefficient-major, RGB inner
  double opacity = 0;
  Vec3d direction_mean{};                 ///< μ_d
  Mat3d a = Mat3d::identity(), b{}, c{};  ///< L = [[a, 0], [b, c]]; b and c in the unit of the frame
  std::uint8_t label = 0;
};

inline constexpr double kPlainDirectionScale = 1e4;  ///< A of a file without the sixth dimension
/// A file's opacity of exactly 0 or 1 has no logit; these have, and are drawn the same.
inline constexpr double kLeastOpacity = 1e-6, kGreatestOpacity = 1 - 1e-6;

/// A right-handed frame of a file format: point in the file = from_lps * (point in LPS mm) / unit_mm.
struct FileFrame {
  Mat3d from_lps = Mat3d::identity();
  double unit_mm = 1;
};

/// glTF: x the patient's left, y up (head), z forward (anterior), metres. Also what SPZ calls RUB.
inline constexpr FileFrame kYUpMetres{{{{1, 0, 0}, {0, 0, 1}, {0, -1, 0}}}, 1000};
/// Right, down, forward, as .splat viewers expect: x the patient's left, y towards the feet, z posterior;
/// metres.
inline constexpr FileFrame kYDownMetres{{{{1, 0, 0}, {0, 0, -1}, {0, 1, 0}}}, 1000};

/// The Gaussian turned by `rotation` (determinant 1) and scaled: centre, covariances, their coupling, μ_d and
/// SH together, so that it looks the same from a camera turned alike. False where a covariance is not
/// positive definite.
bool transform(Gaussian6d& gaussian, const Mat3d& rotation, double scale);

bool into_frame(Gaussian6d& gaussian, const FileFrame& frame);
bool out_of_frame(Gaussian6d& gaussian, const FileFrame& frame);

/// Sets c from principal axes. Extents under 1e-4 of the largest are widened to it: flat splats still have a
/// covariance. False where none is positive or anything is not finite.
bool set_extent(Gaussian6d& gaussian, const Quaternion& wxyz, Vec3d sigma);
/// The principal axes of c cᵀ.
PrincipalAxes extent_of(const Gaussian6d& gaussian);

/// [N] of everything; notes are the caller's.
void resize(GaussianRows& rows, std::int64_t count);
inline constexpr std::int64_t kBytesPerRow = 41 * 4;  ///< of GaussianRows
Gaussian6d load(const GaussianColumns& columns, std::int64_t n);
/// False, and nothing sensible stored, where a value is not finite in float or a diagonal not positive.
bool store(const Gaussian6d& gaussian, GaussianRows& rows, std::int64_t n);

/// The six entries of a lower triangular matrix: 00 10 11 20 21 22.
Mat3d lower_from(const std::array<double, 6>& entries);

}  // namespace renderfm
