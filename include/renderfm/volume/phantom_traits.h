// Who a phantom is and how it was scanned: every trait can be set, or all of them drawn from a seed.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace renderfm {

enum class Sex : std::uint8_t { kFemale, kMale };
/// Late arterial (about 35 s), portal venous (70 s), delayed (5 min, excretion into the ureters).
enum class ContrastPhase : std::uint8_t { kNone, kArterial, kPortalVenous, kDelayed };
/// Reconstruction kernel: sharpness of edges, amplitude and spectrum of the noise.
enum class ReconstructionKernel : std::uint8_t { kSoft, kStandard, kSharp };
/// Chest: apices to adrenals. Abdomen: dome of the diaphragm to below the ischium. Trunk: both.
enum class FieldOfView : std::uint8_t { kChest, kAbdomen, kTrunk };

/// Organs that an operation has taken out. kLungLobe is the right upper lobe.
enum class Resection : std::uint8_t { kSpleen, kGallbladder, kKidneyLeft, kKidneyRight, kLungLobe };

struct PhantomTraits {
  Sex sex = Sex::kMale;
  double age_years =
      45;  ///< bone density, discs, fat in the muscles, tortuous and wide aorta, gland of the breast
  double height_cm = 174;
  double weight_kg = 76;
  ContrastPhase phase = ContrastPhase::kArterial;
  ReconstructionKernel kernel = ReconstructionKernel::kStandard;
  double noise_hu = 12;  ///< dose: standard deviation in the body at 1.5 mm and the standard kernel
  FieldOfView field_of_view = FieldOfView::kTrunk;

  double scoliosis_deg = 0;  ///< Cobb angle of the thoracic curve; positive is convex to the right
  double effusion_left_ml = 0, effusion_right_ml = 0;
  int lung_nodules = 0;
  double lung_mass_mm = 0;  ///< diameter of one spiculated mass; 0 for none
  int liver_lesions = 0;    ///< cysts, metastases and hypervascular tumours
  double kidney_mass_mm = 0;
  int kidney_cysts = 0;
  double aortic_calcification = 0;  ///< 0 none to 1 severe; aorta and iliac arteries
  double coronary_calcification = 0;
  double aneurysm_mm = 0;             ///< diameter of an infrarenal aneurysm with thrombus; 0 for none
  std::vector<Resection> resections;  ///< in any order, without repetition

  bool lacks(Resection organ) const;
};

/// A patient of a hospital's CT list, the same for the same seed. Half are women; age 18 to 92, triangular
/// about 66; height normal by sex (163, 6.5; 176, 7 cm) less 1 cm a decade beyond 60; body mass index
/// log-normal about
/// 26. Phases: none 25 %, arterial 25 %, portal venous 40 %, delayed 10 %; kernels: soft 30 %, standard 45 %,
/// sharp 25 %; noise log-normal about 12 HU. Trunk 60 %, chest and abdomen 20 % each. Scoliosis above 10
/// degrees 15 %; effusion 12 %; lung nodules 20 %, lung mass 7 %; liver lesions 20 %; kidney mass 6 %, cysts
/// 10 to 45 % with age; calcification from 45 years on; aneurysm 6 % of men above 60; each resection 2 to 10
/// %.
PhantomTraits sample_phantom_traits(std::uint64_t seed);

/// Throws kBadInput naming the trait that cannot be.
void check_phantom_traits(const PhantomTraits& traits);

/// "female, 71 y, 158 cm, 66 kg, trunk, arterial phase, sharp kernel, 14 HU noise, scoliosis 24 deg".
std::string describe(const PhantomTraits& traits);

/// Every trait as a key and a JSON value (numbers bare, words quoted), for case.json; the keys are the
/// members'.
std::vector<std::pair<std::string, std::string>> phantom_traits_json(const PhantomTraits& traits);

}  // namespace renderfm
