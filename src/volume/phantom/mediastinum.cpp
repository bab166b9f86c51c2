// Heart with its chambers, oesophagus, thyroid.
#include <algorithm>
#include <cmath>

#include "renderfm/volume/tissue_estimator.h"
#include "volume/phantom/parts.h"

namespace renderfm::phantom {
namespace {

void add_heart(Scene& scene, const Patient& patient) {
  const Mat3f axes = patient.heart_axes();
  const Vec3f centre = patient.heart_centre();
  const float s = patient.heart_size;
  // Along the heart: x towards back and left, y across, z from base to apex.
  const auto at = [&](float x, float y, float z) { return centre + axes * (Vec3f{x, y, z} * s); };
  const auto half = [&](float x, float y, float z) { return Vec3f{x, y, z} * s; };
  const std::uint8_t heart = organ("heart");
  const float left_blood = patient.hu.pulmonary_vein, right_blood = patient.hu.right_heart;

  struct Chamber {
    Vec3f centre, half;
    float wall;
    float blood;
  };
  const Vec3f right_atrium = centre + Vec3f{-50, 2, 2} * s, left_atrium = centre + Vec3f{-20, 42, 18} * s;
  const Chamber chambers[4] = {{at(14, 0, 12), half(25, 25, 46), 9.5f, left_blood},
                               {at(-17, 6, 8), half(24, 31, 42), 3.2f, right_blood},
                               {right_atrium, half(22, 26, 33), 2.4f, right_blood},
                               {left_atrium, half(31, 17, 24), 2.4f, left_blood}};

  Shape pericardium;  // fat in the grooves between the chambers
  pericardium.label = heart;
  pericardium.material = even(-85, 14, 4);
  Shape muscle;
  muscle.label = heart;
  muscle.material = even(patient.hu.myocardium, 9, 5);
  for (int c = 0; c < 4; ++c) {
    const Chamber& chamber = chambers[c];
    const Mat3f frame = c < 2 ? axes : Mat3f::identity();
    const Vec3f wall{chamber.wall, chamber.wall, chamber.wall};
    muscle.pieces.push_back(ellipsoid(chamber.centre, chamber.half + wall, frame));
    muscle.pieces.back().blend_mm = 7;
    pericardium.pieces.push_back(
        ellipsoid(chamber.centre, chamber.half + wall + Vec3f{1.5f, 1.5f, 1.5f}, frame));
    pericardium.pieces.back().blend_mm = 32;
  }
  scene.push_back(std::move(pericardium));
  scene.push_back(std::move(muscle));

  for (const int c : {1, 2, 3, 0}) {
    const Chamber& chamber = chambers[c];
    Shape blood;
    blood.label = heart;
    blood.material = even(chamber.blood, 7, 6);
    blood.pieces.push_back(ellipsoid(chamber.centre, chamber.half, c < 2 ? axes : Mat3f::identity()));
    if (c == 1) {  // the septum bulges into the right ventricle
      blood.carved.push_back(ellipsoid(chambers[0].centre, chambers[0].half + Vec3f{9.5f, 9.5f, 9.5f}, axes));
      blood.carve_blend_mm = 3;
    }
    if (c == 0) {  // papillary muscles
      for (const float side : {-1.0f, 1.0f}) {
        blood.carved.push_back(
            tube_segment({at(14 + side * 12, -13, 34), 4.5f}, {at(14 + side * 8, -10, 6), 2.5f}));
      }
      blood.carve_blend_mm = 3;
    }
    scene.push_back(std::move(blood));
  }

  // Coronary arteries in the grooves.
  Shape coronaries;
  coronaries.label = heart;
  coronaries.material = even(0.95f * patient.hu.aorta);
  add_tube(coronaries.pieces,
           {{at(-4, -10, -38), 2},
            {at(-6, -34, -14), 2},
            {at(-2, -36, 14), 1.7f},
            {at(2, -26, 44), 1.3f},
            {at(4, -6, 60), 1}},
           0, 4);
  add_tube(coronaries.pieces,
           {{at(-4, -10, -38), 2}, {at(26, -22, -30), 1.7f}, {at(40, 4, -24), 1.4f}, {at(36, 22, -10), 1.1f}},
           0, 4);
  add_tube(coronaries.pieces,
           {{at(-14, -8, -38), 2}, {at(-42, -8, -20), 1.9f}, {at(-46, 22, -4), 1.6f}, {at(-26, 42, 8), 1.2f}},
           0, 4);
  if (patient.traits.coronary_calcification > 0) {  // along the first two thirds of each artery
    Pcg32 rng = Pcg32::from(patient.seed, 0xC0A0);
    const auto grade = static_cast<float>(patient.traits.coronary_calcification);
    Shape plaques;
    plaques.label = heart;
    plaques.material = even(720, 150, 3);
    for (std::size_t i = 0; i < coronaries.pieces.size(); ++i) {
      if (rng.uniform<float>(0, 1) > 0.75f * grade) continue;
      const Box& box = coronaries.pieces[i].box;
      const Vec3f middle = (box.low + box.high) * 0.5f;
      const float r = rng.uniform<float>(1, 1.5f + 0.6f * grade);
      plaques.pieces.push_back(ellipsoid(middle, {r, r, 1.3f * r}));
    }
    scene.push_back(std::move(coronaries));
    if (!plaques.pieces.empty()) scene.push_back(std::move(plaques));
  } else {
    scene.push_back(std::move(coronaries));
  }

  Shape appendage;
  appendage.label = organ("atrial_appendage_left");
  appendage.material = even(left_blood);
  add_tube(appendage.pieces,
           {{left_atrium + Vec3f{22, -8, 8} * s, 8},
            {left_atrium + Vec3f{38, -26, 10} * s, 8},
            {left_atrium + Vec3f{38, -44, 8} * s, 5}},
           0, 4);
  scene.push_back(std::move(appendage));
}

}  // namespace

void add_mediastinum(Scene& scene, const Patient& patient) {
  Shape oesophagus, gas;
  oesophagus.label = gas.label = organ("esophagus");
  oesophagus.material = even(38, 8);
  gas.material = even(-600, 150, 6);
  const auto before_spine = [&](float x, float gap, float z) { return patient.spine(z) + Vec3f{x, -gap, 0}; };
  const std::vector<Knot> path{{before_spine(2, 20, 300), 6},    {before_spine(5, 21, 250), 6.5f},
                               {before_spine(5, 24, 205), 6.5f}, {before_spine(3, 27, 160), 6.5f},
                               {before_spine(4, 30, 110), 6.5f}, {before_spine(10, 38, 78), 7},
                               {before_spine(24, 46, 58), 8}};
  add_tube(oesophagus.pieces, path, 0, 6);
  const auto curve = smooth_path(path, 6);
  for (std::size_t i = 12; i + 1 < curve.size(); i += 11) {
    gas.pieces.push_back(ellipsoid(curve[i].point, {2.4f, 1.8f, 7}));
  }
  add_heart(scene, patient);
  scene.push_back(std::move(oesophagus));
  scene.push_back(std::move(gas));

  Shape thyroid;
  thyroid.label = organ("thyroid_gland");
  thyroid.material = even(patient.hu.thyroid, 12, 4);
  for (const float s : {-1.0f, 1.0f}) thyroid.pieces.push_back(ellipsoid({s * 18, -6, 276}, {7.5f, 9, 19}));
  add_tube(thyroid.pieces, {{{-15, -12, 268}, 3.5f}, {{0, -14, 267}, 3}, {{15, -12, 268}, 3.5f}}, 3, 5);
  scene.push_back(std::move(thyroid));
}

}  // namespace renderfm::phantom
