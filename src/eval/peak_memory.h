// The most memory that this process held since a moment.
#pragma once

namespace renderfm {

class PeakMemory {
 public:
  /// Starts anew where the kernel allows it; else the peak is that of the whole process.
  PeakMemory();
  double megabytes() const;
};

}  // namespace renderfm
