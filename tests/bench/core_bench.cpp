// What a parallel loop costs over the same loop on one thread: the price of a call, and the gain on real
// work.
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "renderfm/core/parallel.h"

namespace {

void call_overhead(benchmark::State& state) {
  for (auto _ : state) {
    renderfm::parallel_for(0, state.range(0), 1,
                           [](std::int64_t first, std::int64_t) { benchmark::DoNotOptimize(first); });
  }
}
BENCHMARK(call_overhead)->Name("parallel_for/call_overhead")->Arg(2)->Arg(64)->UseRealTime();

void square_roots(benchmark::State& state) {
  renderfm::set_thread_count(static_cast<int>(state.range(0)));
  std::vector<double> values(1 << 20, 2.0);
  for (auto _ : state) {
    renderfm::parallel_for(0, static_cast<std::int64_t>(values.size()), 4096,
                           [&](std::int64_t first, std::int64_t last) {
                             for (std::int64_t i = first; i < last; ++i) {
                               const auto index = static_cast<std::size_t>(i);
                               values[index] = std::sqrt(values[index] + 1.0);
                             }
                           });
    benchmark::ClobberMemory();
  }
  renderfm::set_thread_count(0);
}
BENCHMARK(square_roots)->Name("parallel_for/square_roots/threads")->Arg(1)->Arg(0)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
