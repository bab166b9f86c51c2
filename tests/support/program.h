// Runs a program as a shell would and keeps what it says.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace renderfm::test {

inline std::string read_file(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

struct Outcome {
  int exit_code;
  std::string out, err;
};

/// A folder for one test, gone afterwards, in which programs run; without the network that ships, unless a
/// test asks for it.
class ProgramTest : public ::testing::Test {
 protected:
  ProgramTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "renderfm_e2e_XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    std::filesystem::create_directory(out_folder());
    ::setenv("RENDERFM_MODEL", "primed", 1);
  }
  ~ProgramTest() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path file(const std::string& name) const { return folder_ / name; }
  /// Outputs go here, so that a test can say that nothing was left behind.
  std::filesystem::path out_folder() const { return folder_ / "out"; }
  std::string out(const std::string& name) const { return (out_folder() / name).string(); }

  Outcome run(const std::string& command, const std::string& before = "") const {
    const std::string line =
        before + command + " >" + file("stdout").string() + " 2>" + file("stderr").string();
    const int status = std::system(line.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read_file(file("stdout")),
            read_file(file("stderr"))};
  }

  std::filesystem::path folder_;
};

inline int count_lines_with(const std::string& text, const std::string& what) {
  int count = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) count += line.find(what) != std::string::npos ? 1 : 0;
  return count;
}

}  // namespace renderfm::test
