// Bad input gets one clear sentence, exit code 2 and no file, half-written or whole.

#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <cmath>
#include <thread>

#include "support/program.h"
#include "support/small_scan.h"

namespace renderfm {
namespace {

namespace fs = std::filesystem;
using test::cube_scan;
using test::NiftiBytes;
using test::Outcome;

class BadInput : public test::ProgramTest {
 protected:
  /// Runs and expects exactly one error sentence that holds every one of `words`, and an empty output folder.
  void expect_refused(const std::string& command, const std::vector<std::string>& words, int exit_code = 2,
                      const std::string& before = "") {
    const Outcome outcome = run(command, before);
    EXPECT_EQ(outcome.exit_code, exit_code) << command << "\n" << outcome.err;
    EXPECT_EQ(test::count_lines_with(outcome.err, "error: "), 1) << command << "\n" << outcome.err;
    EXPECT_EQ(outcome.err.find("unexpected"), std::string::npos) << outcome.err;
    for (const std::string& word : words) {
      EXPECT_NE(outcome.err.find(word), std::string::npos) << "'" << word << "' is not in: " << outcome.err;
    }
    EXPECT_TRUE(fs::is_empty(out_folder()))
        << command << " left " << fs::directory_iterator(out_folder())->path();
  }
  std::string infer(const fs::path& ct, const std::string& more = "") const {
    return std::string(RENDERFM_INFER) + " " + ct.string() + " " + out("a.ply") + " " + more;
  }
  fs::path save(const NiftiBytes& bytes, const std::string& name = "ct.nii") const {
    bytes.save(file(name));
    return file(name);
  }
  fs::path text_file(const std::string& name, const std::string& text) const {
    std::ofstream(file(name), std::ios::binary) << text;
    return file(name);
  }
};

TEST_F(BadInput, TheUnspoiltScanIsAccepted) {
  const Outcome outcome = run(infer(save(cube_scan())));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(fs::exists(out("a.ply")));
}

TEST_F(BadInput, MissingEmptyAndForeignFiles) {
  expect_refused(infer(file("absent.nii.gz")), {"absent.nii.gz"});
  expect_refused(infer(text_file("empty.nii.gz", "")), {"empty.nii.gz", "empty"});
  expect_refused(infer(text_file("letter.nii", "Dear colleague,")), {"letter.nii"});
  expect_refused(infer(text_file("letter.nii.gz", "Dear colleague,")), {"letter.nii.gz"});
  expect_refused(infer(text_file("letter.nrrd", "Dear colleague,")), {"letter.nrrd"});
  expect_refused(infer(text_file("letter.zip", "Dear colleague,")), {"letter.zip"});
  fs::create_directory(file("empty_folder"));
  expect_refused(infer(file("empty_folder")), {"empty_folder"});
}

TEST_F(BadInput, TruncatedFiles) {
  NiftiBytes cut = cube_scan();
  cut.resize(cut.bytes().size() / 2);
  expect_refused(infer(save(cut)), {"ct.nii", "cut short"});
  NiftiBytes header_only = cube_scan();
  header_only.resize(200);
  expect_refused(infer(save(header_only)), {"ct.nii"});

  write_nifti(test::small_phantom().ct, file("whole.nii.gz"));
  const std::string whole = test::read_file(file("whole.nii.gz"));
  for (const double share : {0.02, 0.5, 0.98}) {
    const auto size = static_cast<std::size_t>(share * static_cast<double>(whole.size()));
    expect_refused(infer(text_file("cut.nii.gz", whole.substr(0, size))), {"cut.nii.gz"});
  }
}

TEST_F(BadInput, PicturesInsteadOfVolumes) {
  std::vector<std::int16_t> plane(64 * 64, 40);
  expect_refused(infer(save(NiftiBytes({64, 64}, plane))), {"ct.nii", "2"});
  expect_refused(infer(save(NiftiBytes({64, 64, 1}, plane))), {"ct.nii"});
  NiftiBytes rgb = cube_scan();
  rgb.set_type(128, 24);
  rgb.resize(352 + 24 * 24 * 24 * 3);
  expect_refused(infer(save(rgb)), {"ct.nii"});
}

TEST_F(BadInput, NothingButAir) {
  expect_refused(infer(save(NiftiBytes({20, 20, 20}, std::vector<std::int16_t>(8000, -1000)))),
                 {"ct.nii", "air"});
}

TEST_F(BadInput, VoxelsThatAreNoNumbers) {
  for (const float bad : {std::nanf(""), INFINITY}) {
    std::vector<std::int16_t> none;
    NiftiBytes scan({20, 20, 20}, none);
    scan.set_type(16, 32);
    scan.resize(352 + 8000 * sizeof(float));
    for (std::size_t n = 0; n < 8000; ++n) scan.put<float>(352 + 4 * n, n % 3 == 0 ? 40.0F : -900.0F);
    scan.put<float>(352 + 4 * 4242, bad);
    expect_refused(infer(save(scan)), {"ct.nii", "1 "});
  }
}

TEST_F(BadInput, SpacingThatIsNoLength) {
  for (const float bad : {0.0F, -4.0F, std::nanf("")}) {
    NiftiBytes scan = cube_scan();
    scan.put<float>(84, bad);
    if (bad < 0) scan.put<std::int16_t>(252, 0);
    expect_refused(infer(save(scan)), {"ct.nii", "voxel size"});
  }
}

TEST_F(BadInput, LabelsOfAnotherScan) {
  const fs::path ct = save(cube_scan());
  NiftiBytes elsewhere({24, 24, 24}, std::vector<std::int16_t>(24 * 24 * 24, 5));
  elsewhere.put<float>(268, 5000);  // qoffset_x
  expect_refused(infer(ct, "--label-version v2 --labels " + save(elsewhere, "labels.nii").string()),
                 {"labels.nii"});
}

TEST_F(BadInput, TransferFunctionsWithMistakes) {
  const fs::path ct = save(cube_scan());
  const auto tf = [&](const std::string& text) { return "--tf " + text_file("tf.yaml", text).string(); };
  const std::string head = "name: t\nlayers:\n  - organs: [all]\n";
  const std::string color = "    color: [[0, 1, 1, 1]]\n";
  expect_refused(infer(ct, tf(head + color + "    opacity: [[300, 0], [100, 1]]\n")), {"tf.yaml", "line 5"});
  expect_refused(infer(ct, tf(head + color + "    opacity: [[100, 0]]\n    colour: [[1, 1, 1, 1]]\n")),
                 {"tf.yaml", "colour", "color"});
  expect_refused(
      infer(ct, tf("name: t\nlayers:\n  - organs: [livver]\n" + color + "    opacity: [[100, 1]]\n")),
      {"tf.yaml", "livver", "liver"});
  expect_refused(infer(ct, tf("layers: [")), {"tf.yaml"});
  expect_refused(infer(ct, "--tf " + file("absent.yaml").string()), {"absent.yaml"});
}

TEST_F(BadInput, OptionValuesThatDoNotExist) {
  const fs::path ct = save(cube_scan());
  expect_refused(infer(ct, "--tf bonne"), {"bonne", "bone"});
  expect_refused(infer(ct, "--organs livver"), {"livver", "liver"});
  expect_refused(infer(ct, "--spacing fine"), {"fine"});
  expect_refused(infer(ct, "--spacing -1"), {"-1"});
  expect_refused(infer(ct, "--device tpu"), {"tpu"});
  expect_refused(infer(ct, "--max-gaussians many"), {"many"});
  expect_refused(infer(ct, "--model " + ct.string()), {"ct.nii"});
  expect_refused(std::string(RENDERFM_INFER) + " " + ct.string() + " " + out("a.stl"), {"a.stl", ".ply"});
  expect_refused(std::string(RENDERFM_RENDER) + " " + ct.string() + " " + out("a.png") + " --size 0x10",
                 {"0x10"});
}

TEST_F(BadInput, WrongUsageExitsWithOne) {
  expect_refused(infer(save(cube_scan()), "--tff bone"), {"--tff", "--tf"}, 1);
  expect_refused(RENDERFM_INFER, {"--help"}, 1);
}

TEST_F(BadInput, OutputsThatCannotBeWritten) {
  const fs::path ct = save(cube_scan());
  expect_refused(std::string(RENDERFM_INFER) + " " + ct.string() + " " + file("nowhere/a.ply").string(),
                 {"nowhere", "does not exist"});
  fs::create_directory(file("folder.ply"));
  expect_refused(std::string(RENDERFM_INFER) + " " + ct.string() + " " + file("folder.ply").string(),
                 {"folder"});
  // A disk that fills up: the shell limits file sizes to 8 blocks of 512 bytes.
  expect_refused(infer(ct), {"a.ply", "writing"}, 3, "trap '' XFSZ; ulimit -f 8; ");
}

TEST_F(BadInput, GaussianFilesThatAreNone) {
  const std::string huge =
      "ply\nformat binary_little_endian 1.0\nelement vertex 99999999999\nproperty float x\nend_header\n";
  const auto render = [&](const fs::path& in) {
    return std::string(RENDERFM_RENDER) + " " + in.string() + " " + out("a.png");
  };
  expect_refused(render(text_file("huge.ply", huge)), {"huge.ply", "99999999999"});
  expect_refused(render(text_file("letter.ply", "Dear colleague,")), {"letter.ply"});
  expect_refused(render(file("absent.ply")), {"absent.ply"});
}

TEST_F(BadInput, AnInterruptedRunLeavesNothing) {
  write_nifti(test::small_phantom().ct, file("ct.nii.gz"));
  for (const int delay_ms : {1, 20, 60, 120, 250, 500}) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      std::freopen(file("stderr").c_str(), "w", stderr);
      std::freopen("/dev/null", "w", stdout);
      ::execl(RENDERFM_INFER, RENDERFM_INFER, file("ct.nii.gz").c_str(), out("a.ply").c_str(), "--spacing",
              "1.5", nullptr);
      ::_exit(127);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(delay_ms));
    ::kill(child, SIGINT);
    int status = 0;
    ::waitpid(child, &status, 0);
    // Before main has begun the default action ends the program; afterwards ours does.
    const bool by_signal = WIFSIGNALED(status) && WTERMSIG(status) == SIGINT;
    EXPECT_TRUE(by_signal || (WIFEXITED(status) && WEXITSTATUS(status) == 3))
        << delay_ms << " ms, status " << status;
    EXPECT_TRUE(fs::is_empty(out_folder())) << delay_ms << " ms";
  }
}

}  // namespace
}  // namespace renderfm
