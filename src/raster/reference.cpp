#include "raster/reference.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "renderfm/gaussian/layout.h"
#include "renderfm/raster/constants.h"

namespace renderfm::raster {
namespace {

using torch::Tensor;
using torch::indexing::None;
using torch::indexing::Slice;

constexpr double kPixelsTimesGaussians = 4e6;  // of one chunk: bounds memory

Tensor row_vector(std::initializer_list<double> values, const Tensor& like) {
  return torch::tensor(std::vector<double>(values), torch::kFloat64).to(like.options());
}

struct Splats {
  Tensor centre;   // [N, 2] pixels
  Tensor z;        // [N] mm
  Tensor cov;      // [N, 2, 2] after the low-pass
  Tensor det;      // [N] of cov
  Tensor opacity;  // [N] after slicing and compensation
  Tensor rgb;      // [N, 3]
};

// The 6D covariance from its factor, conditioned by the Schur complement, as in the paper.
Splats project_all(const GaussianSet& g, const Camera& camera, const ReferencePose& pose,
                   const ClipRegion& clip) {
  const std::int64_t n = g.position_mm.size(0);
  const Tensor to_gaussian = g.position_mm - pose.position_mm;
  const Tensor direction = to_gaussian / to_gaussian.norm(2, {1}, true);

  const Tensor indices =
      torch::tril_indices(6, 6, 0, torch::TensorOptions(torch::kInt64).device(g.chol.device()));
  Tensor lower = torch::zeros({n, 6, 6}, g.chol.options().requires_grad(false));
  lower.index_put_({Slice(), indices[0], indices[1]}, g.chol);
  const Tensor sigma = lower.matmul(lower.transpose(1, 2));
  const Tensor sigma_dd = sigma.index({Slice(), Slice(None, 3), Slice(None, 3)});
  const Tensor sigma_pd = sigma.index({Slice(), Slice(3, None), Slice(None, 3)});
  const Tensor sigma_pp = sigma.index({Slice(), Slice(3, None), Slice(3, None)});
  const Tensor deviation = (direction - g.direction_mean).unsqueeze(2);
  const Tensor solved =
      std::get<0>(torch::linalg_solve_ex(sigma_dd, torch::cat({deviation, sigma_pd.transpose(1, 2)}, 2)));
  const Tensor solved_deviation = solved.index({Slice(), Slice(), Slice(None, 1)});
  const Tensor mean = to_gaussian + sigma_pd.matmul(solved_deviation).squeeze(2);
  const Tensor cov3d = sigma_pp - sigma_pd.matmul(solved.index({Slice(), Slice(), Slice(1, None)}));
  const Tensor distance2 = (deviation * solved_deviation).sum({1, 2});

  const Tensor& rotation = pose.rotation;
  const Tensor in_camera = mean.matmul(rotation.t());
  const Tensor x = in_camera.select(1, 0), y = in_camera.select(1, 1), z = in_camera.select(1, 2);
  const double margin_x = 0.15 * camera.width, margin_y = 0.15 * camera.height;
  const Tensor slope_x =
      (x / z).clamp((-margin_x - camera.cx) / camera.fx, (camera.width + margin_x - camera.cx) / camera.fx);
  const Tensor slope_y =
      (y / z).clamp((-margin_y - camera.cy) / camera.fy, (camera.height + margin_y - camera.cy) / camera.fy);
  const Tensor zero = torch::zeros_like(z);
  const Tensor jacobian = torch::stack({camera.fx / z, zero, -camera.fx * slope_x / z,  //
                                        zero, camera.fy / z, -camera.fy * slope_y / z},
                                       1)
                              .view({n, 2, 3});
  const Tensor projection = jacobian.matmul(rotation);
  const Tensor sharp = projection.matmul(cov3d).matmul(projection.transpose(1, 2));

  const auto determinant = [](const Tensor& m) {
    const auto at = [&](int i, int j) { return m.select(1, i).select(1, j); };
    return at(0, 0) * at(1, 1) - at(0, 1) * at(1, 0);
  };
  Splats s;
  s.cov = sharp + 0.3 * torch::eye(2, g.position_mm.options());
  s.det = determinant(s.cov);
  s.opacity = g.opacity * torch::exp(-g.lambda_opacity * distance2);
  for (const ClipPlane<double>& plane : clip.planes) {
    const Tensor normal = row_vector({plane.normal.x, plane.normal.y, plane.normal.z}, g.position_mm);
    const Tensor distance = (mean + pose.position_mm).matmul(normal) + plane.offset_mm;
    const Tensor variance = cov3d.matmul(normal).matmul(normal);
    const Tensor share = torch::special_ndtr(distance / variance.sqrt());
    s.opacity =
        s.opacity *
        (clip.exempt.defined() ? torch::where(clip.exempt > 0, torch::ones_like(share), share) : share);
  }
  if (g.low_pass_compensation) {
    s.opacity = s.opacity * (determinant(sharp) / s.det).clamp_min(0.005 * 0.005).sqrt();
  }
  s.centre = torch::stack({camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy}, 1);
  s.z = z;

  const Tensor sh = g.sh.view({n, 4, 3});
  const Tensor d = direction.unsqueeze(2);
  const auto coefficient = [&](int k) { return sh.select(1, k); };
  s.rgb = (0.5 + 0.28209479177387814 * coefficient(0) +
           0.48860251190291992 * (-d.select(1, 1) * coefficient(1) + d.select(1, 2) * coefficient(2) -
                                  d.select(1, 0) * coefficient(3)))
              .clamp_min(0);
  return s;
}

// True where a Gaussian reaches the centre of some pixel with alpha >= 1/255. NaN compares false.
Tensor is_drawn(const Splats& s, const Camera& camera) {
  const Tensor reach = 2 * torch::log(s.opacity * 255).clamp_min(0);
  const auto touches = [&](int axis, int size) {
    const Tensor half = (reach * s.cov.select(1, axis).select(1, axis)).sqrt();
    const Tensor first = (s.centre.select(1, axis) - half - 0.5).ceil().clamp_min(0);
    const Tensor last = (s.centre.select(1, axis) + half - 0.5).floor().clamp_max(size - 1);
    return first <= last;
  };
  return (s.z >= 0.01) & (s.z <= 1e18) & (s.det > 1e-8) & (s.det < 1e38) & (s.opacity >= 1.0 / 255) &
         touches(0, camera.width) & touches(1, camera.height);
}

Tensor all_finite(const GaussianSet& g) {
  Tensor finite = torch::isfinite(g.opacity);
  for (const Tensor& parameter : {g.position_mm, g.sh, g.direction_mean, g.chol}) {
    finite = finite & torch::isfinite(parameter).all(1);
  }
  return finite;
}

ClipRegion select_clip(ClipRegion clip, const Tensor& index) {
  if (clip.exempt.defined()) clip.exempt = clip.exempt.index_select(0, index);
  return clip;
}

// Indices of the Gaussians to draw, front to back; equal depth keys in index order.
Tensor draw_order(const GaussianSet& gaussians, const Camera& camera, const ReferencePose& pose,
                  const ClipRegion& clip, std::int64_t& not_finite) {
  const torch::NoGradGuard no_grad;
  const Tensor finite = all_finite(gaussians).nonzero().squeeze(1);
  not_finite = gaussians.size() - finite.size(0);
  const Splats s = project_all(gaussians.select(finite), camera, pose, select_clip(clip, finite));
  const Tensor drawn = is_drawn(s, camera).nonzero().squeeze(1);
  if (drawn.size(0) == 0) return drawn;
  const Tensor z = s.z.index_select(0, drawn);
  const Tensor range = z.max() - z.min();
  const Tensor key =
      torch::where(range > 0, ((z - z.min()) / range * 16777215.0).floor(), torch::zeros_like(z));
  const Tensor by_depth = torch::argsort(key, /*stable=*/true, /*dim=*/0, /*descending=*/false);
  return finite.index_select(0, drawn.index_select(0, by_depth));
}

// Pixels [begin, end) in row-major order: [pixels, 5] of rgb, alpha, depth.
Tensor blend_pixels(const Splats& s, const Camera& camera, std::int64_t begin, std::int64_t end) {
  const Tensor pixel = torch::arange(begin, end, torch::TensorOptions(torch::kInt64).device(s.z.device()));
  const Tensor dx =
      (pixel.remainder(camera.width) + 0.5).to(s.z.options()).unsqueeze(1) - s.centre.select(1, 0);
  const Tensor dy =
      (pixel.div(camera.width, "floor") + 0.5).to(s.z.options()).unsqueeze(1) - s.centre.select(1, 1);
  const auto cov = [&](int i, int j) { return s.cov.select(1, i).select(1, j); };
  const Tensor sigma = 0.5 * (cov(1, 1) * dx * dx - 2 * cov(0, 1) * dx * dy + cov(0, 0) * dy * dy) / s.det;
  const Tensor uncapped = s.opacity * torch::exp(-sigma);
  Tensor alpha = torch::where(uncapped >= std::exp2(static_cast<double>(kLog2AlphaCut)),
                              uncapped.clamp_max(0.99), torch::zeros_like(uncapped));
  // A transmittance that falls monotonically crosses the stop threshold once; from there on nothing is drawn.
  const Tensor open = torch::cumprod(1 - alpha.detach(), 1) > 1e-4;
  alpha = torch::where(open, alpha, torch::zeros_like(alpha));
  const Tensor after = torch::cumprod(1 - alpha, 1);
  const Tensor before = torch::cat({torch::ones_like(after.slice(1, 0, 1)), after.slice(1, 0, -1)}, 1);
  const Tensor weight = alpha * before;
  return torch::cat({weight.matmul(s.rgb), 1 - after.slice(1, -1), weight.matmul(s.z.unsqueeze(1))}, 1);
}

}  // namespace

ReferencePose reference_pose(const Camera& camera, const Tensor& like) {
  const Mat3d& r = camera.rotation;
  return {row_vector({camera.position_mm.x, camera.position_mm.y, camera.position_mm.z}, like),
          row_vector({r[0][0], r[0][1], r[0][2], r[1][0], r[1][1], r[1][2], r[2][0], r[2][1], r[2][2]}, like)
              .view({3, 3})};
}

RenderOutput render_reference(const GaussianSet& gaussians, const Camera& camera, const ReferencePose& pose,
                              const ClipRegion& clip, std::int64_t& not_finite) {
  const std::int64_t width = camera.width, height = camera.height, pixels = width * height;
  const Tensor order = draw_order(gaussians, camera, pose, clip, not_finite);
  Tensor image = torch::zeros({pixels, 5}, gaussians.position_mm.options().requires_grad(false));
  if (order.size(0) > 0) {
    const Splats splats = project_all(gaussians.select(order), camera, pose, select_clip(clip, order));
    const std::int64_t chunk =
        std::max<std::int64_t>(1, static_cast<std::int64_t>(kPixelsTimesGaussians) / order.size(0));
    std::vector<Tensor> parts;
    for (std::int64_t begin = 0; begin < pixels; begin += chunk) {
      parts.push_back(blend_pixels(splats, camera, begin, std::min(pixels, begin + chunk)));
    }
    image = torch::cat(parts);
  }
  const Tensor planes = image.t().contiguous().view({5, height, width});
  return {planes.slice(0, 0, 3), planes[3], planes[4]};
}

}  // namespace renderfm::raster
