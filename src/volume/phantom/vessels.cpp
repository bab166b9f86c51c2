// Aorta and its branches, great veins, the vessels of the lung roots and of the abdomen.
#include <cmath>

#include "renderfm/volume/tissue_estimator.h"
#include "volume/phantom/parts.h"

namespace renderfm::phantom {
namespace {

struct Plumber {
  Scene& scene;
  const Patient& patient;
  float arterial, venous;

  // HU of unenhanced blood is 40 everywhere.
  void vessel(std::uint8_t label, float hu, const std::vector<Knot>& path, float wander = 0.4f) {
    Shape shape;
    shape.label = label;
    shape.material = even(hu, patient.contrast ? 8.0f : 4.0f, 7);
    auto strayed = path;
    Pcg32 rng = Pcg32::from(patient.seed, 0xF10, static_cast<std::uint64_t>(label) * 1000 + path.size());
    for (std::size_t i = 1; i + 1 < strayed.size(); ++i) {
      const Vec3f stray{rng.normal<float>(), rng.normal<float>(), rng.normal<float>()};
      strayed[i].point = strayed[i].point + stray * (wander * patient.tortuosity_mm * 0.5f);
    }
    add_tube(shape.pieces, strayed, 0, 4);
    scene.push_back(std::move(shape));
  }
};

constexpr auto kUnnamed = static_cast<std::uint8_t>(Tissue::kVessel);

}  // namespace

void add_vessels(Scene& scene, const Patient& patient) {
  Plumber plumber{scene, patient, patient.contrast ? 320.0f : 40.0f, patient.contrast ? 165.0f : 40.0f};
  const float arterial = plumber.arterial, venous = plumber.venous;
  const float pulmonary = patient.contrast ? 250.0f : 40.0f;
  const Vec3f heart = patient.heart_centre();
  const auto beside_spine = [&](float x, float before, float z) {
    return patient.spine(z) + Vec3f{x, -before, 0};
  };
  const auto near_heart = [&](float x, float y, float z) {
    return heart + Vec3f{x, y, z} * patient.heart_size;
  };

  // Veins first, arteries over them.
  const Vec3f atrium = near_heart(-50, 2, 0), meet{-27, -20, 214};
  plumber.vessel(organ("superior_vena_cava"), venous * 1.15f,
                 {{atrium + Vec3f{4, 0, 14}, 9.5f}, {{-32, -16, 172}, 9}, {meet, 8.5f}});
  plumber.vessel(organ("brachiocephalic_vein_right"), venous * 1.15f,
                 {{meet, 7.5f}, {{-33, -17, 236}, 7}, {{-40, -12, 258}, 6.5f}, {{-44, -8, 285}, 6}});
  plumber.vessel(
      organ("brachiocephalic_vein_left"), venous * 1.15f,
      {{meet, 7}, {{2, -36, 227}, 6.5f}, {{30, -26, 242}, 6.5f}, {{42, -12, 260}, 6.5f}, {{44, -8, 285}, 6}});
  plumber.vessel(organ("inferior_vena_cava"), venous,
                 {{atrium + Vec3f{6, 6, -16}, 12},
                  {{-34, -2, 70}, 12},
                  {beside_spine(-26, 28, 20), 11.5f},
                  {beside_spine(-22, 29, -30), 10.5f},
                  {beside_spine(-19, 31, -90), 10},
                  {beside_spine(-13, 31, -140), 10}});
  const Vec3f fork_vein = beside_spine(-13, 31, -140), fork = beside_spine(6, 34, -131);
  for (const bool left : {true, false}) {
    const float s = left ? 1.0f : -1.0f;
    plumber.vessel(organ("iliac_vena", left), venous,
                   {{fork_vein, 8},
                    {{s * 26 + (left ? -2.0f : -8.0f), 0, -170}, 7.5f},
                    {{s * 50, -4, -192}, 7.2f},
                    {{s * 66, -18, -225}, 7}});
    plumber.vessel(kUnnamed, venous,
                   {{beside_spine(-22, 28, left ? -22.0f : -36.0f), 4.5f},
                    {{s * 14, -6 - (left ? 5.0f : 0.0f), left ? -20.0f : -36.0f}, 4.5f},
                    {{s * 38, 26, left ? -22.0f : -40.0f}, 4}},
                   0);
  }
  plumber.vessel(organ("portal_vein_and_splenic_vein"), venous * 1.05f,
                 {{{92, 40, 26}, 3.6f},
                  {{58, 16, 14}, 4},
                  {{24, -12, 0}, 4.6f},
                  {{-8, -16, -2}, 6},
                  {{-26, -14, 14}, 6.5f},
                  {{-42, -10, 30}, 6}});
  plumber.vessel(kUnnamed, venous, {{{-8, -16, -2}, 5}, {{0, -24, -40}, 4.5f}, {{-4, -34, -90}, 3}});

  // Lung roots.
  const auto vein = organ("pulmonary_vein");
  const Vec3f atrium_left = near_heart(-20, 42, 18);
  for (const bool left : {true, false}) {
    const float s = left ? 1.0f : -1.0f;
    const Vec3f root = left ? Vec3f{41, 16, 152} : Vec3f{-37, 16, 150};
    plumber.vessel(vein, pulmonary * 1.1f,
                   {{atrium_left + Vec3f{s * 18, 2, 6}, 6.5f},
                    {root + Vec3f{s * -8, -7, -12}, 6},
                    {root + Vec3f{s * 6, -9, -15}, 6.5f}},
                   0);
    plumber.vessel(vein, pulmonary * 1.1f,
                   {{atrium_left + Vec3f{s * 18, 5, -8}, 6.5f},
                    {root + Vec3f{s * -3, 6, -34}, 5.5f},
                    {root + Vec3f{s * 10, 8, -38}, 5}},
                   0);
  }
  const Vec3f outflow = near_heart(4, -30, 22), trunk_top{17, -8, 172};
  plumber.vessel(kUnnamed, pulmonary, {{outflow, 13}, {{18, -40, 158}, 13}, {trunk_top, 12.5f}}, 0);
  plumber.vessel(kUnnamed, pulmonary, {{trunk_top, 11}, {{30, 4, 170}, 10}, {{43, 13, 156}, 8.5f}}, 0);
  plumber.vessel(kUnnamed, pulmonary,
                 {{trunk_top, 11}, {{0, -2, 164}, 10}, {{-24, 4, 160}, 9.5f}, {{-39, 13, 154}, 8.5f}}, 0);

  // Aorta: root, arch over the left main bronchus, down the left side of the spine to L4.
  const float wide = 1 + 0.08f * patient.wander[1];
  plumber.vessel(organ("aorta"), arterial,
                 {{near_heart(-10, -4, 16), 14},
                  {{-10, -34, 166}, 15 * wide},
                  {{-14, -28, 190}, 14.5f * wide},
                  {{-2, -21, 205}, 14 * wide},
                  {{16, -3, 209}, 13 * wide},
                  {{27, 17, 201}, 12.5f * wide},
                  {beside_spine(27, 18, 172), 12 * wide},
                  {beside_spine(24, 19, 120), 11.5f},
                  {beside_spine(20, 24, 60), 11},
                  {beside_spine(14, 29, 10), 10.5f},
                  {beside_spine(11, 31, -40), 9.5f},
                  {beside_spine(9, 33, -90), 9},
                  {fork, 8.6f}});
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
    plumber.vessel(
        organ("iliac_artery", left), arterial,
        {{fork, 6}, {{s * 30 + 3, -15, -165}, 5.8f}, {{s * 52, -17, -188}, 5.5f}, {{s * 70, -34, -225}, 5}},
        0.7f);
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
