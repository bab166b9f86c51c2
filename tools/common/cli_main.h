// What every program shares: the common options, --version, clean interruption, and errors as one sentence on
// stderr with the right exit code. A program declares its options and hands back its body.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

namespace renderfm::tools {

/// Filled in by the time the body runs. Threads and verbosity have then been applied, to Torch as well.
struct CommonOptions {
  std::uint64_t seed = 1;
  int threads = 0;    ///< 0: all cores this process may use
  int verbosity = 1;  ///< 0 quiet, 1 normal, 2 verbose
};

struct Program {
  std::string name;         ///< "renderfm-infer"
  std::string description;  ///< one sentence
  std::string examples;     ///< one command per line, for the end of --help
};

/// Adds the program's options to `app`, bound to variables that outlive it, and returns what to do with them.
/// An option whose name or value is wrong is reported by CLI11; anything else by throwing Error.
using Declare = std::function<std::function<void()>(CLI::App& app, const CommonOptions& common)>;

/// Runs a program; returns its exit code: 0 ok, 1 wrong usage, 2 bad input or option value, 3 failure while
/// running.
int run_tool(int argc, char** argv, const Program& program, const Declare& declare);

}  // namespace renderfm::tools
