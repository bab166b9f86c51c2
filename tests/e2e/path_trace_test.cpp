// renderfm-render --path-trace as a user runs it, on a small phantom.
#include <gtest/gtest.h>
#include <signal.h>
#include <torch/types.h>

#include <chrono>
#include <cmath>
#include <thread>

#include "renderfm/image/image_io.h"
#include "renderfm/image/pfm.h"
#include "renderfm/view/cameras_json.h"
#include "support/program.h"
#include "support/small_scan.h"

namespace renderfm {
namespace {

namespace fs = std::filesystem;
using test::Outcome;

class PathTrace : public test::ProgramTest {
 protected:
  PathTrace() {
    write_nifti(test::small_phantom().ct, file("ct.nii.gz"));
    write_nifti(test::small_phantom().labels, file("labels.nii.gz"));
  }
  std::string command(const std::string& target, const std::string& more) const {
    return std::string(RENDERFM_RENDER) + " " + file("ct.nii.gz").string() + " " + out(target) +
           " --labels " + file("labels.nii.gz").string() + " --tf bone --path-trace --no-denoise " +
           (more.find("--size") == std::string::npos ? "--size 48x40 " : "") + more;
  }
  Outcome succeed(const std::string& line) const {
    const Outcome outcome = run(line);
    EXPECT_EQ(outcome.exit_code, 0) << line << "\n" << outcome.err;
    return outcome;
  }
  std::vector<std::string> listing(const fs::path& folder) const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }
  /// Starts the program and kills it, unasked, as soon as `file` exists. False where it ended before.
  bool kill_once_there(const std::string& line, const fs::path& file) const {
    const pid_t child = ::fork();
    if (child == 0) {
      ::execl("/bin/sh", "sh", "-c", ("exec " + line + " >/dev/null 2>&1").c_str(), nullptr);
      ::_exit(127);
    }
    int status = 0;
    while (!fs::exists(file)) {
      if (::waitpid(child, &status, WNOHANG) == child) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    ::kill(child, SIGKILL);
    ::waitpid(child, &status, 0);
    return WIFSIGNALED(status);
  }
};

TEST_F(PathTrace, DrawsTheSameBonesForAnyNumberOfThreadsWithTheirLinearLight) {
  std::string first;
  for (const char* const threads : {"1", "2"}) {
    succeed(command("a.png", std::string("--samples 6 --pfm --threads ") + threads));
    const std::string bytes = test::read_file(out("a.png")) + test::read_file(out("a.pfm"));
    if (first.empty()) first = bytes;
    EXPECT_TRUE(bytes == first) << threads << " threads";
  }
  EXPECT_EQ(listing(out_folder()), (std::vector<std::string>{"a.pfm", "a.png"}));
  const torch::Tensor srgb = read_png(out("a.png")), linear = read_pfm(out("a.pfm")).clamp(0, 1);
  ASSERT_EQ(srgb.sizes(), (torch::IntArrayRef{3, 40, 48}));
  EXPECT_GT((srgb.amax(0) > 0.2).to(torch::kFloat32).mean().item<double>(), 0.04) << "hardly a bone";
  const torch::Tensor encoded =
      torch::where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear.pow(1 / 2.4) - 0.055);
  EXPECT_LE((encoded - srgb).abs().max().item<double>(), 0.51 / 255);
}

TEST_F(PathTrace, AKilledPictureGoesOnToTheSameBits) {
  // Half of the samples are saved before the rest begins.
  const std::string more = "--samples 64 --size 128x128 --save-every 0 --pfm";
  succeed(command("whole.png", more));
  ASSERT_TRUE(kill_once_there(command("killed.png", more), out("killed.film")))
      << "the picture was done before it could be killed";
  const Outcome last = succeed(command("killed.png", more));
  EXPECT_NE(last.err.find("going on from there"), std::string::npos) << last.err;
  EXPECT_TRUE(test::read_file(out("killed.pfm")) == test::read_file(out("whole.pfm")));
  EXPECT_FALSE(fs::exists(out("killed.film")));
}

TEST_F(PathTrace, AKilledTurntableKeepsItsPicturesAndGoesOn) {
  const std::string more = "--samples 16 --orbit 4 --size 64x64";
  succeed(command("whole", more));
  EXPECT_EQ(listing(out("whole")), (std::vector<std::string>{"000.png", "001.png", "002.png", "003.png"}));
  ASSERT_TRUE(kill_once_there(command("killed", more), out("killed/001.png")));
  fs::last_write_time(out("killed/000.png"), fs::file_time_type{});  // to see whether it is written again
  succeed(command("killed", more));
  EXPECT_EQ(listing(out("killed")), listing(out("whole")));
  EXPECT_EQ(fs::last_write_time(out("killed/000.png")), fs::file_time_type{});
  for (const std::string& name : listing(out("whole"))) {
    EXPECT_TRUE(test::read_file(out("killed/" + name)) == test::read_file(out("whole/" + name))) << name;
  }
  EXPECT_EQ(run(command("whole", more)).exit_code, 2) << "wrote over a finished turntable";
}

TEST_F(PathTrace, AFilmOfAnotherPictureIsNotGoneOnWith) {
  succeed(command("right.png", "--samples 4 --azimuth 40"));
  ASSERT_TRUE(kill_once_there(command("a.png", "--samples 4096 --save-every 0 --size 64x64"), out("a.film")));
  const Outcome outcome = succeed(command("a.png", "--samples 4 --azimuth 40"));
  EXPECT_NE(outcome.err.find("another picture"), std::string::npos) << outcome.err;
  EXPECT_TRUE(test::read_file(out("a.png")) == test::read_file(out("right.png")));
}

TEST_F(PathTrace, SeesFromInsideTheBodyAndFromACameraFile) {
  const Phantom& phantom = test::small_phantom();
  const Geometry& g = phantom.ct.geometry;
  const Vec3d middle =
      g.world_from_index({0.5 * static_cast<double>(g.width()), 0.5 * static_cast<double>(g.height()),
                          0.5 * static_cast<double>(g.depth())});
  Camera inside = orbit_camera({middle, 1}, 30, 10, 24, 24);
  inside.position_mm = middle;
  write_cameras_json({{inside, "inside"}}, file("cameras.json"));
  succeed(command("views", "--samples 8 --cameras " + file("cameras.json").string()));
  const torch::Tensor picture = read_png(out("views/inside.png"));
  EXPECT_GT(picture.mean().item<double>(), 0.02) << "a chest from within has ribs and spine around it";
}

TEST_F(PathTrace, StopsAtTheWantedNoise) {
  const Outcome outcome = succeed(command("a.png", "--noise 25 --seed 3 -v"));
  EXPECT_NE(outcome.err.find("samples a pixel, noise at"), std::string::npos) << outcome.err;
  const Outcome too_few = succeed(command("a.png", "--noise 60 --samples 4"));
  EXPECT_NE(too_few.err.find("do not reach 60"), std::string::npos) << too_few.err;
}

TEST_F(PathTrace, FourSidesAndDenoisingWorkTogether) {
  const Outcome missing = run(command("a.png", "--samples 2"), "RENDERFM_OIDN=/nowhere ");
  EXPECT_EQ(missing.exit_code, 0) << missing.err;
  std::string line = command("sides.png", "--samples 4 --four-sides");
  line.replace(line.find("--no-denoise"), 12, "--denoise");
  const Outcome refused = run(line, "RENDERFM_OIDN=/nowhere ");
  EXPECT_EQ(refused.exit_code, 3);
  EXPECT_NE(refused.err.find("Open Image Denoise could not be loaded"), std::string::npos) << refused.err;
  EXPECT_FALSE(fs::exists(out("sides.png")));
  const Outcome outcome = run(line);
  if (outcome.exit_code == 3) GTEST_SKIP() << outcome.err;
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(read_png(out("sides.png")).sizes(), (torch::IntArrayRef{3, 40, 4 * 48}));
  EXPECT_EQ(listing(out_folder()), (std::vector<std::string>{"a.png", "sides.png"}));
}

TEST_F(PathTrace, SaysInOneSentenceWhatItCannotDo) {
  const auto expect_refused = [&](const std::string& line, const std::vector<std::string>& words,
                                  int exit_code) {
    const Outcome outcome = run(line);
    EXPECT_EQ(outcome.exit_code, exit_code) << line << "\n" << outcome.err;
    EXPECT_EQ(test::count_lines_with(outcome.err, "error: "), 1) << outcome.err;
    for (const std::string& word : words) {
      EXPECT_NE(outcome.err.find(word), std::string::npos) << "'" << word << "' is not in: " << outcome.err;
    }
    EXPECT_TRUE(fs::is_empty(out_folder())) << line;
  };
  std::ofstream(file("empty.yaml"))
      << "name: t\nlayers:\n  - organs: [all]\n    color: [[0, 1, 1, 1]]\n    opacity: [[3000, 0]]\n";
  std::string nothing = command("a.png", "--samples 2");
  nothing.replace(nothing.find("--tf bone"), 9, "--tf " + file("empty.yaml").string());
  expect_refused(nothing, {"shows nothing"}, 2);
  expect_refused(command("a.png", "--rig stadium"), {"stadium", "uniform", "studio"}, 2);
  expect_refused(command("a.png", "--samples 0"), {"--samples"}, 2);
  expect_refused(command("a.png", "--denoise"), {"--denoise"}, 1);
  expect_refused(command("a.png", "--model x.ckpt"), {"--model"}, 1);
  expect_refused(command("nowhere/a.png", ""), {"nowhere"}, 2);
  std::ofstream(file("set.ply")) << "ply\n";
  expect_refused(
      std::string(RENDERFM_RENDER) + " " + file("set.ply").string() + " " + out("a.png") + " --path-trace",
      {"needs a CT", "set.ply"}, 2);
  expect_refused(
      std::string(RENDERFM_RENDER) + " " + file("ct.nii.gz").string() + " " + out("a.png") + " --samples 4",
      {"--path-trace"}, 1);
}

}  // namespace
}  // namespace renderfm
