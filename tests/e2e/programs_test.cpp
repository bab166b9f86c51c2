// The programs on a phantom and, where they are, on real scans: what comes out is where it should be.

#include <ATen/TensorIndexing.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cstdlib>
#include <map>

#include "renderfm/gaussian/ply.h"
#include "renderfm/image/image_io.h"
#include "renderfm/volume/image_io.h"
#include "support/program.h"
#include "support/small_scan.h"

namespace renderfm {
namespace {

namespace fs = std::filesystem;
using test::Outcome;

class Programs : public test::ProgramTest {
 protected:
  Outcome succeed(const std::string& command) const {
    const Outcome outcome = run(command);
    EXPECT_EQ(outcome.exit_code, 0) << command << "\n" << outcome.err;
    return outcome;
  }
  /// A phantom's CT and labels as files.
  void save_phantom() const {
    write_nifti(test::small_phantom().ct, file("ct.nii.gz"));
    write_nifti(test::small_phantom().labels, file("labels.nii.gz"));
  }
  std::string with_labels(const std::string& more) const {
    return std::string(RENDERFM_INFER) + " " + file("ct.nii.gz").string() + " " + out("a.ply") +
           " --labels " + file("labels.nii.gz").string() + " " + more;
  }
};

/// Mean position of the Gaussians of one organ.
torch::Tensor centroid(const GaussianSet& set, const std::string& organ) {
  for (const auto& [label, name] : set.label_names) {
    if (name == organ) return set.position_mm.index({set.label == static_cast<int>(label)}).mean(0);
  }
  ADD_FAILURE() << "no " << organ;
  return torch::zeros({3});
}

/// Columns and rows of the lit pixels' centre, in [0, 1].
std::pair<double, double> lit_centre(const torch::Tensor& picture) {
  const torch::Tensor brightness = picture.sum(0);
  const double total = brightness.sum().item<double>();
  const auto centre = [&](int sum_over, std::int64_t size) {
    const torch::Tensor profile = brightness.sum(sum_over);
    return profile.dot(torch::arange(size, torch::kFloat32)).item<double>() / total /
           static_cast<double>(size - 1);
  };
  return {centre(0, picture.size(2)), centre(1, picture.size(1))};
}

TEST_F(Programs, OrgansKeepTheirPlaceInThePatient) {
  save_phantom();
  succeed(with_labels("--tf organs"));
  const GaussianSet set = read_ply(out("a.ply"));
  // LPS: x grows to the patient's left, y to the back, z to the head.
  EXPECT_LT(centroid(set, "liver")[0].item<double>(), centroid(set, "spleen")[0].item<double>());
  EXPECT_LT(centroid(set, "kidney_right")[0].item<double>(), centroid(set, "kidney_left")[0].item<double>());
  EXPECT_GT(centroid(set, "kidney_left")[1].item<double>(), centroid(set, "stomach")[1].item<double>());
  EXPECT_GT(centroid(set, "heart")[2].item<double>(), centroid(set, "liver")[2].item<double>());
}

TEST_F(Programs, ThePictureShowsThePatientsLeftOnTheRightFromTheFront) {
  save_phantom();
  succeed(with_labels("--tf organs"));
  const auto picture_of = [&](const std::string& organs, const std::string& view) {
    succeed(std::string(RENDERFM_RENDER) + " " + out("a.ply") + " " + out("p.png") +
            " --size 200x200 --organs " + organs + " " + view);
    return lit_centre(read_png(out("p.png")));
  };
  EXPECT_LT(picture_of("liver", "").first, 0.5);
  EXPECT_GT(picture_of("spleen", "").first, 0.5);
  EXPECT_LT(picture_of("heart", "").second, picture_of("liver", "").second) << "the head is up";
  EXPECT_GT(picture_of("liver", "--azimuth 180").first, 0.5) << "from the back";
  EXPECT_GT(picture_of("kidneys", "--azimuth 90").first, 0.5)
      << "from the patient's left the back is on the right";
}

TEST_F(Programs, ASubsetOfOrgansIsTheSameChosenBeforeOrAfter) {
  save_phantom();
  succeed(with_labels("--tf organs --organs skeleton"));
  succeed(std::string(RENDERFM_RENDER) + " " + out("a.ply") + " " + out("before.png") + " --size 128x128");
  const GaussianSet bones = read_ply(out("a.ply"));
  succeed(with_labels("--tf organs"));
  const GaussianSet all = read_ply(out("a.ply"));
  EXPECT_LT(bones.size(), all.size());
  EXPECT_GT(bones.size(), all.size() / 50);
  // The camera stays, so the subset is found where the whole has it.
  EXPECT_DOUBLE_EQ(bones.view_sphere->radius_mm, all.view_sphere->radius_mm);
  for (const auto& [label, name] : bones.label_names) EXPECT_EQ(name.find("liver"), std::string::npos);
}

TEST_F(Programs, TheLimitKeepsTheMostVisibleGaussians) {
  save_phantom();
  const Outcome outcome = succeed(with_labels("--tf organs --max-gaussians 4000"));
  EXPECT_EQ(read_ply(out("a.ply")).size(), 4000);
  EXPECT_NE(outcome.err.find("left out"), std::string::npos) << outcome.err;
}

TEST_F(Programs, TheSameFileComesOutForAnyThreadCount) {
  save_phantom();
  std::string first;
  for (const char* const threads : {"1", "2", "7"}) {
    succeed(with_labels(std::string("--threads ") + threads));
    const std::string bytes = test::read_file(out("a.ply"));
    if (first.empty()) first = bytes;
    EXPECT_TRUE(bytes == first) << threads << " threads";
  }
}

TEST_F(Programs, PrepareMakesAPatientThatInferTakes) {
  const std::string prepare = std::string(RENDERFM_PREPARE) + " --phantom 1 --views 0 --out " + out("set");
  succeed(prepare + " --spacing 6");
  const std::string folder = out("set") + "/phantom_0001/";
  succeed(std::string(RENDERFM_INFER) + " " + folder + "ct.nii.gz " + out("a.ply") + " --labels " + folder +
          "labels.nii.gz --report " + out("report.json"));
  EXPECT_NE(test::read_file(out("report.json")).find("\"repairs\""), std::string::npos);
  const std::string before = test::read_file(folder + "ct.nii.gz");
  EXPECT_EQ(run(prepare + " --spacing 5").exit_code, 2) << "overwrote a user's case";
  succeed(prepare + " --spacing 6");  // finished before: nothing to do
  EXPECT_EQ(test::read_file(folder + "ct.nii.gz"), before);
}

TEST_F(Programs, ATurntableAndACameraFileDrawTheSamePictures) {
  save_phantom();
  succeed(with_labels("--tf bone"));
  succeed(std::string(RENDERFM_RENDER) + " " + out("a.ply") + " " + out("turn") + " --orbit 4 --size 96x96");
  succeed(std::string(RENDERFM_RENDER) + " " + out("a.ply") + " " + out("side.png") +
          " --azimuth 90 --size 96x96");
  EXPECT_TRUE(torch::equal(read_png(out("turn") + "/001.png"), read_png(out("side.png"))));
  EXPECT_EQ(
      run(std::string(RENDERFM_RENDER) + " " + out("a.ply") + " " + out("turn") + " --orbit 4").exit_code, 2)
      << "wrote into a folder that was not empty";
}

class RealScans : public Programs, public ::testing::WithParamInterface<std::string> {};

TEST_P(RealScans, BecomeGaussiansAndAPicture) {
  const char* const data = std::getenv("RENDERFM_TEST_DATA");
  if (data == nullptr) GTEST_SKIP() << "RENDERFM_TEST_DATA is not set";
  std::string arguments = GetParam();
  for (std::size_t at; (at = arguments.find("@")) != std::string::npos;) {
    arguments.replace(at, 1, std::string(data) + "/ct/");
  }
  succeed(std::string(RENDERFM_INFER) + " " + arguments + " " + out("a.ply"));
  succeed(std::string(RENDERFM_RENDER) + " " + out("a.ply") + " " + out("a.png"));
  // A body fills a good part of the frame and is neither black nor burnt out.
  const torch::Tensor picture = read_png(out("a.png"));
  const torch::Tensor lit = picture.amax(0) > 0.08;
  const double share = lit.to(torch::kFloat32).mean().item<double>();
  EXPECT_GT(share, 0.04);
  EXPECT_LT(share, 0.8);
  const double brightness = picture.index({torch::indexing::Slice(), lit}).mean().item<double>();
  EXPECT_GT(brightness, 0.15);
  EXPECT_LT(brightness, 0.85);
}

INSTANTIATE_TEST_SUITE_P(All, RealScans,
                         ::testing::Values("@example_ct.nii.gz --labels @example_labels.nii.gz",
                                           "@example_ct.nii.gz",
                                           "@aorta_ct.nii.gz --labels @aorta_mask.nii.gz",
                                           "@example_dicom --labels @example_dicom_labels.nii.gz"));

}  // namespace
}  // namespace renderfm
