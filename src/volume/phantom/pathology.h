// Lesions and calcifications; each is painted right after the organ that bears it.
#pragma once

#include "volume/phantom/parts.h"

namespace renderfm::phantom {

/// Fluid that settles at the back of the pleural space, and the compressed lung before it. After the lobes,
/// before their vessels.
void add_effusions(Scene& scene, const Patient& patient);
void add_lung_lesions(Scene& scene, const Patient& patient);

/// Cysts, metastases and hypervascular tumours inside `liver`.
void add_liver_lesions(Scene& scene, const Patient& patient, const Distance& liver, const Box& box);

struct KidneyFrame {
  Vec3f centre;
  Mat3f axes;  ///< third: from the lower to the upper pole; first: outwards
};
/// A solid mass that bulges out of a kidney, and cysts.
void add_kidney_lesions(Scene& scene, const Patient& patient, const KidneyFrame (&frames)[2]);

/// Plaques in the wall of the tube, `grade` 0 to 1; more of them towards the end of the path.
void add_plaques(Scene& scene, const std::vector<Knot>& path, std::uint8_t label, float grade, Pcg32& rng);

}  // namespace renderfm::phantom
