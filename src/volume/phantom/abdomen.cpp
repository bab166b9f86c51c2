// Liver, gallbladder, spleen, kidneys, adrenals and pancreas.
#include <algorithm>
#include <cmath>

#include "renderfm/volume/tissue_estimator.h"
#include "volume/phantom/bowel.h"
#include "volume/phantom/parts.h"
#include "volume/phantom/pathology.h"

namespace renderfm::phantom {
namespace {

constexpr auto kFat = static_cast<std::uint8_t>(Tissue::kFat);

Shape solid(std::uint8_t label, Material material) {
  Shape shape;
  shape.label = label;
  shape.material = std::move(material);
  return shape;
}

float liver_distance(const Patient& patient, Vec3f p) {
  const float l = patient.liver_size;
  // The visceral surface rises from the right flank to the left lobe and, under the left lobe, to the back.
  const float right = smooth_step(20, -100, p.x);
  const float floor =
      mix(38 - 0.25f * p.x - 0.25f * p.y, -52 - l, right) + mix(0.42f, 0.1f, right) * (p.y + 10);
  const float under = (floor - p.z) * 0.72f;
  const float left_edge = (p.x - 58 - l - 0.18f * (p.z - 60)) * 0.95f;
  // The left lobe lies in front; the right one reaches the back wall.
  const float behind = p.y - 8 + 0.1f * p.x - 100 * smooth_step(0, -60, p.x);
  float d = smooth_max(below_diaphragm(patient, p, 1.5f), under, 14);
  d = smooth_max(d, left_edge, 16);
  return smooth_max(d, behind, 14);
}

void add_liver(Scene& scene, const Patient& patient) {
  const Patient* who = &patient;
  const Distance distance = [who](Vec3f p) { return liver_distance(*who, p); };
  const float flesh = patient.hu.liver - 8 * std::max(patient.belly_mm - 12, 0.0f) / 12;  // steatosis
  Shape liver = solid(organ("liver"), even(flesh, 5, 6));
  Box box;
  box.add(Vec3f{-150, -150, -95});
  box.add(Vec3f{95, 105, 125});
  liver.pieces.push_back({box, distance, 0});
  scene.push_back(std::move(liver));

  // Portal and hepatic veins, part of the liver's label.
  Pcg32 rng = Pcg32::from(patient.seed, 0x11E);
  for (const bool portal : {true, false}) {
    Shape tree = solid(0, even(portal ? patient.hu.portal : patient.hu.hepatic_vein));
    const Vec3f root = portal ? Vec3f{-40, -10, 28} : Vec3f{-38, 0, 74};
    const Vec3f direction = portal ? Vec3f{-0.6f, -0.4f, 0.6f} : Vec3f{-0.7f, -0.3f, -0.6f};
    tree.pieces = grow_tree(points_inside(distance, box, 6, 220, rng), {root, direction, 6.2f, 0.9f}, rng);
    tree.only_on.set(organ("liver"));
    scene.push_back(std::move(tree));
  }
  add_liver_lesions(scene, patient, distance, box);
  if (patient.lacks(Resection::kGallbladder)) {  // the clips on the cystic duct stay
    Shape clips = solid(0, even(2600));
    for (const float z : {2.0f, 7.0f})
      clips.pieces.push_back(tube_segment({{-41, -34, z}, 1.1f}, {{-38, -31, z + 3}, 1.1f}));
    scene.push_back(std::move(clips));
    return;
  }
  Shape gallbladder = solid(organ("gallbladder"), even(8, 4));
  add_tube(gallbladder.pieces, {{{-40, -34, 8}, 5}, {{-48, -52, -14}, 12}, {{-54, -66, -40}, 14.5f}}, 0, 4);
  scene.push_back(std::move(gallbladder));
}

void add_spleen(Scene& scene, const Patient& patient) {
  const Patient* who = &patient;
  Shape spleen = solid(organ("spleen"), even(patient.hu.spleen, 5, 6));
  const Primitive body = ellipsoid({101, 40, 12}, {31, 42, 55}, axes_along({0.12f, -0.3f, 1}, {1, 0.45f, 0}));
  spleen.pieces.push_back(
      {body.box,
       [who, d = body.distance](Vec3f p) { return smooth_max(d(p), below_diaphragm(*who, p, 1.5f), 8); }, 0});
  spleen.carved.push_back(ellipsoid({66, 8, 14}, {26, 30, 50}));  // the hilum, against the stomach
  spleen.carve_blend_mm = 8;
  scene.push_back(std::move(spleen));
}

KidneyFrame kidney_frame(const Patient& patient, bool left) {
  const float s = left ? 1.0f : -1.0f;
  const float drift = 5 * patient.wander[left ? 2 : 3];
  // The right kidney stands lower, under the liver.
  const float z = (left ? -26.0f : -44.0f) + drift;
  const Vec3f spine = patient.spine(z);
  const Vec3f centre{s * 66, spine.y + 12, z};
  // The upper poles lean to the spine, the hilum looks forwards and inwards.
  return {centre, axes_along({s * -0.2f, 0.2f, 1}, {s * 0.85f, 0.5f, 0})};
}

void add_kidney(Scene& scene, const Patient& patient, const KidneyFrame& frame, bool left) {
  const Vec3f centre = frame.centre;
  const Mat3f& axes = frame.axes;
  const auto at = [&](float x, float y, float along) { return centre + axes * Vec3f{x, y, along}; };
  const float cortex_hu = patient.hu.cortex, medulla_hu = patient.hu.medulla;

  Shape fascia = solid(kFat, even(-102, 12, 4));  // perirenal fat keeps liver and spleen away
  fascia.pieces.push_back(ellipsoid(centre, {33, 30, 60}, axes));
  fascia.only_on.set(organ("liver")).set(organ("spleen")).set(kFat);
  scene.push_back(std::move(fascia));

  Shape cortex = solid(organ("kidney", left), even(cortex_hu, 8, 3));
  cortex.pieces.push_back(ellipsoid(centre, {27, 24.5f, 54}, axes));
  cortex.carved.push_back(ellipsoid(at(-28, 0, 0), {15, 9, 16}, axes));
  cortex.carve_blend_mm = 10;
  scene.push_back(std::move(cortex));

  Shape pyramids = solid(0, even(medulla_hu, 6, 3));
  pyramids.only_on.set(organ("kidney", left));
  for (int ring = 0; ring < 7; ++ring) {  // cones from the sinus towards the surface
    const float angle = -1.9f + 3.8f * static_cast<float>(ring) / 6;
    for (const float y : {-11.0f, 11.0f}) {
      const Vec3f out = at(16.5f * std::cos(angle) - 1, y, 40 * std::sin(angle * 0.72f));
      const Vec3f in = at(-6 + 3 * std::cos(angle), y * 0.25f, 20 * std::sin(angle * 0.72f));
      pyramids.pieces.push_back(tube_segment({in, 2.5f}, {out, 6.3f}));
    }
  }
  scene.push_back(std::move(pyramids));

  Shape sinus = solid(0, even(-60, 25, 3));
  sinus.only_on.set(organ("kidney", left));
  sinus.pieces.push_back(ellipsoid(at(-12, 0, 0), {11, 7, 24}, axes));
  scene.push_back(std::move(sinus));
  Shape pelvis = solid(0, even(patient.hu.urine, 4));
  pelvis.only_on.set(organ("kidney", left)).set(kFat);
  add_tube(pelvis.pieces, {{at(-11, 0, 8), 3}, {at(-17, 0, -2), 4}, {at(-27, -1, -12), 3}}, 0, 4);
  scene.push_back(std::move(pelvis));

  // Ureter, over the psoas and across the iliac vessels to the back of the bladder.
  const float s = left ? 1.0f : -1.0f;
  Shape ureter = solid(static_cast<std::uint8_t>(Tissue::kSoftTissue),
                       even(patient.hu.urine > 100 ? patient.hu.urine : 25, 4));
  const auto before = [&](float x, float gap, float z) { return patient.spine(z) + Vec3f{s * x, -gap, 0}; };
  add_tube(ureter.pieces,
           {{at(-27, -1, -12), 2.8f},
            {before(42, 18, -88), 2.1f},
            {before(40, 26, -140), 2.2f},
            {{s * 40, -4, -184}, 2.2f},
            {{s * 50, 14, -228}, 2.1f},
            {{s * 42, 22, -268}, 2.1f},
            {{s * 17, 8, -290}, 2}},
           0, 8);
  scene.push_back(std::move(ureter));
}

void add_adrenal(Scene& scene, const Patient& patient, const KidneyFrame& frame, bool left) {
  const float s = left ? 1.0f : -1.0f, z = frame.centre.z;
  const Vec3f spine = patient.spine(z);
  Shape adrenal = solid(organ("adrenal_gland", left), even(patient.hu.adrenal, 6, 3));
  const Vec3f base{s * (left ? 44.0f : 36.0f), spine.y - (left ? 6.0f : 2.0f), z + (left ? 52.0f : 64.0f)};
  for (const float limb : {-1.0f, 1.0f}) {
    add_bar(adrenal.pieces,
            {{base, {s, 0.3f * limb, 0}, 2.4f, 7},
             {base + Vec3f{s * (6 + 4 * limb), 13, -5}, {s, 0.3f * limb, 0}, 1.9f, 9}},
            2, 5);
  }
  scene.push_back(std::move(adrenal));
}

}  // namespace

void add_abdomen(Scene& scene, const Patient& patient) {
  add_bowel(scene, patient);
  if (!patient.lacks(Resection::kSpleen)) add_spleen(scene, patient);
  add_liver(scene, patient);
  const KidneyFrame kidneys[2] = {kidney_frame(patient, true), kidney_frame(patient, false)};
  for (const bool left : {true, false}) {
    const KidneyFrame& frame = kidneys[left ? 0 : 1];
    if (!patient.lacks(left ? Resection::kKidneyLeft : Resection::kKidneyRight)) {
      add_kidney(scene, patient, frame, left);
    }
    add_adrenal(scene, patient, frame, left);
  }
  add_kidney_lesions(scene, patient, kidneys);

  Shape pancreas = solid(organ("pancreas"),
                         [flesh = patient.hu.pancreas, fat = 0.7f + 0.5f * std::max(patient.ageing, 0.0f)](
                             Vec3f p, float, const NoiseTile& noise) {
                           // Lobules with fat between them.
                           const float cleft = std::max(1 - std::abs(noise(p, 5)) * 9 / fat, 0.0f);
                           return flesh + 8 * noise(p, 3) - 90 * cleft;
                         });
  add_tube(pancreas.pieces,
           {{{-34, -20, -38}, 13},
            {{-28, -22, -18}, 14},
            {{-6, -30, -6}, 9.5f},
            {{22, -24, 4}, 10},
            {{52, 4, 14}, 10},
            {{82, 30, 24}, 7.5f}},
           0, 5);
  scene.push_back(std::move(pancreas));
}

}  // namespace renderfm::phantom
