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
  MethodSettings settings;
  settings.start_points = 300;
  settings.steps = 60;
  for (const char* name : {"priming", "finetune"})
    options.methods.push_back(parse_method_spec(name, settings));
  settings.steps = 30;
  for (const char* name : {"6dgs", "3dgs-agp", "dvr"}) {
    options.methods.push_back(parse_method_spec(name, settings));
  }
  const Evaluation evaluation = evaluate(options);
  const std::vector<CaseResult>& results = evaluation.results;
  ASSERT_EQ(results.size(), 5U);
  EXPECT_TRUE(evaluation.failures.empty());
  const CaseResult& priming = results[0];
  EXPECT_EQ(priming.views.size(), 3U);
  EXPECT_EQ(priming.per_view.count("MS-SSIM"), 0U);  // too small
  EXPECT_GT(priming.gaussians, 100);
  EXPECT_GT(priming.megabytes, 0);
  EXPECT_EQ(results[2].gaussians > 0 && results[4].gaussians == 0, true);
  EXPECT_EQ(priming.per_view.count("PSNR skeleton"), 1U);
  EXPECT_EQ(priming.per_view.count("PSNR abdomen"), 0U);  // the bone preset shows none
  EXPECT_GT(results[1].optimisation_s, 0);
  EXPECT_LE(results[1].optimisation_s, results[1].preparation_s);
  EXPECT_EQ(priming.tf, "bone");
  // The pictures differ from the priming in colour alone, which fine-tuning finds.
  EXPECT_GT(mean_of(results, "finetune", "PSNR"), mean_of(results, "priming", "PSNR") + 3);
  EXPECT_LT(mean_of(results, "finetune", "FLIP"), mean_of(results, "priming", "FLIP"));

  // What is there is not done again, and not taken for something else.
  const auto written = fs::last_write_time(options.out / "cases/one/6dgs/result.json");
  const std::vector<CaseResult> again = evaluate(options).results;
  EXPECT_EQ(fs::last_write_time(options.out / "cases/one/6dgs/result.json"), written);
  EXPECT_EQ(again[2].per_view, results[2].per_view);
  for (MethodSpec& spec : options.methods) spec.settings.seed = 9;
  EXPECT_NE(test::error_of([&] { evaluate(options); }).find("choose another --out"), std::string::npos);

  write_reports(evaluation, {options.out, options.dataset, "renderfm-eval </script>", 2});
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

TEST(Evaluate, VariantsChangeWhatTheMethodSeesAndNotTheTruth) {
  set_verbosity(Verbosity::kQuiet);
  const test::ScratchFolder scratch;
  write_case(scratch / "one");
  EvaluateOptions options;
  options.dataset = scratch / "one";
  options.out = scratch / "out";
  const MethodSpec priming = parse_method_spec("priming", {});
  options.methods = variants_of(priming, all_variants());
  options.methods.insert(options.methods.begin(), priming);
  const Evaluation evaluation = evaluate(options);
  EXPECT_TRUE(evaluation.failures.empty());
  // The case has voxels of 6 mm: 1.5 and 3 mm are no coarser, and left out.
  ASSERT_EQ(evaluation.results.size(), 6U);
  const auto psnr = [&](const std::string& variant) {
    return mean_of(evaluation.results, "priming" + variant, "PSNR");
  };
  for (const char* variant :
       {"@labels-none", "@labels-eroded", "@labels-dilated", "@labels-missing", "@noise"}) {
    EXPECT_TRUE(std::isfinite(psnr(variant))) << variant;
    EXPECT_NE(psnr(variant), psnr("")) << variant;
  }
  EXPECT_LT(psnr("@labels-eroded"), psnr(""));
  write_reports(evaluation, {options.out, options.dataset, "", 1});
  const auto json = nlohmann::json::parse(test::read_file(options.out / "results.json"));
  EXPECT_NEAR(json.at("priming@noise").at("PSNR").get<double>(), psnr("@noise"), 1e-5);
}

TEST(Evaluate, AFailedMethodIsNamedAndTheOthersGoOnAndResultsAreGathered) {
  set_verbosity(Verbosity::kQuiet);
  const test::ScratchFolder scratch;
  write_case(scratch / "cases/one");
  write_case(scratch / "cases/two");
  EvaluateOptions options;
  options.dataset = scratch / "cases";
  options.out = scratch / "out";
  MethodSpec nothing = parse_method_spec("6dgs", {});
  nothing.settings.start_points = 0;
  options.methods = {nothing, parse_method_spec("priming", {})};
  options.cases = {"two"};
  const Evaluation evaluation = evaluate(options);
  ASSERT_EQ(evaluation.failures.size(), 1U);
  EXPECT_EQ(evaluation.failures[0].method + " " + evaluation.failures[0].case_name, "6dgs two");
  ASSERT_EQ(evaluation.results.size(), 1U);
  // Gathering measures nothing: the other case is not there yet.
  options.cases.clear();
  options.stored_only = true;
  const Evaluation gathered = evaluate(options);
  ASSERT_EQ(gathered.results.size(), 1U);
  EXPECT_EQ(gathered.results[0].case_name, "two");
  EXPECT_FALSE(fs::exists(options.out / "cases/one"));
  options.cases = {"three"};
  EXPECT_NE(test::error_of([&] { evaluate(options); }).find("no case 'three'; there are one, two"),
            std::string::npos);
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
