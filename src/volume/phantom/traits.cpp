// The population: distributions of the traits, their limits and their two written forms.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "renderfm/core/check.h"
#include "renderfm/math/rng.h"
#include "renderfm/volume/phantom_traits.h"

namespace renderfm {
namespace {

const char* word(Sex sex) { return sex == Sex::kFemale ? "female" : "male"; }
const char* word(ContrastPhase phase) {
  static constexpr const char* kWords[] = {"none", "arterial", "portal_venous", "delayed"};
  return kWords[static_cast<int>(phase)];
}
const char* word(ReconstructionKernel kernel) {
  static constexpr const char* kWords[] = {"soft", "standard", "sharp"};
  return kWords[static_cast<int>(kernel)];
}
const char* word(FieldOfView view) {
  static constexpr const char* kWords[] = {"chest", "abdomen", "trunk"};
  return kWords[static_cast<int>(view)];
}
const char* word(Resection organ) {
  static constexpr const char* kWords[] = {"spleen", "gallbladder", "kidney_left", "kidney_right",
                                           "lung_lobe"};
  return kWords[static_cast<int>(organ)];
}

// One generator per trait, so that a trait added later leaves the others of old seeds as they were.
class Draw {
 public:
  Draw(std::uint64_t seed, std::uint64_t trait) : rng_(Pcg32::from(seed, 0x7A17, trait)) {}
  double uniform(double low, double high) { return rng_.uniform<double>(low, high); }
  double normal(double mean, double deviation) { return mean + deviation * rng_.normal<double>(); }
  bool chance(double probability) { return uniform(0, 1) < probability; }
  /// Index drawn with the given weights.
  int choice(std::initializer_list<double> weights) {
    double total = 0;
    for (const double w : weights) total += w;
    double at = uniform(0, total);
    int index = 0;
    for (const double w : weights) {
      if (at < w || index + 1 == static_cast<int>(weights.size())) break;
      at -= w, ++index;
    }
    return index;
  }

