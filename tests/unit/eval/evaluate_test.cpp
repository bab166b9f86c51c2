// A whole evaluation of a small phantom, whose views are drawn by the rasterizer from changed primed
// Gaussians.
#include "renderfm/eval/evaluate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "renderfm/core/log.h"
#include "renderfm/eval/report.h"
#include "renderfm/model/predictor.h"
#include "renderfm/raster/rasterize.h"
#include "support/program.h"
#include "support/scan_files.h"
#include "unit/data/case_folder.h"

namespace renderfm {
namespace {

namespace fs = std::filesystem;

constexpr int kSize = 40;

/// A finished case whose pictures a brighter, redder priming shows.
void write_case(const fs::path& folder) {
  data::Case content = test::small_case(folder);
  content.box = {{20, 20, 20}, {16, 20, 24}};
  Scene scene;
  scene.ct = crop(content.ct, content.box);
  scene.labels = crop(content.labels_volume, content.box);
  GaussianSet truth = predict(scene, content.tf, {}, nullptr).gaussians;
  truth.sh = truth.sh.clone();
  truth.sh.select(1, 0).add_(0.5);
  truth.sh.select(1, 2).sub_(0.3);
  content.view_sphere = *truth.view_sphere;
  content.width = content.height = kSize;
  fs::create_directories(folder / "views");
  content.train_views.clear();
  content.test_views.clear();
  for (int n = 0; n < 9; ++n) {
    const std::string name = fmt::format("{:03}", n);
    const Camera camera = orbit_camera(content.view_sphere, 40.0 * n, 15.0 * (n % 4) - 20, kSize, kSize);
    const data::View view = data::make_view(camera, name, folder, false);
    write_png(raster::rasterize(truth, {camera}).rgb[0], view.image);
    (n % 3 == 2 ? content.test_views : content.train_views).push_back(view);
  }
  // Names count on from the training views.
  data::write_case_files(content, {{{1, 2, 3}, {0, 0, 1}, {0.2F, 0.4F, 1}}});
  data::seal_case(content);
}

TEST(Evaluate, MeasuresEveryMethodOnceAndReports) {
  set_verbosity(Verbosity::kQuiet);
  const test::ScratchFolder scratch;
  write_case(scratch / "cases/one");
  EvaluateOptions options;
  options.dataset = scratch / "cases";
  options.out = scratch / "out";
  fs::create_directories(options.out);
  options.methods = {Method::kPriming, Method::kFinetune, Method::k6dgs, Method::k3dgsAgp, Method::kDvr};
  options.baselines.finetune_steps = 60;
  options.baselines.full_steps = 30;
  options.baselines.start_points = 300;
  const std::vector<CaseResult> results = evaluate(options);
  ASSERT_EQ(results.size(), 5U);
  const CaseResult& priming = results[0];
  EXPECT_EQ(priming.views.size(), 3U);
  EXPECT_EQ(priming.per_view.count("MS-SSIM"), 0U);  // too small
  EXPECT_GT(priming.gaussians, 100);
  EXPECT_GT(priming.megabytes, 0);
  EXPECT_EQ(results[2].gaussians > 0 && results[4].gaussians == 0, true);
  // The pictures differ from the priming in colour alone, which fine-tuning finds.
  EXPECT_GT(mean_of(results, "finetune", "PSNR"), mean_of(results, "priming", "PSNR") + 3);
  EXPECT_LT(mean_of(results, "finetune", "FLIP"), mean_of(results, "priming", "FLIP"));

  // What is there is not done again, and not taken for something else.
  const auto written = fs::last_write_time(options.out / "cases/one/6dgs/result.json");
  const std::vector<CaseResult> again = evaluate(options);
  EXPECT_EQ(fs::last_write_time(options.out / "cases/one/6dgs/result.json"), written);
  EXPECT_EQ(again[2].per_view, results[2].per_view);
  options.baselines.seed = 9;
  EXPECT_NE(test::error_of([&] { evaluate(options); }).find("choose another --out"), std::string::npos);

  write_reports(results, {options.out, options.dataset, "renderfm-eval </script>", 2});
  const auto json = nlohmann::json::parse(test::read_file(options.out / "results.json"));
  EXPECT_NEAR(json.at("finetune").at("PSNR").get<double>(), mean_of(results, "finetune", "PSNR"), 1e-5);
  const auto per_view = nlohmann::json::parse(test::read_file(options.out / "per_view.json"));
  EXPECT_NEAR(per_view.at("dvr").at("SSIM").at("one/" + results[4].views[1]).get<double>(),
              results[4].per_view.at("SSIM")[1], 1e-5);
  EXPECT_EQ(test::count_lines_with(test::read_file(options.out / "results.csv"), "one,"), 15);
  const std::string page = test::read_file(options.out / "report.html");
  EXPECT_EQ(page.find("renderfm-eval </script>"), std::string::npos);
  EXPECT_NE(page.find("data:image/png;base64,iVBORw0KGgo"), std::string::npos);
  // Nothing is loaded from elsewhere.
  for (const char* outside : {"src=\"http", "href=\"http", "@import", "url("}) {
    EXPECT_EQ(page.find(outside), std::string::npos) << outside;
  }
}

TEST(Evaluate, EqualPicturesAreMeasuredAsEqual) {
  const torch::Tensor image = torch::rand({3, 32, 32});
  const auto values = measure(image, image);
  EXPECT_TRUE(std::isinf(values.at("PSNR")));
  EXPECT_NEAR(values.at("SSIM"), 1, 1e-6);
  EXPECT_EQ(values.at("FLIP"), 0);
  EXPECT_EQ(values.at("edge error"), 0);
}

}  // namespace
}  // namespace renderfm
