// The programs and the file formats: what renderfm-infer writes with each suffix, what renderfm-render makes
// of it.

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "renderfm/gaussian/gaussian_file.h"
#include "renderfm/image/image_io.h"
#include "renderfm/model/export_target.h"
#include "renderfm/model/gaussian_view.h"
#include "renderfm/raster/rasterize.h"
#include "renderfm/volume/image_io.h"
#include "support/program.h"
#include "support/small_scan.h"

namespace renderfm {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

double psnr_db(const torch::Tensor& a, const torch::Tensor& b) {
  return -10 * std::log10((a - b).square().mean().item<double>() + 1e-30);
}

class Formats : public test::ProgramTest {
 protected:
  test::Outcome succeed(const std::string& command) const {
    const test::Outcome outcome = run(command);
    EXPECT_EQ(outcome.exit_code, 0) << command << "\n" << outcome.err;
    return outcome;
  }
  void infer(const std::string& name, const std::string& more = "") const {
    if (!fs::exists(file("ct.nii.gz"))) {
      write_nifti(test::small_phantom().ct, file("ct.nii.gz"));
      write_nifti(test::small_phantom().labels, file("labels.nii.gz"));
    }
    succeed(std::string(RENDERFM_INFER) + " " + file("ct.nii.gz").string() + " " + out(name) + " --labels " +
            file("labels.nii.gz").string() + " --tf organs " + more);
  }
  torch::Tensor picture(const GaussianSet& set, const ViewSphere& sphere) const {
    return raster::rasterize(set, {orbit_camera(sphere, 30, 10, 128, 128)}).rgb[0].clamp(0, 1);
  }
};

TEST_F(Formats, EverySuffixHoldsTheSameScene) {
  infer("a.ply");
  const GaussianSet set = read_gaussians(out("a.ply"));
  const ViewSphere sphere = view_sphere(set);
  const torch::Tensor wanted = picture(set, sphere);
  // .glb holds all of it; the others have 8 bits for opacity, colour and scale, and no sixth dimension, which
  // a primed set hardly uses. .splat cannot say that the low-pass is compensated; the picture is drawn as the
  // set wants it.
  for (const auto& [name, least_db] : {std::pair{"a.glb", 100.0}, {"a.spz", 50.0}, {"a.splat", 50.0}}) {
    infer(name);
    GaussianSet read = read_gaussians(out(name));
    EXPECT_EQ(read.size(), set.size()) << name;
    read.low_pass_compensation = set.low_pass_compensation;
    const double db = psnr_db(picture(read, sphere), wanted);
    EXPECT_GT(db, least_db) << name;
    RecordProperty(name, std::to_string(db));
  }
}

TEST_F(Formats, InferConvertsGaussiansIntoOtherFormats) {
  infer("a.ply");
  const GaussianSet set = read_gaussians(out("a.ply"));
  const torch::Tensor wanted = picture(set, view_sphere(set));
  for (const auto& [name, least_db] : {std::pair{"b.glb", 100.0}, {"b.spz", 50.0}}) {
    succeed(std::string(RENDERFM_INFER) + " " + out("a.ply") + " " + out(name));
    EXPECT_GT(psnr_db(picture(read_gaussians(out(name)), view_sphere(set)), wanted), least_db) << name;
  }
}

TEST_F(Formats, RenderDrawsAGlbAsItDrawsThePly) {
  infer("a.ply");
  infer("a.glb");
  for (const char* name : {"a.ply", "a.glb"}) {
    succeed(std::string(RENDERFM_RENDER) + " " + out(name) + " " + out(std::string(name) + ".png") +
            " --azimuth 20 --size 96x96 --organs skeleton");
  }
  EXPECT_GT(psnr_db(read_png(out("a.glb.png")), read_png(out("a.ply.png"))), 55);
}

TEST_F(Formats, ATargetKeepsNoMoreThanItsCaps) {
  infer("a.splat", "--target mobile");
  infer("a.ply", "--target mobile");
  for (const char* name : {"a.splat", "a.ply"}) {
    EXPECT_LE(fs::file_size(out(name)), static_cast<std::uintmax_t>(export_target("mobile").max_bytes))
        << name;
  }
  const GaussianSet set = read_gaussians(out("a.ply"));
  EXPECT_EQ(set.sh.slice(1, 3).abs().max().item<float>(), 0);

  const std::int64_t third = set.size() / 3;
  const GaussianSet few = reduce_to_target(set, {"few", third, 1, 1 << 30}, "a.ply", PlyFlavor::kRenderfm);
  EXPECT_EQ(few.size(), third);
  ASSERT_TRUE(few.view_sphere);
  EXPECT_EQ(few.view_sphere->radius_mm, set.view_sphere->radius_mm);
  const GaussianSet small =
      reduce_to_target(set, {"small", third, 1, 65536 + 168 * 100}, "a.ply", PlyFlavor::kRenderfm);
  EXPECT_EQ(small.size(), 100);
}

TEST_F(Formats, CheckDescribesASoundFileAndExitsWithTwoForOneWithProblems) {
  infer("a.ply");
  const std::string check = std::string(RENDERFM_RENDER) + " --check --json ";
  const json sound = json::parse(succeed(check + out("a.ply")).out);
  const GaussianSet set = read_gaussians(out("a.ply"));
  EXPECT_EQ(sound["format"], "ply");
  EXPECT_EQ(sound["layout"], "renderfm");
  EXPECT_EQ(sound["gaussians"], set.size());
  EXPECT_EQ(sound["frame"], "LPS mm");
  EXPECT_EQ(sound["problems"].size(), 0);
  EXPECT_TRUE(sound["six_dimensional"].get<bool>());
  std::int64_t labelled = 0;
  for (const json& label : sound["labels"]) labelled += label["gaussians"].get<std::int64_t>();
  EXPECT_EQ(labelled, set.size());

  std::string bytes = test::read_file(out("a.ply"));
  const float nan = std::nanf("");
  std::memcpy(bytes.data() + bytes.size() - 42 * sizeof(float), &nan, sizeof(nan));
  std::ofstream(file("nan.ply"), std::ios::binary) << bytes;
  const test::Outcome bad = run(check + file("nan.ply").string());
  EXPECT_EQ(bad.exit_code, 2);
  EXPECT_EQ(json::parse(bad.out)["unusable"], 1);
  EXPECT_EQ(run(check + file("absent.ply").string()).exit_code, 2);
  EXPECT_EQ(run(std::string(RENDERFM_RENDER) + " " + out("a.ply")).exit_code, 1)
      << "OUT may only be left out for --check";
}

// Which Gaussians a file with fewer of them should keep: by what they add to pictures all around, against the
// usual rule of opacity times projected area.
TEST_F(Formats, ContributionKeepsMoreOfThePictureThanOpacityTimesArea) {
  infer("a.ply");
  const GaussianSet set = read_gaussians(out("a.ply"));
  const ViewSphere sphere = view_sphere(set);
  const torch::Tensor log_volume = set.chol.index_select(1, torch::tensor({9, 14, 20})).log().sum(1);
  const torch::Tensor area = set.opacity * (log_volume * (2.0 / 3)).exp();
  const torch::Tensor wanted = picture(set, sphere);
  for (const std::int64_t keep : {set.size() / 2, set.size() / 4}) {
    const auto db = [&](const torch::Tensor& score) {
      return psnr_db(picture(set.select(std::get<1>(score.topk(keep))), sphere), wanted);
    };
    const double by_contribution = db(contribution(set)), by_area = db(area);
    EXPECT_GT(by_contribution, by_area + 3);
    RecordProperty("keep_" + std::to_string(keep),
                   fmt::format("{:.1f} dB against {:.1f} dB", by_contribution, by_area));
  }
}

}  // namespace
}  // namespace renderfm
