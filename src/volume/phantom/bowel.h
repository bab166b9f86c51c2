// Stomach and bowel, and the space that they share with the solid organs.
#pragma once

#include "volume/phantom/patient.h"
#include "volume/phantom/scene.h"

namespace renderfm::phantom {

void add_bowel(Scene& scene, const Patient& patient);

/// Under the diaphragm and within the abdominal wall, `gap_mm` away from both.
float below_diaphragm(const Patient& patient, Vec3f p, float gap_mm);

}  // namespace renderfm::phantom
