// renderfm-finetune as a user runs it, on Gaussians and views made here.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include "renderfm/gaussian/ply.h"
#include "renderfm/image/image_io.h"
#include "renderfm/raster/rasterize.h"
#include "renderfm/view/cameras_json.h"
#include "support/program.h"
#include "support/small_scan.h"
#include "unit/raster/scenes.h"

namespace renderfm::test {
namespace {

const ViewSphere kSphere{{0, 0, 0}, 32};

class FinetuneProgram : public ProgramTest {
 protected:
  void SetUp() override {
    GaussianSet truth = raster::test::random_set(120, 71, 3.0);
    truth.position_mm *= 0.7;
    truth.view_sphere = kSphere;
    truth.label = torch::arange(120).remainder(2).add(1).to(torch::kUInt8);
    truth.label_names = {{1, "liver"}, {2, "spleen"}};
    std::filesystem::create_directory(file("views"));
    std::vector<NamedCamera> cameras;
    const torch::NoGradGuard no_grad;
    for (int v = 0; v < 10; ++v) {
      cameras.push_back(
          {orbit_camera(kSphere, 36.0 * v, 12.0 * (v % 5) - 24, 48, 48), fmt::format("{:03}", v)});
      write_png(raster::rasterize(truth, {cameras.back().camera}).rgb[0],
                file("views") / (cameras.back().name + ".png"));
    }
    write_cameras_json(cameras, file("views") / "transforms.json");
    write_ply(truth, file("truth.ply"));
    GaussianSet start = truth;
    start.sh = 0.5 * truth.sh;
    start.chol = 0.9 * truth.chol;
    write_ply(start, file("start.ply"));
    start.position_mm = start.position_mm + 4000;
    write_ply(start, file("elsewhere.ply"));
  }
  std::string command(const std::string& in, const std::string& more = "") const {
    return std::string(RENDERFM_FINETUNE) + " " + file(in).string() + " " + out("fine.ply") + " --views " +
           file("views").string() + " --steps 120 " + more;
  }
  std::string error(const std::string& in) {
    const Outcome outcome = run(command(in));
    EXPECT_EQ(outcome.exit_code, 2) << outcome.err;
    EXPECT_TRUE(std::filesystem::is_empty(out_folder()));
    return outcome.err;
  }
};

TEST_F(FinetuneProgram, RefinesKeepsLabelsAndWritesItsCurve) {
  const Outcome outcome =
      run(command("start.ply", "--curve " + out("curve.csv") + " --best " + out("best.ply")));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("8 views learnt from, 2 held out (split off)"), std::string::npos)
      << outcome.out;
  EXPECT_EQ(outcome.out.find("no progress"), std::string::npos) << outcome.out;
  const GaussianSet fine = read_ply(out("fine.ply"));
  EXPECT_TRUE(torch::equal(fine.label, read_ply(file("start.ply")).label));
  EXPECT_EQ(fine.label_names.at(2), "spleen");
  EXPECT_EQ(count_lines_with(read_file(out("curve.csv")), ","), 22);
  EXPECT_EQ(read_file(out("best.ply")), read_file(out("fine.ply")));
  EXPECT_FALSE(std::filesystem::exists(out("fine.ply.run")));
  // A second call does not overwrite, unless told to.
  EXPECT_EQ(run(command("start.ply")).exit_code, 2);
  EXPECT_EQ(run(command("start.ply", "--overwrite --minutes 0.001 -q")).exit_code, 0);
}

TEST_F(FinetuneProgram, SaysThatItMadeNoProgressAndReturnsTheStart) {
  // Pictures to learn from, each of another camera; the held-out ones (2 and 7) are right.
  const auto picture = [&](int v) { return file("views") / fmt::format("{:03}.png", v); };
  std::filesystem::rename(picture(0), picture(10));
  for (const auto& [from, to] : {std::pair{1, 0}, {3, 1}, {4, 3}, {5, 4}, {6, 5}, {8, 6}, {9, 8}, {10, 9}}) {
    std::filesystem::rename(picture(from), picture(to));
  }
  const Outcome outcome = run(command("truth.ply"));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("no progress: the start is returned"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.err.find("check that views and cameras belong to this scan"), std::string::npos)
      << outcome.err;
  const GaussianSet fine = read_ply(out("fine.ply")), truth = read_ply(file("truth.ply"));
  EXPECT_TRUE(torch::equal(fine.sh, truth.sh));
  EXPECT_TRUE(torch::equal(fine.position_mm, truth.position_mm));
}

TEST_F(FinetuneProgram, ChangesTheNumberOfGaussiansEitherWay) {
  for (const std::string kind : {"--densify --max-gaussians 150", "--densify=mcmc --max-gaussians 150"}) {
    const Outcome outcome = run(command("start.ply", "--overwrite " + kind));
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(outcome.out.find("no progress"), std::string::npos) << outcome.out;
    EXPECT_NE(read_ply(out("fine.ply")).size(), 120) << kind;
    EXPECT_LE(read_ply(out("fine.ply")).size(), 150) << kind;
  }
  EXPECT_EQ(run(command("start.ply", "--overwrite --densify=often")).exit_code, 2);
}

TEST_F(FinetuneProgram, GoesOnAfterItWasKilled) {
  ASSERT_EQ(run(command("start.ply")).exit_code, 0);
  const std::string whole = read_file(out("fine.ply"));
  std::filesystem::remove(out("fine.ply"));
  // Killed at an unforeseen moment, until a state is there; then the same command ends the run.
  bool interrupted = false;
  for (int tenths = 3; tenths < 60 && !interrupted; ++tenths) {
    run(fmt::format("timeout -s KILL {:.1f}s ", 0.1 * tenths) + command("start.ply", "--save-every 0"));
    if (std::filesystem::exists(out("fine.ply"))) break;
    interrupted = std::filesystem::exists(out("fine.ply.run"));
  }
  if (!interrupted) GTEST_SKIP() << "the run ended before it could be killed";
  const Outcome resumed = run(command("start.ply"));
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_NE(resumed.err.find("resuming"), std::string::npos) << resumed.err;
  EXPECT_EQ(read_file(out("fine.ply")), whole);
}

TEST_F(FinetuneProgram, TracesItsOwnViewsOfAScanAndGoesOnWithThem) {
  write_nifti(small_phantom().ct, file("ct.nii"));
  write_nifti(small_phantom().labels, file("labels.nii"));
  const std::string words =
      " --path-trace 4 --size 32 --spp 2 --held-out-spp 2 --steps 20 --max-gaussians 3000 --tf bone --device "
      "cpu "
      "--spacing 6 --labels " +
      file("labels.nii").string();
  const std::string program = std::string(RENDERFM_FINETUNE) + " " + file("ct.nii").string() + " ";
  const Outcome kept = run(program + out("a.ply") + words + " --keep-views " + out("traced"));
  ASSERT_EQ(kept.exit_code, 0) << kept.err;
  EXPECT_NE(kept.out.find("4 views learnt from, 3 held out:"), std::string::npos) << kept.out;
  // A run that was killed while it traced has left some views: they are taken up, not traced anew.
  std::filesystem::copy(out("traced"), out("b.ply.views"));
  for (const char* lost : {"002.png", "006.png", "transforms_test.json"}) {
    std::filesystem::remove(std::filesystem::path(out("b.ply.views")) / lost);
  }
  ASSERT_EQ(run(program + out("b.ply") + words).exit_code, 0);
  EXPECT_FALSE(std::filesystem::exists(out("b.ply.views")));
  EXPECT_EQ(read_file(out("b.ply")), read_file(out("a.ply")));
  // Gaussians need the scan that they were made from, and the views are refined against like any others.
  const std::string refine = std::string(RENDERFM_FINETUNE) + " " + out("a.ply") + " " + out("c.ply");
  EXPECT_NE(run(refine + " --path-trace 4").err.find("name it by --ct"), std::string::npos);
  EXPECT_NE(run(refine).err.find("either --views DIR or --path-trace N"), std::string::npos);
  EXPECT_EQ(run(refine + " --steps 5 --views " + out("traced")).exit_code, 0);
}

TEST_F(FinetuneProgram, SaysWhatIsWrongWithTheViews) {
  EXPECT_NE(error("elsewhere.ply").find("no Gaussian is seen in any of the 10 views"), std::string::npos);
  std::filesystem::remove(file("views") / "004.png");
  EXPECT_NE(error("start.ply").find("1 of 10 frames have no picture"), std::string::npos);
  std::filesystem::remove(file("views") / "transforms.json");
  EXPECT_NE(error("start.ply").find("has no cameras"), std::string::npos);
}

}  // namespace
}  // namespace renderfm::test
