// Exported files read by software that we did not write: plyfile, pygltflib, Python's gzip and numpy.
#include <cstdlib>

#include "unit/gaussian_files/files.h"

namespace renderfm {
namespace {

using namespace test;

class GaussianFilesParity : public GaussianFiles {};

/// The lines that check_gaussian_files.py compares with.
void write_expected(const GaussianRows& rows, const fs::path& path) {
  std::ofstream text(path);
  text.precision(17);
  for (std::int64_t n = 0; n < rows.size(); ++n) {
    const Gaussian6d g = load(columns_of(rows), n);
    const auto put = [&](const Mat3d& m) {
      for (int row = 0; row < 3; ++row) {
        for (int column = 0; column < 3; ++column) text << m[row][column] << ' ';
      }
    };
    text << g.position.x << ' ' << g.position.y << ' ' << g.position.z << ' ';
    put(g.c * transposed(g.c));
    text << g.opacity << ' ';
    for (const double c : g.sh) text << c << ' ';
    text << g.direction_mean.x << ' ' << g.direction_mean.y << ' ' << g.direction_mean.z << ' ';
    put(g.a);
    put(g.b);
    text << static_cast<int>(g.label) << '\n';
  }
}

TEST_F(GaussianFilesParity, OtherSoftwareReadsWhatWeWrote) {
  const char* const python = std::getenv("RENDERFM_PYTHON");
  const std::string interpreter = python != nullptr ? python : RENDERFM_SOURCE_DIR "/.venv/bin/python";
  if (std::system((interpreter + " -c 'import plyfile, pygltflib, numpy' 2>/dev/null").c_str()) != 0) {
    GTEST_SKIP() << "needs Python with plyfile, pygltflib and numpy (scripts/setup.sh --tests)";
  }
  GaussianRows rows = rows_of(tilted_gaussians(9, 60));
  for (float& c : rows.sh) c = std::max(-0.98F, std::min(0.98F, c));  // what .spz can hold
  const GaussianColumns columns = columns_of(rows);
  encode_ply(columns, file("ours.ply"), PlyFlavor::kRenderfm);
  encode_ply(columns, file("inria.ply"), PlyFlavor::kInria);
  encode_glb(columns, file("a.glb"), 1);
  encode_spz(columns, file("a.spz"), 1);
  encode_splat(columns, file("a.splat"));
  write_expected(rows, file("expected.txt"));
  std::string command =
      fmt::format("{} {} {}", interpreter, RENDERFM_SOURCE_DIR "/tests/support/check_gaussian_files.py",
                  file("expected.txt").string());
  for (const char* name : {"ours.ply", "inria.ply", "a.glb", "a.spz", "a.splat"}) {
    command += " " + file(name).string();
  }
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
}

}  // namespace
}  // namespace renderfm
