// Loops over all cores. Work is cut into fixed chunks, so a result that is combined chunk by chunk in order
// does not depend on the number of threads.
#pragma once

#include <cstdint>
#include <functional>

namespace renderfm {

/// Threads that parallel_for uses; 0 restores the default (all cores this process may use).
void set_thread_count(int count);
int thread_count();

/// Calls body(chunk_begin, chunk_end) for consecutive chunks of `grain` indices in [begin, end).
/// Chunks run in any order on any thread; a nested call runs serially. The first exception is rethrown.
void parallel_for(std::int64_t begin, std::int64_t end, std::int64_t grain,
                  const std::function<void(std::int64_t, std::int64_t)>& body);

}  // namespace renderfm
