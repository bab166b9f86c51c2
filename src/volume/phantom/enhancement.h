// Hounsfield units of what takes up contrast agent, by phase.
#pragma once

#include "renderfm/volume/phantom_traits.h"

namespace renderfm::phantom {

struct Enhancement {
  // Blood.
  float aorta, pulmonary_artery, pulmonary_vein, right_heart, superior_cava, inferior_cava, renal_vein,
      portal, hepatic_vein, iliac_vein;
  // Flesh.
  float myocardium, liver, spleen, pancreas, cortex, medulla, muscle, bowel_wall, stomach_wall, thyroid,
      adrenal, prostate, uterus, gland;
  float urine;    ///< renal pelvis and ureters
  float bladder;  ///< what has settled at its back in the delayed phase
  // Lesions.
  float hypovascular, hypervascular, kidney_tumour, lung_tumour;
};

/// Means of the phase, every column moved by a few per cent as cardiac output and dose differ by patient.
Enhancement enhancement(ContrastPhase phase, std::uint64_t seed);

}  // namespace renderfm::phantom
