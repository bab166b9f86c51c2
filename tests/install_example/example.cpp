// A glass ball without any scan: every voxel of a small grid that lies inside becomes a primed 6D Gaussian,
// and the file opens in any 3D Gaussian viewer. Usage: example OUT.ply
#include <cstdio>
#include <exception>

#include "renderfm/gaussian/ply.h"
#include "renderfm/gaussian/priming.h"

int main(int argc, char** argv) try {
  renderfm::Foreground ball;
  ball.grid.shape_zyx = {40, 40, 40};
  ball.grid.spacing_zyx_mm = {1.5, 1.5, 1.5};
  for (int k = 0; k < 40; ++k) {
    for (int j = 0; j < 40; ++j) {
      for (int i = 0; i < 40; ++i) {
        const renderfm::Vec3d from_centre{i - 19.5, j - 19.5, k - 19.5};
        if (dot(from_centre, from_centre) > 18.0 * 18.0) continue;
        ball.voxel.push_back(ball.grid.offset(k, j, i));
        ball.sigma_t_per_mm.push_back(0.05F);
        ball.lit_srgb.push_back({0.4F, 0.7F, 0.9F});
        ball.inward_normal.push_back({0, 0, 0});
        ball.exposure.push_back(1.0F);
        ball.label.push_back(0);
      }
    }
  }
  renderfm::GaussianSet gaussians = renderfm::gaussians_from_raw(renderfm::prime(ball), ball);
  gaussians.view_sphere = renderfm::view_sphere_of(ball.grid, ball.voxel);
  renderfm::write_ply(gaussians, argc > 1 ? argv[1] : "ball.ply");
  std::printf("%lld Gaussians written\n", static_cast<long long>(gaussians.size()));
} catch (const std::exception& error) {
  std::fprintf(stderr, "error: %s\n", error.what());
  return 1;
}
