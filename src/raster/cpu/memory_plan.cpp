#include "raster/cpu/memory_plan.h"

#include "renderfm/core/check.h"
#include "renderfm/core/memory.h"

namespace renderfm::raster::cpu {

void require_memory(std::int64_t needed, std::int64_t limit, const SceneSize& size, const char* stage) {
  if (limit <= 0) limit = available_memory_bytes();
  if (needed <= limit) return;
  constexpr double kGigabyte = 1e9;
  fail_runtime(
      "{} {} Gaussians in {} view(s) of {}x{} needs {:.2f} GB and {:.2f} GB are left; use fewer "
      "Gaussians, smaller pictures or fewer views at once",
      stage, size.gaussians, size.views, size.width, size.height, static_cast<double>(needed) / kGigabyte,
      static_cast<double>(limit) / kGigabyte);
}

}  // namespace renderfm::raster::cpu
