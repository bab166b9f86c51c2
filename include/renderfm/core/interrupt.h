// Ctrl-C and SIGTERM for programs whose outputs are all AtomicFiles.
#pragma once

namespace renderfm {

/// From now on Ctrl-C, SIGTERM and SIGHUP remove temporary files, print one sentence and end the program with
/// exit code 3, at once, whatever the other threads are doing. Call first in main, before any thread starts:
/// the signals are blocked in every thread and taken by one that waits for them.
void exit_cleanly_on_interrupt();

}  // namespace renderfm
