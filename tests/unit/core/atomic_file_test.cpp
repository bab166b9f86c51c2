#include "renderfm/core/atomic_file.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include "renderfm/core/check.h"
#include "renderfm/core/interrupt.h"

namespace renderfm {
namespace {
namespace fs = std::filesystem;

std::string read_all(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

class AtomicFileTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    // Death tests run the whole test again in a new process, which must meet the same folder.
    folder_ = fs::path(testing::TempDir()) / fmt::format("renderfm_{}", info->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::size_t files_in_folder() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

  ErrorKind kind_of_failure(const fs::path& target) const {
    try {
      AtomicFile file(target);
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(target.string()), std::string::npos) << error.what();
      return error.kind();
    }
    ADD_FAILURE() << target << " could be opened";
    return ErrorKind::kUsage;
  }

  fs::path folder_;
};

TEST_F(AtomicFileTest, AppearsUnderItsNameOnlyWhenCommitted) {
  const fs::path target = folder_ / "out.ply";
  AtomicFile file(target);
  file.write("whole");
  EXPECT_FALSE(fs::exists(target));
  file.commit();
  EXPECT_EQ(read_all(target), "whole");
  EXPECT_EQ(files_in_folder(), 1U);
}

TEST_F(AtomicFileTest, LeavesTheOldFileAndNothingElseWithoutCommit) {
  const fs::path target = folder_ / "out.ply";
  std::ofstream(target) << "old";
  { AtomicFile(target).write("half of the n"); }
  EXPECT_EQ(read_all(target), "old");
  EXPECT_EQ(files_in_folder(), 1U);
}

TEST_F(AtomicFileTest, ReplacesTheOldFileOnCommit) {
  const fs::path target = folder_ / "out.ply";
  std::ofstream(target) << "an old and longer text";
  AtomicFile file(target);
  file.write("new");
  file.commit();
  EXPECT_EQ(read_all(target), "new");
}

TEST_F(AtomicFileTest, KeepsTheSuffixThatLibrariesLookAt) {
  const AtomicFile file(folder_ / "scan.nii.gz");
  const std::string name = file.temporary_path().filename().string();
  EXPECT_TRUE(name.ends_with(".nii.gz")) << name;
  EXPECT_EQ(file.temporary_path().parent_path(), folder_) << "a rename must stay on one disk";
}

TEST_F(AtomicFileTest, TwoFilesAtOnceDoNotShareATemporary) {
  const AtomicFile a(folder_ / "a.png"), b(folder_ / "b.png");
  EXPECT_NE(a.temporary_path(), b.temporary_path());
}

TEST_F(AtomicFileTest, AMissingFolderIsBadInput) {
  EXPECT_EQ(kind_of_failure(folder_ / "missing" / "out.ply"), ErrorKind::kBadInput);
  EXPECT_THROW(check_writable(folder_ / "missing" / "out.ply"), Error);
}

TEST_F(AtomicFileTest, AFolderInPlaceOfTheFileIsBadInput) {
  EXPECT_EQ(kind_of_failure(folder_), ErrorKind::kBadInput);
  EXPECT_THROW(check_writable(folder_), Error);
}

TEST_F(AtomicFileTest, AFileInPlaceOfTheFolderIsBadInput) {
  std::ofstream(folder_ / "file") << "x";
  EXPECT_EQ(kind_of_failure(folder_ / "file" / "out.ply"), ErrorKind::kBadInput);
}

TEST_F(AtomicFileTest, CheckWritableLeavesNoTrace) {
  check_writable(folder_ / "out.ply");
  EXPECT_EQ(files_in_folder(), 0U);
}

// A limit on the size of files fails a write just as a full disk does, and needs no privileges.
class DiskLimit {
 public:
  explicit DiskLimit(rlim_t bytes) {
    ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &old_);
    const rlimit limit{bytes, old_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~DiskLimit() { ::setrlimit(RLIMIT_FSIZE, &old_); }

 private:
  rlimit old_{};
};

TEST_F(AtomicFileTest, AFullDiskIsAFailureThatKeepsTheOldFile) {
  const fs::path target = folder_ / "out.ply";
  std::ofstream(target) << "old";
  const std::string megabyte(1 << 20, 'x');
  bool failed = false;
  {
    const DiskLimit limit(3 << 20);
    try {
      AtomicFile file(target);
      for (int i = 0; i < 8; ++i) file.write(megabyte);
      file.commit();
    } catch (const Error& error) {
      failed = true;
      EXPECT_EQ(error.kind(), ErrorKind::kRuntime);
      EXPECT_NE(std::string(error.what()).find("out.ply"), std::string::npos) << error.what();
    }
  }
  EXPECT_TRUE(failed);
  EXPECT_EQ(read_all(target), "old");
  EXPECT_EQ(files_in_folder(), 1U);
}

TEST_F(AtomicFileTest, AFullDiskIsNoticedInTheLastBufferToo) {
  const fs::path target = folder_ / "out.txt";
  const DiskLimit limit(16);
  AtomicFile file(target);
  EXPECT_THROW(
      {
        file.write("more than sixteen bytes, which the stream still holds back");
        file.commit();
      },
      Error);
  EXPECT_FALSE(fs::exists(target));
}

using AtomicFileDeathTest = AtomicFileTest;

TEST_F(AtomicFileDeathTest, AnInterruptRemovesTheTemporaryAndKeepsTheOldFile) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  const fs::path target = folder_ / "out.ply";
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP}) {
    EXPECT_EXIT(
        {
          std::ofstream(target) << "old";
          exit_cleanly_on_interrupt();
          AtomicFile file(target);
          file.write(std::string(1 << 20, 'x'));
          if (!fs::exists(file.temporary_path())) ::_exit(99);
          ::kill(::getpid(), signal_number);
          std::this_thread::sleep_for(std::chrono::seconds(20));
        },
        testing::ExitedWithCode(3), "interrupted");
    EXPECT_EQ(read_all(target), "old");
    EXPECT_EQ(files_in_folder(), 1U) << "after signal " << signal_number;
  }
}

}  // namespace
}  // namespace renderfm