 private:
  Pcg32 rng_;
};

double limited(double value, double low, double high) { return std::clamp(value, low, high); }

void check_range(const char* what, double value, double low, double high, const char* unit) {
  if (!(value >= low && value <= high)) {
    fail_input("a phantom cannot have {} of {}{}; choose {} to {}{}", what, value, unit, low, high, unit);
  }
}

}  // namespace

bool PhantomTraits::lacks(Resection organ) const {
  return std::find(resections.begin(), resections.end(), organ) != resections.end();
}

PhantomTraits sample_phantom_traits(std::uint64_t seed) {
  PhantomTraits t;
  const auto draw = [seed](std::uint64_t trait) { return Draw(seed, trait); };
  t.sex = draw(1).chance(0.5) ? Sex::kFemale : Sex::kMale;
  const bool female = t.sex == Sex::kFemale;
  {  // a triangle: few young patients, most between 50 and 75
    Draw d = draw(2);
    const double u = d.uniform(0, 1), share = (66.0 - 18) / (92 - 18);
    t.age_years = std::round(u < share ? 18 + std::sqrt(u * (92 - 18) * (66 - 18))
                                       : 92 - std::sqrt((1 - u) * (92 - 18) * (92 - 66)));
  }
  const double shrinking = 0.1 * std::max(t.age_years - 60, 0.0);
  t.height_cm = std::round(
      limited(draw(3).normal(female ? 163 : 176, female ? 6.5 : 7) - shrinking, female ? 143 : 152, 200));
  const double bmi = limited(std::exp(draw(4).normal(std::log(26.0), 0.17)), 17, 42);
  t.weight_kg = std::round(limited(bmi * t.height_cm * t.height_cm * 1e-4, 38, 160));
  t.phase = static_cast<ContrastPhase>(draw(5).choice({0.25, 0.25, 0.4, 0.1}));
  t.kernel = static_cast<ReconstructionKernel>(draw(6).choice({0.3, 0.45, 0.25}));
  t.noise_hu = std::round(limited(std::exp(draw(7).normal(std::log(12.0), 0.35)), 5, 35) * 10) / 10;
  constexpr FieldOfView kViews[] = {FieldOfView::kTrunk, FieldOfView::kChest, FieldOfView::kAbdomen};
  t.field_of_view = kViews[draw(8).choice({0.6, 0.2, 0.2})];

  if (Draw d = draw(9); d.chance(0.15)) {
    // Right-convex thoracic curves are nine in ten.
    t.scoliosis_deg = std::round(10 + 35 * std::pow(d.uniform(0, 1), 1.7)) * (d.chance(0.9) ? 1 : -1);
  }
  if (Draw d = draw(10); d.chance(0.12)) {
    const int side = d.choice({0.3, 0.35, 0.35});
    if (side != 1) t.effusion_right_ml = std::round(d.uniform(100, 1100) / 10) * 10;
    if (side != 2) t.effusion_left_ml = std::round(d.uniform(100, 900) / 10) * 10;
  }
  if (Draw d = draw(11); d.chance(0.2)) t.lung_nodules = d.choice({0, 5, 3, 2, 1, 1, 1});
  if (Draw d = draw(12); d.chance(0.07)) t.lung_mass_mm = std::round(d.uniform(30, 70));
  if (Draw d = draw(13); d.chance(0.2)) t.liver_lesions = d.choice({0, 4, 3, 2, 1, 1, 1, 1, 1});
  if (Draw d = draw(14); d.chance(0.06)) t.kidney_mass_mm = std::round(d.uniform(20, 75));
  if (Draw d = draw(15); d.chance(limited(0.1 + 0.007 * (t.age_years - 40), 0.1, 0.45))) {
    t.kidney_cysts = d.choice({0, 4, 3, 1, 1});
  }
  const double years = std::max(t.age_years - 45, 0.0) / 40;
  t.aortic_calcification = std::round(100 * limited(years * draw(16).uniform(-0.2, 1.5), 0, 1)) / 100;
  t.coronary_calcification =
      std::round(100 * limited(years * (female ? 0.7 : 1.0) * draw(17).uniform(-0.6, 1.4), 0, 1)) / 100;
  if (Draw d = draw(18); !female && t.age_years > 60 && d.chance(0.06)) {
    t.aneurysm_mm = std::round(d.uniform(32, 65));
  }
  constexpr double kRates[] = {0.03, 0.1, 0.02, 0.02, 0.02};
  for (int organ = 0; organ < 5; ++organ) {
    const auto resection = static_cast<Resection>(organ);
    if (!draw(20 + static_cast<std::uint64_t>(organ)).chance(kRates[organ])) continue;
    if (resection == Resection::kKidneyRight && t.lacks(Resection::kKidneyLeft)) continue;
    t.resections.push_back(resection);
  }
  return t;
}

void check_phantom_traits(const PhantomTraits& t) {
  check_range("an age", t.age_years, 18, 100, " years");
  check_range("a height", t.height_cm, 140, 205, " cm");
  check_range("a weight", t.weight_kg, 35, 180, " kg");
  check_range("a body mass index", t.weight_kg / (t.height_cm * t.height_cm * 1e-4), 15, 45, " kg/m2");
  check_range("a noise", t.noise_hu, 0, 500, " HU");
  check_range("a scoliosis", t.scoliosis_deg, -60, 60, " degrees");
  check_range("an effusion on the left", t.effusion_left_ml, 0, 1500, " ml");
  check_range("an effusion on the right", t.effusion_right_ml, 0, 1500, " ml");
  check_range("a number of lung nodules", t.lung_nodules, 0, 30, "");
  check_range("a lung mass", t.lung_mass_mm, 0, 90, " mm");
  check_range("a number of liver lesions", t.liver_lesions, 0, 30, "");
  check_range("a kidney mass", t.kidney_mass_mm, 0, 90, " mm");
  check_range("a number of kidney cysts", t.kidney_cysts, 0, 20, "");
  check_range("an aortic calcification", t.aortic_calcification, 0, 1, "");
  check_range("a coronary calcification", t.coronary_calcification, 0, 1, "");
  if (t.aneurysm_mm != 0) check_range("an aneurysm", t.aneurysm_mm, 30, 75, " mm");
  if (t.lacks(Resection::kKidneyLeft) && t.lacks(Resection::kKidneyRight)) {
    fail_input("a phantom cannot lack both kidneys; name one of them");
  }
  for (std::size_t i = 0; i < t.resections.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (t.resections[i] == t.resections[j]) {
        fail_input("the phantom's resections name {} twice; name each organ once", word(t.resections[i]));
      }
    }
  }
}

