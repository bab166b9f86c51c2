#include "volume/phantom/enhancement.h"

#include "renderfm/math/rng.h"

namespace renderfm::phantom {

Enhancement enhancement(ContrastPhase phase, std::uint64_t seed) {
  // Typical attenuations at 120 kV and 1.5 ml/kg of 350 mg I/ml, after Bae, Radiology 256 (2010), and the
  // usual abdominal protocols; unenhanced blood is 42.
  static constexpr Enhancement kNone{42, 42, 42, 42, 42,  42, 42, 42, 42, 42, 45, 58, 50, 40, 36,
                                     30, 54, 44, 45, 105, 25, 42, 45, 32, 8,  8,  38, 48, 34, 38};
  static constexpr Enhancement kArterial{330, 220, 290, 190, 235, 75, 150, 100, 62,  50,
                                         112, 68,  118, 102, 195, 75, 57,  78,  80,  185,
                                         62,  58,  75,  42,  8,   8,  55,  118, 135, 62};
  static constexpr Enhancement kPortal{168, 150, 155, 148, 152, 138, 160, 178, 168, 132,
                                       108, 112, 122, 96,  185, 165, 64,  84,  82,  165,
                                       74,  75,  105, 48,  9,   9,   66,  108, 108, 74};
  static constexpr Enhancement kDelayed{102, 98, 100, 98, 99,  98, 102, 106, 105, 98,  90,  88, 96, 76, 148,
                                        146, 63, 68,  66, 140, 48, 80,  98,  46,  620, 260, 68, 84, 82, 72};
  const Enhancement& mean = phase == ContrastPhase::kNone           ? kNone
                            : phase == ContrastPhase::kArterial     ? kArterial
                            : phase == ContrastPhase::kPortalVenous ? kPortal
                                                                    : kDelayed;
  Enhancement e = mean;
  if (phase == ContrastPhase::kNone) return e;
  // Only what the agent adds scales, by one factor for the whole patient.
  const float gain = Pcg32::from(seed, 0xB100D).uniform<float>(0.88f, 1.12f);
  const auto scale = [&](float Enhancement::*member) {
    e.*member = kNone.*member + gain * (mean.*member - kNone.*member);
  };
  using E = Enhancement;
  for (const auto member : {&E::aorta,         &E::pulmonary_artery, &E::pulmonary_vein, &E::right_heart,
                            &E::superior_cava, &E::inferior_cava,    &E::renal_vein,     &E::portal,
                            &E::hepatic_vein,  &E::iliac_vein,       &E::myocardium,     &E::liver,
                            &E::spleen,        &E::pancreas,         &E::cortex,         &E::medulla,
                            &E::bowel_wall,    &E::stomach_wall,     &E::hypovascular,   &E::hypervascular,
                            &E::kidney_tumour}) {
    scale(member);
  }
  return e;
}

}  // namespace renderfm::phantom
