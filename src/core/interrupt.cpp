#include "renderfm/core/interrupt.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <string_view>
#include <thread>

#include "renderfm/core/atomic_file.h"
#include "renderfm/core/check.h"

namespace renderfm {

void exit_cleanly_on_interrupt() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, number);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::thread([signals] {
    int number = 0;
    sigwait(&signals, &number);
    remove_temporary_files();
    constexpr std::string_view text = "\ninterrupted; no half-written file was left behind\n";
    (void)!::write(STDERR_FILENO, text.data(), text.size());
    ::_exit(static_cast<int>(ErrorKind::kRuntime));
  }).detach();
}

}  // namespace renderfm
