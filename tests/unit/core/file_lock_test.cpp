#include "renderfm/core/file_lock.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <string>

#include "renderfm/core/check.h"

namespace renderfm {
namespace {

namespace fs = std::filesystem;

class FileLockTest : public testing::Test {
 protected:
  fs::path file_ = fs::temp_directory_path() / ("renderfm_file_lock_" + std::to_string(::getpid()));
  void TearDown() override { fs::remove(file_); }
};

TEST_F(FileLockTest, HasOneHolderAtATime) {
  FileLock one(file_), two(file_);
  ASSERT_TRUE(one.try_lock());
  EXPECT_FALSE(two.try_lock());
  EXPECT_EQ(two.holder(), "another process");
  FileLock(file_).holder();  // one that never had the lock does not drop it
  EXPECT_FALSE(two.try_lock());
}

TEST_F(FileLockTest, NamesItsHolderAndIsFreeOnceThatIsKilled) {
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    FileLock lock(file_);
    lock.lock();
    lock.sign();
    (void)!::write(ready[1], "x", 1);
    ::pause();
    ::_exit(1);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  FileLock lock(file_);
  EXPECT_FALSE(lock.try_lock());
  EXPECT_EQ(lock.holder().find("process " + std::to_string(child) + " on "), 0U) << lock.holder();
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(lock.try_lock());
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_F(FileLockTest, SaysWhichFileCannotBeMade) {
  try {
    FileLock("/absent/folder/lock");
    FAIL() << "made a file in a folder that is not there";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("/absent/folder/lock"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace renderfm
