// The memory that is predicted against the memory that is allocated, counted by this program's operator new.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>

#include "unit/raster_cpu/drawing.h"

namespace {

std::atomic<std::int64_t> live_bytes{0}, peak_bytes{0};
constexpr std::size_t kHeader = 64;  // keeps the strongest alignment asked for here

void* counted(std::size_t size) {
  auto* const block = static_cast<std::size_t*>(std::aligned_alloc(kHeader, (size / kHeader + 2) * kHeader));
  if (block == nullptr) throw std::bad_alloc();
  *block = size;
  const std::int64_t now = live_bytes += static_cast<std::int64_t>(size);
  for (std::int64_t peak = peak_bytes; now > peak && !peak_bytes.compare_exchange_weak(peak, now);) {
  }
  return reinterpret_cast<char*>(block) + kHeader;
}
void uncounted(void* pointer) noexcept {
  if (pointer == nullptr) return;
  auto* const block = reinterpret_cast<std::size_t*>(static_cast<char*>(pointer) - kHeader);
  live_bytes -= static_cast<std::int64_t>(*block);
  std::free(block);
}

}  // namespace

void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
void* operator new(std::size_t size, std::align_val_t) { return counted(size); }
void* operator new[](std::size_t size, std::align_val_t) { return counted(size); }
void operator delete(void* p) noexcept { uncounted(p); }
void operator delete[](void* p) noexcept { uncounted(p); }
void operator delete(void* p, std::size_t) noexcept { uncounted(p); }
void operator delete[](void* p, std::size_t) noexcept { uncounted(p); }
void operator delete(void* p, std::align_val_t) noexcept { uncounted(p); }
void operator delete[](void* p, std::align_val_t) noexcept { uncounted(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { uncounted(p); }
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { uncounted(p); }

namespace renderfm::raster::cpu {
namespace {

using renderfm::test::PlainGaussians;
using renderfm::test::tilted_gaussians;
using test::camera_at;
using test::Drawing;

std::int64_t peak_during(const auto& work) {
  const std::int64_t before = live_bytes;
  peak_bytes = before;
  work();
  return peak_bytes - before;
}

void expect_predicted(const PlainGaussians<float>& set, const std::vector<Camera>& cameras,
                      bool for_backward) {
  Drawing drawing(cameras);
  const std::int64_t used = peak_during([&] { drawing.draw(set.pointers(), for_backward); });
  const auto ratio = static_cast<double>(drawing.stats.predicted_bytes) / static_cast<double>(used);
  EXPECT_NEAR(ratio, 1, 0.1) << "drawing: predicted " << drawing.stats.predicted_bytes << ", used " << used;
  if (!for_backward) return;
  // The drawing's own arrays are not the backend's.
  const auto own =
      static_cast<std::int64_t>((40 * set.opacity.size() + 5 * drawing.pixels()) * sizeof(float));
  const std::int64_t undone = peak_during([&] { drawing.undo(set.pointers()); }) - own;
  const auto undo_ratio =
      static_cast<double>(drawing.backward_stats.predicted_bytes) / static_cast<double>(undone);
  EXPECT_NEAR(undo_ratio, 1, 0.1) << "undoing: predicted " << drawing.backward_stats.predicted_bytes
                                  << ", used " << undone;
}

TEST(PredictedMemory, IsWithinTenPercentOfWhatIsUsed) {
  const PlainGaussians<float> set = tilted_gaussians(9, 60'000, 0.2f, 0.05f, 0.3f);
  const Camera large = camera_at({0, 0, -25}, 512, 512, 500), small = camera_at({0, 0, -25}, 64, 64, 60);
  expect_predicted(set, {large}, false);
  expect_predicted(set, {large}, true);
  expect_predicted(set, {small}, true);
  expect_predicted(set, std::vector<Camera>(8, large), true);
}

}  // namespace
}  // namespace renderfm::raster::cpu
