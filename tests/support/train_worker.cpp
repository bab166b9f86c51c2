// A training run on the small scene of the tests, as its own program: what can be killed, signalled and
// started several times. usage: renderfm_train_worker OUT RESUME STEPS [key=value]...
#include <cstdlib>
#include <string>
#include <vector>

#include "renderfm/core/check.h"
#include "renderfm/core/interrupt.h"
#include "renderfm/core/log.h"
#include "unit/train/small_scene.h"

int main(int argc, char** argv) {
  using namespace renderfm;
  exit_cleanly_on_interrupt();
  try {
    if (argc < 4) fail_usage("usage: renderfm_train_worker OUT RESUME STEPS [key=value]...");
    const std::string text = train::dump_config(train::test::small_config(std::stoll(argv[3])));
    train::TrainConfig config =
        train::parse_config(text, "small", std::vector<std::string>(argv + 4, argv + argc));
    config.finish();
    const auto member = train::membership_from([](const char* name) { return std::getenv(name); });
    train::ProcessGroup group(member, config.timeout_s);
    const std::string resume = argv[2];
    train::run_training(config, train::test::small_data(5), {argv[1], resume == "-" ? "" : resume, {}},
                        group);
    return 0;
  } catch (const Error& error) {
    log_error("{}", error.what());
    return static_cast<int>(error.kind());
  }
}
