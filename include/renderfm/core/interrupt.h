// Ctrl-C and SIGTERM for programs whose outputs are all AtomicFiles.
#pragma once

namespace renderfm {

/// From now on Ctrl-C, SIGTERM, SIGHUP and SIGUSR1 remove temporary files, print one sentence and end the
/// program with exit code 3, at once, whatever the other threads are doing. Call first in main, before any
/// thread starts: the signals are blocked in every thread and taken by one that waits for them.
void exit_cleanly_on_interrupt();

/// While one lives, signals are only noted, for a loop that can save its work between two steps; a second
/// request to stop ends the program as above. Needs exit_cleanly_on_interrupt() to be noticed at all.
class NoteInterrupts {
 public:
  NoteInterrupts();
  ~NoteInterrupts();
  NoteInterrupts(const NoteInterrupts&) = delete;
  NoteInterrupts& operator=(const NoteInterrupts&) = delete;

  /// True after Ctrl-C, SIGTERM or SIGHUP.
  bool stop_asked() const;
  /// True once after each SIGUSR1: save and go on.
  bool take_save_asked();
};

}  // namespace renderfm
