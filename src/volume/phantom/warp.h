// From the world to the canonical body: size, scoliosis and slow random bends.
#pragma once

#include <vector>

#include "volume/phantom/patient.h"

namespace renderfm::phantom {

class Warp {
 public:
  explicit Warp(const Patient& patient);

  Vec3f canonical_from_world(Vec3f world) const;
  /// A world box that holds every point which maps into the canonical one; tight to a few millimetres.
  Box world_box(const Box& canonical) const;

 private:
  static constexpr float kCell = 8;
  int node(int axis, float x) const;  // of the lattice, at or below
  Vec3f size_, low_{};
  Vec3f least_{}, greatest_{};  // of the shifts
  int count_[3]{};
  std::vector<Vec3f> shift_;  // canonical - world / size
};

}  // namespace renderfm::phantom
