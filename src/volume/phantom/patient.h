// One patient: the numbers drawn from the seed, and the large surfaces that every organ refers to.
//
// Canonical frame: LPS mm, x = 0 in the midline, y = 0 in the middle of the trunk, z = 0 at the centre of
// T12.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "renderfm/volume/phantom_traits.h"
#include "volume/phantom/enhancement.h"
#include "volume/phantom/shapes.h"

namespace renderfm::phantom {

/// Vertebrae by number: 0 is C7, 1..12 are T1..T12, 13..17 are L1..L5, 18 is S1.
inline constexpr int kC7 = 0, kT1 = 1, kT12 = 12, kL1 = 13, kL5 = 17, kS1 = 18;

/// Extent of the canonical body along z, from C7 to the upper thighs.
inline constexpr float kBottomMm = -388, kTopMm = 276;

class Patient {
 public:
  Patient(std::uint64_t seed, const PhantomTraits& traits);

  std::uint64_t seed;
  PhantomTraits traits;
  Enhancement hu;

  // From the traits.
  bool female;
  Vec3f size;          ///< world mm per canonical mm
  float fat_mm;        ///< under the skin of the flank
  float belly_mm;      ///< how far fat inside pushes the abdominal wall forwards
  float flare;         ///< width of the pelvis
  float muscle_fat;    ///< strands of fat in the muscles; 1 in middle age
  float bone_density;  ///< 1 in a healthy adult
  float ageing;        ///< 0 at 30 years, 1 at 80

  // Drawn from the seed.
  float rib_drop;  ///< steepness of the ribs
  float heart_size;
  float liver_size;
  float tortuosity_mm;  ///< how far vessels stray
  float dome_shift_mm;  ///< breath: height of the diaphragm
  float lung_hu;
  std::array<float, 12> wander;  ///< free offsets in [-1, 1] for organs' places

  float vertebra_z(int v) const;
  float vertebra_height(int v) const;  ///< of the body, without discs
  /// Centre of the vertebral body at a height.
  Vec3f spine(float z) const { return {0, spine_y_(z), z}; }
  Vec3f spine_up(float z) const;  ///< unit tangent

  /// Surface in which the ribs lie; below them, the middle of the abdominal wall. Read from a table.
  float trunk(Vec3f p) const;
  /// A point of it: angle 0 is the spine, pi/2 the patient's left, pi the sternum; then `offset_mm` outwards.
  Vec3f on_trunk(float angle, float z, float offset_mm = 0) const;
  Vec3f trunk_normal(Vec3f p) const;  ///< outwards, in the axial plane and along z

  float skin(Vec3f p) const;         ///< surface of the body
  float muscle_wall(Vec3f p) const;  ///< outer surface of the muscles, under the fat
  /// The point itself, or moved inwards until it lies `depth_mm` under the muscle's surface.
  Vec3f under_muscle(Vec3f p, float depth_mm) const;
  float cavity(Vec3f p) const;  ///< inside of the chest and abdominal wall
  /// Height of the diaphragm over a point; `left` chooses the dome.
  float dome_z(float x, float y, bool left) const;
  float diaphragm(Vec3f p) const;  ///< negative below it
  /// One lung without its fissures; `left` chooses.
  float lung(Vec3f p, bool left) const;
  float mediastinum(Vec3f p) const;

  /// The heart's axes: the third points from the base to the apex.
  Mat3f heart_axes() const;
  Vec3f heart_centre() const;

  Vec3f hip_joint(bool left) const;  ///< centre of the femoral head
  /// Was this organ taken out?
  bool lacks(Resection organ) const { return traits.lacks(organ); }

  struct BreastShape {
    Vec3f centre, half;  // of the left ellipsoid
  };
  BreastShape breast_shape() const;

  Box torso_box() const;  ///< of the skin, in canonical mm
  Box scan_box() const;   ///< the part of it that the scan shows

 private:
  float exact_trunk(Vec3f p) const;
  float exact_muscle_wall(Vec3f p) const;
  float exact_skin(Vec3f p) const;
  float exact_cavity(Vec3f p) const;

  // Values of a smooth function every 6 mm of the canonical body; between them, linear. The surfaces curve
  // with radii of 50 mm and more, so that the table errs by less than 0.1 mm.
  struct Table {
    Vec3f low{};
    int count[3]{};
    std::vector<float> values;
    float at(Vec3f p) const;
  };
  Table tabulate(float (Patient::*function)(Vec3f) const) const;
  Table trunk_, muscle_wall_, skin_, cavity_;

  Profile half_width_, front_, back_, spine_y_, wall_front_, wall_back_, inner_;
};

}  // namespace renderfm::phantom