std::string describe(const PhantomTraits& t) {
  std::string text = fmt::format("{}, {:.0f} y, {:.0f} cm, {:.0f} kg, {}, ", word(t.sex), t.age_years,
                                 t.height_cm, t.weight_kg, word(t.field_of_view));
  static constexpr const char* kPhases[] = {"unenhanced", "arterial phase", "portal venous phase",
                                            "delayed phase"};
  text += fmt::format("{}, {} kernel, {:.3g} HU noise", kPhases[static_cast<int>(t.phase)], word(t.kernel),
                      t.noise_hu);
  const auto some = [&](int count, const char* thing) {
    if (count > 0) text += fmt::format(", {} {}{}", count, thing, count == 1 ? "" : "s");
  };
  if (t.scoliosis_deg != 0) {
    text += fmt::format(", scoliosis {:.0f} deg convex to the {}", std::abs(t.scoliosis_deg),
                        t.scoliosis_deg > 0 ? "right" : "left");
  }
  if (t.effusion_left_ml > 0) text += fmt::format(", left pleural effusion {:.0f} ml", t.effusion_left_ml);
  if (t.effusion_right_ml > 0) text += fmt::format(", right pleural effusion {:.0f} ml", t.effusion_right_ml);
  some(t.lung_nodules, "lung nodule");
  if (t.lung_mass_mm > 0) text += fmt::format(", lung mass {:.0f} mm", t.lung_mass_mm);
  some(t.liver_lesions, "liver lesion");
  if (t.kidney_mass_mm > 0) text += fmt::format(", kidney mass {:.0f} mm", t.kidney_mass_mm);
  some(t.kidney_cysts, "kidney cyst");
  if (t.aneurysm_mm > 0) text += fmt::format(", aortic aneurysm {:.0f} mm", t.aneurysm_mm);
  const auto calcified = [&](double grade, const char* vessel) {
    if (grade >= 0.02) {
      text += fmt::format(", {} {}", grade < 0.35 ? "slightly" : (grade < 0.7 ? "moderately" : "severely"),
                          vessel);
    }
  };
  calcified(t.aortic_calcification, "calcified aorta");
  calcified(t.coronary_calcification, "calcified coronary arteries");
  static constexpr const char* kOperations[] = {"spleen", "gallbladder", "left kidney", "right kidney",
                                                "right upper lobe"};
  for (const Resection organ : t.resections) {
    text += fmt::format(", {} resected", kOperations[static_cast<int>(organ)]);
  }
  return text;
}

std::vector<std::pair<std::string, std::string>> phantom_traits_json(const PhantomTraits& t) {
  const auto quoted = [](const char* text) { return fmt::format("\"{}\"", text); };
  const auto number = [](double value) { return fmt::format("{}", value); };
  std::string resections = "[";
  for (const Resection organ : t.resections) {
    resections += (resections.size() > 1 ? ", " : "") + quoted(word(organ));
  }
  return {{"sex", quoted(word(t.sex))},
          {"age_years", number(t.age_years)},
          {"height_cm", number(t.height_cm)},
          {"weight_kg", number(t.weight_kg)},
          {"phase", quoted(word(t.phase))},
          {"kernel", quoted(word(t.kernel))},
          {"noise_hu", number(t.noise_hu)},
          {"field_of_view", quoted(word(t.field_of_view))},
          {"scoliosis_deg", number(t.scoliosis_deg)},
          {"effusion_left_ml", number(t.effusion_left_ml)},
          {"effusion_right_ml", number(t.effusion_right_ml)},
          {"lung_nodules", number(t.lung_nodules)},
          {"lung_mass_mm", number(t.lung_mass_mm)},
          {"liver_lesions", number(t.liver_lesions)},
          {"kidney_mass_mm", number(t.kidney_mass_mm)},
          {"kidney_cysts", number(t.kidney_cysts)},
          {"aortic_calcification", number(t.aortic_calcification)},
          {"coronary_calcification", number(t.coronary_calcification)},
          {"aneurysm_mm", number(t.aneurysm_mm)},
          {"resections", resections + "]"}};
}

}  // namespace renderfm
