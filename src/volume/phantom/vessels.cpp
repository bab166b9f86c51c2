// Aorta and its branches, great veins, the vessels of the lung roots and of the abdomen.
#include <cmath>

#include "renderfm/volume/tissue_estimator.h"
#include "volume/phantom/parts.h"
#include "volume/phantom/pathology.h"

namespace renderfm::phantom {
namespace {

struct Plumber {
  Scene& scene;
  const Patient& patient;
  // Returns the way that it took.
  std::vector<Knot> vessel(std::uint8_t label, float hu, const std::vector<Knot>& path, float wander = 0.4f) {
    Shape shape;
    shape.label = label;
    shape.material = even(hu, patient.hu.aorta > 60 ? 8.0f : 4.0f, 7);
    auto strayed = path;
    Pcg32 rng = Pcg32::from(patient.seed, 0xF10, static_cast<std::uint64_t>(label) * 1000 + path.size());
    for (std::size_t i = 1; i + 1 < strayed.size(); ++i) {
      const Vec3f stray{rng.normal<float>(), rng.normal<float>(), rng.normal<float>()};
      strayed[i].point = strayed[i].point + stray * (wander * patient.tortuosity_mm * 0.5f);
    }
    add_tube(shape.pieces, strayed, 0, 4);
    scene.push_back(std::move(shape));
    return strayed;
  }
};

constexpr auto kUnnamed = static_cast<std::uint8_t>(Tissue::kVessel);

// An infrarenal aneurysm: clot within a calcified wall, the lumen before its middle.
void add_aneurysm(Scene& scene, const Patient& patient, Pcg32& rng) {
  const float r = 0.5f * static_cast<float>(patient.traits.aneurysm_mm) / patient.size.x;
  const auto at = [&](float z, float before) {
    return patient.spine(z) + Vec3f{10 + 0.25f * r, -(22 + before), 0};
  };
  Shape sac, lumen;
  sac.label = lumen.label = organ("aorta");
  sac.material = even(46, 9, 6);
  lumen.material = even(patient.hu.aorta, 8, 7);
  const std::vector<Knot> wall{{at(-46, 10), 9.5f},
                               {at(-64, 0.7f * r + 4), 0.72f * r + 3},
                               {at(-86, r), r},
                               {at(-104, 0.85f * r + 2), 0.85f * r},
                               {at(-122, 12), 10.5f}};
  add_tube(sac.pieces, wall, 0, 4);
  std::vector<Knot> channel = wall;
  for (std::size_t i = 0; i < channel.size(); ++i) {
    const float thinner = std::min(channel[i].radius, 9 + 0.12f * r);
    channel[i].point.y -= 0.35f * (channel[i].radius - thinner);
    channel[i].radius = thinner;
  }
  add_tube(lumen.pieces, channel, 0, 4);
  scene.push_back(std::move(sac));
  scene.push_back(std::move(lumen));
  add_plaques(scene, wall, organ("aorta"),
              std::max(0.35f, static_cast<float>(patient.traits.aortic_calcification)), rng);
}

}  // namespace

void add_vessels(Scene& scene, const Patient& patient) {
  Plumber plumber{scene, patient};
  const Enhancement& hu = patient.hu;
  const float arterial = hu.aorta;
  const Vec3f heart = patient.heart_centre();
  const auto beside_spine = [&](float x, float before, float z) {
    return patient.spine(z) + Vec3f{x, -before, 0};
  };
  const auto near_heart = [&](float x, float y, float z) {
    return heart + Vec3f{x, y, z} * patient.heart_size;
  };

  // Veins first, arteries over them.
  const Vec3f atrium = near_heart(-50, 2, 0), meet{-27, -20, 214};
  plumber.vessel(organ("superior_vena_cava"), hu.superior_cava,
                 {{atrium + Vec3f{4, 0, 14}, 9.5f}, {{-32, -16, 172}, 9}, {meet, 8.5f}});
  plumber.vessel(organ("brachiocephalic_vein_right"), hu.superior_cava,
                 {{meet, 7.5f}, {{-33, -17, 236}, 7}, {{-40, -12, 258}, 6.5f}, {{-44, -8, 285}, 6}});
  plumber.vessel(
      organ("brachiocephalic_vein_left"), hu.superior_cava,
      {{meet, 7}, {{2, -36, 227}, 6.5f}, {{30, -26, 242}, 6.5f}, {{42, -12, 260}, 6.5f}, {{44, -8, 285}, 6}});
  plumber.vessel(organ("inferior_vena_cava"), hu.inferior_cava,
                 {{atrium + Vec3f{6, 6, -16}, 12},
                  {{-34, -2, 70}, 12},
                  {beside_spine(-26, 28, 20), 11.5f},
                  {beside_spine(-22, 29, -30), 10.5f},
                  {beside_spine(-19, 31, -90), 10},
                  {beside_spine(-13, 31, -140), 10}});
  const Vec3f fork_vein = beside_spine(-13, 31, -140), fork = beside_spine(6, 34, -131);
  for (const bool left : {true, false}) {
    const float s = left ? 1.0f : -1.0f;
    plumber.vessel(organ("iliac_vena", left), hu.iliac_vein,
                   {{fork_vein, 8},
                    {{s * 26 + (left ? -2.0f : -8.0f), 0, -170}, 7.5f},
                    {{s * 48, 0, -196}, 7.2f},
                    {{s * 58 * patient.flare, -22, -228}, 7},
                    {{s * 66 * patient.flare, -52, -258}, 7},
                    {{s * 72 * patient.flare, -60, -300}, 6.5f},
                    {{s * 80 * patient.flare, -48, -400}, 5.5f}});
    if (patient.lacks(left ? Resection::kKidneyLeft : Resection::kKidneyRight)) continue;
    plumber.vessel(kUnnamed, hu.renal_vein,
                   {{beside_spine(-22, 28, left ? -22.0f : -36.0f), 4.5f},
                    {{s * 14, -6 - (left ? 5.0f : 0.0f), left ? -20.0f : -36.0f}, 4.5f},
                    {{s * 38, 26, left ? -22.0f : -40.0f}, 4}},
                   0);
  }
  plumber.vessel(organ("portal_vein_and_splenic_vein"), hu.portal,
                 {{{92, 40, 26}, 3.6f},
                  {{58, 16, 14}, 4},
                  {{24, -12, 0}, 4.6f},
                  {{-8, -16, -2}, 6},
                  {{-26, -14, 14}, 6.5f},
                  {{-42, -10, 30}, 6}});
  plumber.vessel(kUnnamed, hu.portal, {{{-8, -16, -2}, 5}, {{0, -24, -40}, 4.5f}, {{-4, -34, -90}, 3}});

  // Lung roots.
  const auto vein = organ("pulmonary_vein");
  const Vec3f atrium_left = near_heart(-20, 42, 18);
  for (const bool left : {true, false}) {
    const float s = left ? 1.0f : -1.0f;
    const Vec3f root = left ? Vec3f{41, 16, 152} : Vec3f{-37, 16, 150};
    plumber.vessel(vein, hu.pulmonary_vein,
                   {{atrium_left + Vec3f{s * 18, 2, 6}, 6.5f},
                    {root + Vec3f{s * -8, -7, -12}, 6},
                    {root + Vec3f{s * 6, -9, -15}, 6.5f}},
                   0);
    plumber.vessel(vein, hu.pulmonary_vein,
                   {{atrium_left + Vec3f{s * 18, 5, -8}, 6.5f},
                    {root + Vec3f{s * -3, 6, -34}, 5.5f},
                    {root + Vec3f{s * 10, 8, -38}, 5}},
                   0);
  }
  const Vec3f outflow = near_heart(4, -30, 22), trunk_top{17, -8, 172};
  plumber.vessel(kUnnamed, hu.pulmonary_artery, {{outflow, 13}, {{18, -40, 158}, 13}, {trunk_top, 12.5f}}, 0);
  plumber.vessel(kUnnamed, hu.pulmonary_artery, {{trunk_top, 11}, {{30, 4, 170}, 10}, {{43, 13, 156}, 8.5f}},
                 0);
  plumber.vessel(kUnnamed, hu.pulmonary_artery,
                 {{trunk_top, 11}, {{0, -2, 164}, 10}, {{-24, 4, 160}, 9.5f}, {{-39, 13, 154}, 8.5f}}, 0);

  // Aorta: root, arch over the left main bronchus, down the left side of the spine to L4.
  const float wide = (1 + 0.08f * patient.wander[1]) * (1 + 0.12f * std::max(patient.ageing, 0.0f)) *
                     (patient.female ? 0.93f : 1.0f);
  const auto grade = static_cast<float>(patient.traits.aortic_calcification);
  Pcg32 rng = Pcg32::from(patient.seed, 0xCA1C);
  const auto aorta = plumber.vessel(organ("aorta"), arterial,
                                    {{near_heart(-10, -4, 16), 14 * wide},
                                     {{-10, -34, 166}, 15 * wide},
                                     {{-14, -28, 190}, 14.5f * wide},
                                     {{-2, -21, 205}, 14 * wide},
                                     {{16, -3, 209}, 13 * wide},
                                     {{27, 17, 201}, 12.5f * wide},
                                     {beside_spine(27, 18, 172), 12 * wide},
                                     {beside_spine(24, 19, 120), 11.5f * wide},
                                     {beside_spine(20, 24, 60), 11 * wide},
                                     {beside_spine(14, 29, 10), 10.5f * wide},
                                     {beside_spine(11, 31, -40), 9.5f},
                                     {beside_spine(9, 33, -90), 9},
                                     {fork, 8.6f}});
  add_plaques(scene, aorta, organ("aorta"), grade, rng);
  if (patient.traits.aneurysm_mm > 0) add_aneurysm(scene, patient, rng);
  plumber.vessel(organ("brachiocephalic_trunk"), arterial,
                 {{{-8, -25, 207}, 6.5f}, {{-16, -18, 226}, 6.3f}, {{-24, -4, 248}, 6.2f}});
  plumber.vessel(organ("subclavian_artery_right"), arterial,
                 {{{-24, -4, 248}, 5},
                  {{-40, 2, 260}, 4.8f},
                  {{-66, -6, 258}, 4.5f},
                  {{-90, -4, 246}, 4.3f},
                  {{-108, 5, 236}, 4}});
  plumber.vessel(organ("common_carotid_artery_right"), arterial,
                 {{{-24, -4, 248}, 4.2f}, {{-27, -2, 264}, 4}, {{-29, 0, 300}, 4}});
  plumber.vessel(organ("common_carotid_artery_left"), arterial,
                 {{{6, -13, 212}, 4.4f}, {{16, -8, 232}, 4.2f}, {{25, -1, 262}, 4}, {{29, 0, 300}, 4}});
  plumber.vessel(organ("subclavian_artery_left"), arterial,
                 {{{22, 5, 211}, 5.2f},
                  {{28, 8, 236}, 5},
                  {{40, 5, 258}, 4.8f},
                  {{66, -5, 258}, 4.5f},
                  {{90, -4, 246}, 4.3f},
                  {{108, 5, 236}, 4}});
  for (const bool left : {true, false}) {
    const float s = left ? 1.0f : -1.0f;
    const auto iliac = plumber.vessel(organ("iliac_artery", left), arterial,
                                      {{fork, 6},
                                       {{s * 30 + 3, -15, -165}, 5.8f},
                                       {{s * 50, -17, -190}, 5.4f},
                                       {{s * 66 * patient.flare, -36, -228}, 5},
                                       {{s * 78 * patient.flare, -58, -258}, 4.8f},
                                       {{s * 84 * patient.flare, -64, -300}, 4.6f},
                                       {{s * 88 * patient.flare, -52, -400}, 4}},
                                      0.7f);
    add_plaques(scene, {iliac.rbegin() + 2, iliac.rend()}, organ("iliac_artery", left), 0.8f * grade, rng);
    if (patient.lacks(left ? Resection::kKidneyLeft : Resection::kKidneyRight)) continue;
    plumber.vessel(kUnnamed, arterial,
                   {{beside_spine(11, 31, -24), 3.4f},
                    {{s * 24, 4, left ? -24.0f : -34.0f}, 3.2f},
                    {{s * 40, 30, left ? -26.0f : -44.0f}, 2.8f}},
                   0);
  }
  const Vec3f coeliac = beside_spine(13, 40, 6);
  plumber.vessel(kUnnamed, arterial,
                 {{coeliac, 4.2f},
                  {coeliac + Vec3f{-2, -14, 0}, 4},
                  {coeliac + Vec3f{-18, -18, 6}, 3.2f},
                  {{-40, -14, 26}, 2.6f}});
  plumber.vessel(
      kUnnamed, arterial,
      {{coeliac + Vec3f{-2, -14, 0}, 3.4f}, {{34, -8, 14}, 3.2f}, {{62, 12, 22}, 3}, {{92, 38, 32}, 2.6f}},
      1);
  plumber.vessel(kUnnamed, arterial,
                 {{beside_spine(12, 40, -10), 4},
                  {{8, -26, -28}, 3.8f},
                  {{4, -36, -70}, 3.4f},
                  {{-6, -42, -110}, 2.4f}});
}

}  // namespace renderfm::phantom
