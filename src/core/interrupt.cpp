#include "renderfm/core/interrupt.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <string_view>
#include <thread>

#include "renderfm/core/atomic_file.h"
#include "renderfm/core/check.h"

namespace renderfm {
namespace {

std::atomic<bool> g_noting{false}, g_stop{false}, g_save{false};

void say(std::string_view text) { (void)!::write(STDERR_FILENO, text.data(), text.size()); }

}  // namespace

void exit_cleanly_on_interrupt() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) sigaddset(&signals, number);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::thread([signals] {
    for (;;) {
      int number = 0;
      sigwait(&signals, &number);
      if (g_noting && number == SIGUSR1) {
        g_save = true;
        continue;
      }
      if (g_noting && !g_stop.exchange(true)) {
        say("\nstopping after this step; once more to stop at once\n");
        continue;
      }
      remove_temporary_files();
      say("\ninterrupted; no half-written file was left behind\n");
      ::_exit(static_cast<int>(ErrorKind::kRuntime));
    }
  }).detach();
}

NoteInterrupts::NoteInterrupts() {
  g_stop = false;
  g_save = false;
  g_noting = true;
}
NoteInterrupts::~NoteInterrupts() { g_noting = false; }
bool NoteInterrupts::stop_asked() const { return g_stop; }
bool NoteInterrupts::take_save_asked() { return g_save.exchange(false); }

}  // namespace renderfm
