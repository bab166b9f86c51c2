// Liver, spleen, kidneys, adrenals, pancreas, stomach, gallbladder and bowel.
#include <algorithm>
#include <cmath>

#include "renderfm/volume/tissue_estimator.h"
#include "volume/phantom/parts.h"

namespace renderfm::phantom {
namespace {

constexpr auto kFat = static_cast<std::uint8_t>(Tissue::kFat);

Shape solid(std::uint8_t label, Material material) {
  Shape shape;
  shape.label = label;
  shape.material = std::move(material);
  return shape;
}

// Under the diaphragm and within the abdominal wall, `gap_mm` away from both.
float abdomen(const Patient& patient, Vec3f p, float gap_mm) {
  return smooth_max(patient.cavity(p) + gap_mm, patient.diaphragm(p) + 1.6f + gap_mm, 6);
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
  float d = smooth_max(abdomen(patient, p, 1.5f), under, 14);
  d = smooth_max(d, left_edge, 16);
  return smooth_max(d, behind, 14);
}

void add_liver(Scene& scene, const Patient& patient) {
  const Patient* who = &patient;
  const Distance distance = [who](Vec3f p) { return liver_distance(*who, p); };
  const float flesh = patient.contrast ? 112.0f : 58.0f;
  Shape liver = solid(organ("liver"), even(flesh, 5, 6));
  Box box;
  box.add(Vec3f{-145, -118, -95});
  box.add(Vec3f{95, 105, 125});
  liver.pieces.push_back({box, distance, 0});
  scene.push_back(std::move(liver));

  // Portal and hepatic veins, part of the liver's label.
  Pcg32 rng = Pcg32::from(patient.seed, 0x11E);
  for (const bool portal : {true, false}) {
    Shape tree = solid(0, even(patient.contrast ? (portal ? 172.0f : 160.0f) : 42.0f));
    const Vec3f root = portal ? Vec3f{-40, -10, 28} : Vec3f{-38, 0, 74};
    const Vec3f direction = portal ? Vec3f{-0.6f, -0.4f, 0.6f} : Vec3f{-0.7f, -0.3f, -0.6f};
    tree.pieces = grow_tree(points_inside(distance, box, 6, 220, rng), {root, direction, 6.2f, 0.9f}, rng);
    tree.only_on.set(organ("liver"));
    scene.push_back(std::move(tree));
  }
  Shape gallbladder = solid(organ("gallbladder"), even(8, 4));
  add_tube(gallbladder.pieces, {{{-40, -34, 8}, 5}, {{-48, -52, -14}, 12}, {{-54, -66, -40}, 14.5f}}, 0, 4);
  scene.push_back(std::move(gallbladder));
}

void add_spleen(Scene& scene, const Patient& patient) {
  const Patient* who = &patient;
  Shape spleen = solid(organ("spleen"), even(patient.contrast ? 125.0f : 50.0f, 5, 6));
  const Primitive body = ellipsoid({101, 40, 12}, {31, 42, 55}, axes_along({0.12f, -0.3f, 1}, {1, 0.45f, 0}));
  spleen.pieces.push_back(
      {body.box, [who, d = body.distance](Vec3f p) { return smooth_max(d(p), abdomen(*who, p, 1.5f), 8); },
       0});
  spleen.carved.push_back(ellipsoid({66, 8, 14}, {26, 30, 50}));  // the hilum, against the stomach
  spleen.carve_blend_mm = 8;
  scene.push_back(std::move(spleen));
}

void add_kidney(Scene& scene, const Patient& patient, bool left) {
  const float s = left ? 1.0f : -1.0f;
  const float drift = 5 * patient.wander[left ? 2 : 3];
  // The right kidney stands lower, under the liver.
  const float z = (left ? -26.0f : -44.0f) + drift;
  const Vec3f spine = patient.spine(z);
  const Vec3f centre{s * 66, spine.y + 12, z};
  // The upper poles lean to the spine, the hilum looks forwards and inwards.
  const Mat3f axes = axes_along({s * -0.2f, 0.2f, 1}, {s * 0.85f, 0.5f, 0});
  const auto at = [&](float x, float y, float along) { return centre + axes * Vec3f{x, y, along}; };
  const float cortex_hu = patient.contrast ? 205.0f : 36.0f, medulla_hu = patient.contrast ? 125.0f : 30.0f;

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
  Shape pelvis = solid(0, even(12, 4));
  pelvis.only_on.set(organ("kidney", left)).set(kFat);
  add_tube(pelvis.pieces, {{at(-11, 0, 8), 3}, {at(-17, 0, -2), 4}, {at(-27, -1, -12), 3}}, 0, 4);
  scene.push_back(std::move(pelvis));

  Shape adrenal = solid(organ("adrenal_gland", left), even(patient.contrast ? 75.0f : 25.0f, 6, 3));
  const Vec3f base{s * (left ? 44.0f : 36.0f), spine.y - (left ? 6.0f : 2.0f), z + (left ? 52.0f : 64.0f)};
  for (const float limb : {-1.0f, 1.0f}) {
    add_bar(adrenal.pieces,
            {{base, {s, 0.3f * limb, 0}, 2.4f, 7},
             {base + Vec3f{s * (6 + 4 * limb), 13, -5}, {s, 0.3f * limb, 0}, 1.9f, 9}},
            2, 5);
  }
  scene.push_back(std::move(adrenal));
}

// Bowel: a wall, and contents that settle as the patient lies on the back, gas to the front.
struct Contents {
  float fluid_hu, texture_hu;
  float gas_level_y;  // gas in front of this height
};

void add_bowel(Scene& scene, std::uint8_t label, const std::vector<Knot>& path, float wall_mm,
               const Contents& inside, float haustra) {
  Shape wall = solid(label, even(48, 10, 4));
  auto knots = smooth_path(path, 5);
  if (haustra > 0) {
    for (std::size_t i = 0; i < knots.size(); ++i) {
      const float phase = static_cast<float>(i) * 5 / 21 * 3.14159265f;
      knots[i].radius *= 1 + haustra * (std::abs(std::sin(phase)) - 0.6f);
    }
  }
  std::vector<Primitive> lumen;
  for (std::size_t i = 0; i + 1 < knots.size(); ++i) {
    wall.pieces.push_back(tube_segment(knots[i], knots[i + 1]));
    wall.pieces.back().blend_mm = 0;
    Knot a = knots[i], b = knots[i + 1];
    a.radius = std::max(a.radius - wall_mm, 0.5f);
    b.radius = std::max(b.radius - wall_mm, 0.5f);
    lumen.push_back(tube_segment(a, b));
  }
  scene.push_back(std::move(wall));
  Shape content = solid(label, [inside](Vec3f p, float, const NoiseTile& noise) {
    const float gas = smooth_step(1.2f, -1.2f, p.y - inside.gas_level_y);
    const float bubbles = noise(p, 4) + 0.6f * noise(p, 9);
    const float stool = inside.fluid_hu + inside.texture_hu * (bubbles < 0 ? 2.2f * bubbles : bubbles);
    return mix(stool, -960, gas);
  });
  content.pieces = std::move(lumen);
  scene.push_back(std::move(content));
}

void add_stomach(Scene& scene, const Patient& patient) {
  const Patient* who = &patient;
  const std::vector<Knot> axis{{{62, 22, 62}, 27},   {{76, 4, 50}, 34},    {{78, -22, 22}, 30},
                               {{58, -48, -14}, 24}, {{26, -60, -26}, 18}, {{-2, -54, -14}, 13},
                               {{-16, -44, -6}, 9}};
  std::vector<Primitive> tube;
  add_tube(tube, axis, 0, 6);
  for (const float wall_mm : {0.0f, 3.8f}) {
    Shape layer = solid(organ("stomach"), even(patient.contrast ? 82.0f : 45.0f, 8, 4));
    if (wall_mm > 0) {
      layer.material = [](Vec3f p, float, const NoiseTile& noise) {
        const float gas = smooth_step(1.2f, -1.2f, p.y + 40);
        return mix(22 + 30 * noise(p, 7), -970, gas);
      };
    }
    for (const Primitive& piece : tube) {
      layer.pieces.push_back({piece.box,
                              [who, wall_mm, d = piece.distance](Vec3f p) {
                                return smooth_max(d(p), abdomen(*who, p, 2), 8) + wall_mm;
                              },
                              0});
    }
    scene.push_back(std::move(layer));
  }
}

void add_intestines(Scene& scene, const Patient& patient) {
  Pcg32 rng = Pcg32::from(patient.seed, 0xB0E1);
  // Small bowel: loops to and fro through the middle of the abdomen, layer upon layer.
  std::vector<Knot> loops;
  int turn = 0;
  for (float z = -206; z <= -92; z += 25) {
    for (const float y : {-12.0f, -40.0f, -68.0f}) {
      const float reach = 62 - 0.1f * std::abs(y + 40);
      const bool forth = (turn++ % 2) == 0;
      for (int i = 0; i < 5; ++i) {
        const float x = (forth ? 1.0f : -1.0f) * (-reach + 2 * reach * static_cast<float>(i) / 4);
        loops.push_back(
            {{x + 7 * rng.normal<float>(), y + 6 * rng.normal<float>(), z + 7 * rng.normal<float>()},
             rng.uniform<float>(9.5f, 12.5f)});
      }
    }
  }
  add_bowel(scene, organ("small_bowel"), loops, 2.2f, {22, 12, -88}, 0);
  add_bowel(scene, organ("duodenum"),
            {{{-18, -44, -6}, 10},
             {{-40, -34, 0}, 11.5f},
             {{-50, -20, -18}, 11},
             {{-50, -14, -62}, 11},
             {{-32, -14, -86}, 11},
             {{4, -28, -90}, 10},
             {{28, -22, -72}, 10.5f},
             {{38, -30, -66}, 10.5f}},
            2.4f, {18, 12, -46}, 0);
  const float sag = 16 * patient.wander[4];
  const std::vector<Knot> frame{
      {{-84, -16, -192}, 20},      {{-98, -8, -160}, 25},     {{-104, 2, -125}, 23},
      {{-102, 4, -96}, 22},        {{-88, -22, -78}, 20},     {{-66, -62, -76}, 19},
      {{-34, -78, -82 - sag}, 19}, {{8, -82, -88 - sag}, 19}, {{48, -76, -72}, 19},
      {{82, -48, -38}, 18},        {{108, 0, -22}, 18},       {{112, 28, -40}, 16.5f},
      {{110, 32, -80}, 15},        {{106, 24, -125}, 14.5f},  {{98, 6, -160}, 14},
      {{78, -12, -185}, 14},       {{52, 0, -212}, 14}};
  add_bowel(scene, organ("colon"), frame, 2.2f, {35, 75, -52}, 0.26f);
}

}  // namespace

void add_abdomen(Scene& scene, const Patient& patient) {
  add_intestines(scene, patient);
  add_stomach(scene, patient);
  add_spleen(scene, patient);
  add_liver(scene, patient);
  for (const bool left : {true, false}) add_kidney(scene, patient, left);

  Shape pancreas =
      solid(organ("pancreas"), [contrast = patient.contrast](Vec3f p, float, const NoiseTile& noise) {
        // Lobules with fat between them.
        const float cleft = std::max(1 - std::abs(noise(p, 5)) * 9, 0.0f);
        return (contrast ? 102.0f : 40.0f) + 8 * noise(p, 3) - 90 * cleft;
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
