#include "common/cli_main.h"

#include <ATen/Parallel.h>
#include <c10/util/Exception.h>
#include <fmt/core.h>

#include <exception>
#include <filesystem>
#include <new>
#include <string_view>
#include <vector>

#include "renderfm/core/check.h"
#include "renderfm/core/config_node.h"
#include "renderfm/core/interrupt.h"
#include "renderfm/core/log.h"
#include "renderfm/core/parallel.h"
#include "renderfm/core/progress.h"
#include "renderfm/core/version.h"

namespace renderfm::tools {
namespace {

constexpr int kMaxThreads = 1024;

std::string first_line(std::string_view text) { return std::string(text.substr(0, text.find('\n'))); }

struct Flags {
  bool verbose = false, quiet = false;
  int progress_fd = -1;
};

void add_common_options(CLI::App& app, CommonOptions& common, Flags& flags) {
  const std::string group = "Common options";
  app.add_option("--seed", common.seed, "Seed of everything random")->group(group);
  app.add_option("--threads", common.threads, "Threads to use; 0 for all cores")
      ->check(CLI::Range(0, kMaxThreads).description(""))
      ->group(group);
  app.add_flag("-v,--verbose", flags.verbose, "Say more on stderr")->group(group);
  app.add_flag("-q,--quiet", flags.quiet, "Say nothing but warnings and errors")->group(group);
  app.add_option(
         "--progress-fd", flags.progress_fd,
         "For programs that run this one: write progress as lines of JSON to this file descriptor, too")
      ->default_str("")
      ->group(group);
  app.set_help_flag("-h,--help", "Print this help")->group(group);
  // The text is made where CallForVersion is caught, since it may fail.
  app.set_version_flag("--version", std::string(), "Print the build, torch, CUDA, ITK and CPU level")
      ->group(group);
}

// "--spcing" -> " (did you mean '--spacing'?)"
std::string suggestion(const CLI::App& app, const std::string& word) {
  std::vector<std::string> known;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
  }
  const std::string near = nearest_word(word.substr(0, word.find('=')), known);
  return near.empty() ? "" : fmt::format(" (did you mean '{}'?)", near);
}

// An option or argument that does not exist or is missing is wrong usage; a value that cannot be is bad
// input.
int report_parse_error(const CLI::App& app, const CLI::ParseError& error) {
  const std::string help = fmt::format("see {} --help", app.get_name());
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr && !app.remaining().empty()) {
    const std::string word = app.remaining().front();
    if (word.rfind('-', 0) == 0) {
      log_error("{} has no option '{}'{}; {}", app.get_name(), word, suggestion(app, word), help);
    } else {
      log_error("{} does not know what to do with the argument '{}'; {}", app.get_name(), word, help);
    }
    return static_cast<int>(ErrorKind::kUsage);
  }
  std::string text = first_line(error.what());
  if (dynamic_cast<const CLI::ConversionError*>(&error) != nullptr) {
    constexpr std::string_view kPrefix = "Could not convert: ";
    if (text.rfind(kPrefix, 0) == 0) text = fmt::format("{} is not a number", text.substr(kPrefix.size()));
    log_error("{}; {}", text, help);
    return static_cast<int>(ErrorKind::kBadInput);
  }
  log_error("{}; {}", text, help);
  const bool bad_value = dynamic_cast<const CLI::ValidationError*>(&error) != nullptr;
  return static_cast<int>(bad_value ? ErrorKind::kBadInput : ErrorKind::kUsage);
}

int report_out_of_memory() {
  log_error("not enough memory; a coarser --spacing or a smaller picture needs less");
  return static_cast<int>(ErrorKind::kRuntime);
}

// Torch reports failed allocations as text only.
bool says_out_of_memory(std::string_view text) {
  return text.find("allocate memory") != std::string_view::npos ||
         text.find("out of memory") != std::string_view::npos;
}

int run_body(const std::function<void()>& body) {
  try {
    body();
    return 0;
  } catch (const Error& error) {
    log_error("{}", error.what());
    return static_cast<int>(error.kind());
  } catch (const std::bad_alloc&) {
    return report_out_of_memory();
  } catch (const c10::Error& error) {
    if (says_out_of_memory(error.what_without_backtrace())) return report_out_of_memory();
    log_debug("{}", error.what());
    log_error("the tensor library failed: {}", first_line(error.what_without_backtrace()));
  } catch (const std::exception& error) {
    if (says_out_of_memory(error.what())) return report_out_of_memory();
    log_debug("{}", error.what());
    log_error("unexpected failure: {}", first_line(error.what()));
  }
  return static_cast<int>(ErrorKind::kRuntime);
}

}  // namespace

int run_tool(int argc, char** argv, const Program& program, const Declare& declare) {
  exit_cleanly_on_interrupt();
  CLI::App app(program.description, program.name);
  app.footer("Examples:\n" + program.examples);
  app.get_formatter()->column_width(34);
  app.option_defaults()->always_capture_default();
  CommonOptions common;
  Flags flags;
  const std::function<void()> body = declare(app, common);
  add_common_options(app, common, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}", app.help());
    return 0;
  } catch (const CLI::CallForVersion&) {
    return run_body([&] { fmt::print("{}\n", version_text(program.name)); });
  } catch (const CLI::ParseError& error) {
    return report_parse_error(app, error);
  }
  return run_body([&] {
    if (flags.verbose && flags.quiet) fail_usage("-v and -q exclude each other");
    common.verbosity = flags.verbose ? 2 : (flags.quiet ? 0 : 1);
    set_verbosity(static_cast<Verbosity>(common.verbosity));
    report_progress_to(flags.progress_fd);
    set_thread_count(common.threads);
    at::set_num_threads(thread_count());
    body();
  });
}

}  // namespace renderfm::tools
