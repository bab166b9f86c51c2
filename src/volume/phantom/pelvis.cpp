// The pelvis: hip bones, sacrum, femora, the muscles around them, bladder and what lies behind it.
#include <algorithm>
#include <cmath>

#include "renderfm/volume/tissue_estimator.h"
#include "volume/phantom/parts.h"

namespace renderfm::phantom {
namespace {

constexpr auto kFat = static_cast<std::uint8_t>(Tissue::kFat);
constexpr auto kMuscle = static_cast<std::uint8_t>(Tissue::kSoftTissue);

Primitive blended(Primitive piece, float blend_mm) {
  piece.blend_mm = blend_mm;
  return piece;
}

Primitive half_space(Vec3f at, Vec3f outwards, float reach_mm) {
  Box box;
  box.add(at);
  const Vec3f n = normalised(outwards);
  return {box.grown(reach_mm), [=](Vec3f p) { return std::max(-dot(p - at, n), norm(p - at) - reach_mm); },
          0};
}

// On the left side: the wing from its crest to the pelvic brim.
void add_wing(Shape& hip, const Patient& patient, float s) {
  const float f = patient.flare;
  std::vector<BarKnot> crest;
  // From the posterior to the anterior superior spine.
  const Vec3f points[7] = {{46, 82, -196}, {58, 76, -168},   {82, 58, -149},  {108, 32, -139},
                           {124, 2, -142}, {128, -26, -156}, {120, -50, -182}};
  for (const Vec3f& p : points) {
    crest.push_back({patient.under_muscle({p.x * f, p.y, p.z}, 7.5f), {1, 0, 0}, 5.4f, 6.2f});
  }
  const auto mirror = [s](std::vector<BarKnot> knots) {
    for (auto& k : knots) k.point.x *= s, k.normal.x *= s;
    return knots;
  };
  add_bar(hip.pieces, mirror(crest), 0, 4);
  const auto dense = smooth_path(crest, 4);
  const Vec3f foot_back{54 * f, 58, -226}, foot_middle{68 * f, 34, -238}, foot_front{92 * f, -12, -240};
  for (std::size_t i = 0; i < dense.size(); ++i) {
    const float t = static_cast<float>(i) / static_cast<float>(dense.size() - 1);
    const Vec3f top = dense[i].point;
    const Vec3f foot =
        t < 0.4f ? mix(foot_back, foot_middle, t / 0.4f) : mix(foot_middle, foot_front, (t - 0.4f) / 0.6f);
    const Vec3f hollow = mix(top, foot, 0.5f) + Vec3f{-5 * f, 2, 0};
    const Vec3f tangent = dense[std::min(i + 1, dense.size() - 1)].point - dense[i > 0 ? i - 1 : 0].point;
    const Vec3f normal = normalised(cross(tangent, foot - top));
    add_bar(hip.pieces, mirror({{top, normal, 4.2f, 9}, {hollow, normal, 2.6f, 10}, {foot, normal, 6.5f, 8}}),
            0, 10);
  }
  // Anterior inferior spine.
  hip.pieces.push_back(
      blended(tube_segment({{s * 112 * f, -40, -196}, 6}, {{s * 101 * f, -34, -226}, 7}), 8));
}

void add_hip(Scene& scene, const Patient& patient, bool left) {
  const float s = left ? 1.0f : -1.0f, f = patient.flare;
  // Women's pubic arch is wide and their ischia stand apart.
  const float arch = patient.female ? 9.0f : 0.0f;
  const auto at = [&](float x, float y, float z) { return Vec3f{s * x, y, z}; };
  const Vec3f head = patient.hip_joint(left);
  Shape hip;
  hip.label = organ("hip", left);
  hip.material = bone(760 * patient.bone_density, 210 * patient.bone_density, 1.8f);
  add_wing(hip, patient, s);
  auto& pieces = hip.pieces;
  const auto add = [&](Knot a, Knot b, float blend) { pieces.push_back(blended(tube_segment(a, b), blend)); };
  // The brim and the column behind the notch, down to the ischial tuberosity.
  add({at(70 * f, 30, -238), 10}, {at(84 * f, 0, -246), 14}, 8);
  pieces.push_back(blended(ellipsoid(head + Vec3f{-s * 3, 0, 2}, {31, 31, 31}), 10));
  add({at(74 * f, 20, -262), 15}, {at(68 * f + 0.5f * arch, 30, -300), 11.5f}, 8);
  add({at(68 * f + 0.5f * arch, 30, -300), 11.5f}, {at(62 * f + arch, 32, -334), 12.5f}, 6);
  add({at(62 * f + arch, 32, -334), 12.5f}, {at(57 * f + arch, 22, -346), 10.5f}, 4);
  add({at(66 * f, 36, -268), 8}, {at(54 * f + 0.4f * arch, 48, -282), 3.5f}, 8);  // ischial spine
  // The rami around the obturator foramen.
  const Knot superior[4] = {{at(84 * f, -22, -256), 12},
                            {at(60 * f, -40, -266), 8.5f},
                            {at(36 * f, -50, -276), 7.5f},
                            {at(15, -53, -284), 9}};
  for (int i = 0; i < 3; ++i) add(superior[i], superior[i + 1], i == 0 ? 8.0f : 2.0f);
  pieces.push_back(blended(
      bar_segment({at(12.5f, -50, -286), {0, 1, 0.25f}, 7, 9}, {at(13, -44, -314), {0, 1, 0.25f}, 6, 8.5f}),
      5));
  const Knot inferior[4] = {{at(14, -42, -316), 7},
                            {at(26 + 0.6f * arch, -30, -328), 5.8f},
                            {at(42 + arch, -6, -342), 6},
                            {at(56 * f + arch, 18, -346), 8}};
  for (int i = 0; i < 3; ++i) add(inferior[i], inferior[i + 1], i == 0 ? 5.0f : 2.0f);
  // The socket opens outwards, downwards and forwards; cartilage keeps the head off its floor.
  hip.carved.push_back(ellipsoid(head, {26.5f, 26.5f, 26.5f}));
  hip.carved.push_back(half_space(head + Vec3f{s * 7, -3, -4}, {s * 0.78f, -0.36f, -0.5f}, 42));
  hip.carve_blend_mm = 2;
  scene.push_back(std::move(hip));
}

void add_femur(Scene& scene, const Patient& patient, bool left) {
  const float s = left ? 1.0f : -1.0f;
  const Vec3f head = patient.hip_joint(left);
  const auto at = [&](float x, float y, float z) { return head + Vec3f{s * x, y, z}; };
  const float stout = patient.female ? 0.93f : 1.0f;
  Shape femur;
  femur.label = organ("femur", left);
  const float dense = 1150 * patient.bone_density, spongy = 270 * patient.bone_density;
  // A thin shell over the spongy head and neck, a thick tube with marrow inside below the trochanters.
  femur.material = [dense, spongy](Vec3f p, float depth_mm, const NoiseTile& noise) {
    const float shaft = smooth_step(-296, -348, p.z);
    const float cortex_mm = mix(1.7f, 5.5f, shaft);
    const float cortex = 1 - smooth_step(0.7f * cortex_mm, 1.4f * cortex_mm, depth_mm);
    const float inside =
        mix(spongy, -30.0f, shaft) + 0.3f * spongy * (1 - shaft) * (noise(p, 3.3f) + noise(p, 9));
    return mix(inside, mix(0.62f * dense, dense, shaft) * (1 + 0.08f * noise(p, 5)), cortex);
  };
  auto& pieces = femur.pieces;
  pieces.push_back(ellipsoid(head, Vec3f{24, 24, 24} * stout));
  const auto add = [&](Vec3f a, float ra, Vec3f b, float rb, float blend) {
    pieces.push_back(blended(tube_segment({a, ra * stout}, {b, rb * stout}), blend));
  };
  add(at(10, 1, -5), 17, at(40, 6, -27), 16.5f, 8);
  add(at(40, 6, -27), 16.5f, at(46, 8, -42), 17.5f, 6);
  pieces.push_back(
      blended(ellipsoid(at(55, 15, -18), Vec3f{12.5f, 16, 22} * stout), 9));  // greater trochanter
  add(at(27, 26, -62), 8.5f, at(36, 16, -68), 10, 8);                         // lesser trochanter
  std::vector<Knot> shaft{{at(46, 8, -42), 17.5f * stout},
                          {at(43, 8, -68), 16.5f * stout},
                          {at(39, 4, -100), 14.5f * stout},
                          {at(35, -2, -160), 13.5f * stout}};
  add_tube(pieces, shaft, 4, 12);
  scene.push_back(std::move(femur));
}

void add_sacrum(Scene& scene, const Patient& patient) {
  Shape sacrum;
  sacrum.label = organ("sacrum");
  sacrum.material = bone(560 * patient.bone_density, 165 * patient.bone_density, 1.4f);
  const float f = patient.flare;
  // Bodies of S2 to S5 and the coccyx, fused; wings that reach the hip bones down to S3.
  const struct {
    float y, z, half_width, half_depth;
  } bodies[6] = {{57, -226, 21, 12}, {68, -247, 17, 10}, {74, -266, 14, 8.5f},
                 {74, -283, 11, 7},  {68, -299, 8, 5},   {59, -313, 5, 4}};
  for (int i = 0; i + 1 < 6; ++i) {
    const auto &a = bodies[i], &b = bodies[i + 1];
    const Vec3f normal = normalised(Vec3f{0, b.z - a.z, a.y - b.y});
    sacrum.pieces.push_back(blended(bar_segment({{0, a.y, a.z}, normal, a.half_depth, a.half_width},
                                                {{0, b.y, b.z}, normal, b.half_depth, b.half_width}),
                                    i == 0 ? 0.0f : 2.0f));
  }
  for (const float s : {-1.0f, 1.0f}) {
    const BarKnot top{{s * 38 * f, 66, -222}, {0, 1, 0.5f}, 12, 15},
        low{{s * 18, 76, -262}, {0, 1, 0.5f}, 7, 9};
    sacrum.pieces.push_back(blended(bar_segment({{s * 12, 60, -226}, {0, 1, 0.5f}, 12, 16}, top), 6));
    sacrum.pieces.push_back(blended(bar_segment(top, low), 6));
    // Lateral crest behind the foramina.
    sacrum.pieces.push_back(blended(tube_segment({{s * 24, 82, -214}, 5}, {{s * 13, 88, -258}, 4}), 6));
    for (int level = 0; level < 3; ++level) {  // foramina
      const float z = -225.0f - 19 * static_cast<float>(level), y = 58.0f + 9 * static_cast<float>(level);
      const float x = s * (21 - 2.5f * static_cast<float>(level));
      sacrum.carved.push_back(tube_segment({{x, y - 24, z - 9}, 3.4f}, {{x, y + 40, z + 5}, 3.0f}));
    }
  }
  // Median crest, and the canal before it.
  sacrum.pieces.push_back(
      blended(bar_segment({{0, 84, -214}, {1, 0, 0}, 4, 8}, {{0, 90, -256}, {1, 0, 0}, 3, 6}), 6));
  sacrum.carved.push_back(tube_segment({{0, 70, -204}, 7}, {{0, 84, -256}, 3}));
  sacrum.carve_blend_mm = 1.5f;
  scene.push_back(std::move(sacrum));
}

void add_gluteal_muscles(Scene& scene, const Patient& patient) {
  const Material flesh = muscular(patient);
  for (const bool left : {true, false}) {
    const float s = left ? 1.0f : -1.0f, f = patient.flare;
    const auto paint = [&](std::string_view stem, const std::vector<BarKnot>& knots) {
      Shape muscle;
      muscle.label = organ(stem, left);
      muscle.material = flesh;
      auto side = knots;
      for (auto& k : side) k.point.x *= s * f, k.normal.x *= s;
      add_bar(muscle.pieces, side, 0, 8);
      // Under the fat, whatever the girth.
      const Patient* owner = &patient;
      Primitive outside{{}, [owner](Vec3f p) { return 1 - owner->muscle_wall(p); }, 0};
      outside.box.add(Vec3f{-260, -200, -400});
      outside.box.add(Vec3f{260, 200, -100});
      muscle.carved.push_back(std::move(outside));
      // A plane of fat parts it from its neighbours.
      Shape plane;
      plane.label = kFat;
      plane.material = even(-90, 14, 4);
      plane.only_on.set(kMuscle);
      for (auto& k : side) k.half_thickness += 1.6f, k.half_width += 1.6f;
      add_bar(plane.pieces, side, 0, 8);
      plane.carved = muscle.carved;
      scene.push_back(std::move(plane));
      scene.push_back(std::move(muscle));
    };
    paint("gluteus_maximus", {{{48, 92, -186}, {0.3f, 0.9f, 0}, 8, 18},
                              {{62, 98, -215}, {0.4f, 0.9f, 0}, 17, 34},
                              {{78, 96, -255}, {0.5f, 0.85f, 0}, 24, 44},
                              {{98, 82, -295}, {0.6f, 0.8f, 0}, 24, 42},
                              {{118, 56, -330}, {0.75f, 0.65f, 0}, 17, 30},
                              {{132, 26, -362}, {0.9f, 0.4f, 0}, 8, 18}});
    paint("gluteus_medius", {{{116, 36, -152}, {0.9f, 0.4f, 0}, 7, 24},
                             {{124, 26, -180}, {0.95f, 0.3f, 0}, 14, 38},
                             {{130, 18, -222}, {0.95f, 0.3f, 0}, 17, 38},
                             {{142, 16, -262}, {0.98f, 0.2f, 0}, 9, 22}});
    paint("gluteus_minimus", {{{112, 6, -186}, {0.95f, 0.2f, 0}, 7, 22},
                              {{116, 2, -222}, {0.95f, 0.2f, 0}, 11, 28},
                              {{132, -4, -262}, {0.95f, 0.1f, 0}, 6, 16}});
  }
}

// Planes of fat that part the thigh's muscles and fill the hollows beside the rectum.
void add_fat_planes(Scene& scene, const Patient& patient) {
  Shape fat;
  fat.label = kFat;
  fat.material = even(-95, 14, 4);
  fat.only_on.set(kMuscle);
  const float f = patient.flare;
  for (const float s : {-1.0f, 1.0f}) {
    fat.pieces.push_back(
        ellipsoid({s * 26, 52, -326}, {15, 22, 26}, axes_along({s * -0.3f, -0.1f, 1}, {1, 0, 0})));
    fat.pieces.push_back(
        tube_segment({{s * 80 * f, -62, -300}, 11}, {{s * 84 * f, -62, -400}, 7}));  // femoral
    fat.pieces.push_back(bar_segment({{s * 100 * f, 44, -285}, {0.3f, 1, 0}, 4, 34},
                                     {{s * 92 * f, 40, -400}, {0.3f, 1, 0}, 2.5f, 30}));
    fat.pieces.push_back(bar_segment({{s * 58 * f, -40, -330}, {s * 0.8f, -0.6f, 0}, 1.8f, 30},
                                     {{s * 62 * f, -30, -400}, {s * 0.8f, -0.6f, 0}, 1.6f, 32}));
    fat.pieces.push_back(bar_segment({{s * 62 * f, 28, -362}, {s * 0.6f, 0.8f, 0}, 1.8f, 32},
                                     {{s * 64 * f, 26, -400}, {s * 0.6f, 0.8f, 0}, 1.6f, 34}));
    fat.pieces.push_back(bar_segment({{s * 112 * f, -34, -300}, {s * 0.85f, 0.5f, 0}, 1.8f, 30},
                                     {{s * 114 * f, -30, -400}, {s * 0.85f, 0.5f, 0}, 1.5f, 34}));
  }
  scene.push_back(std::move(fat));
}

void add_bladder(Scene& scene, const Patient& patient) {
  const float full = 1 + 0.28f * patient.wander[5];
  const Vec3f centre{0, -18, -276 + 12 * (full - 1)};
  Shape wall, urine;
  wall.label = urine.label = organ("urinary_bladder");
  wall.material = even(patient.hu.prostate - 8, 6, 4);
  const Vec3f half{37 * full, 28 * full, 29 * full};
  wall.pieces.push_back(ellipsoid(centre, half));
  const float clear = 8, settled = patient.hu.bladder, level = centre.y + 0.15f * half.y;
  // Excreted agent is heavy: it settles at the back.
  urine.material = [=](Vec3f p, float, const NoiseTile& noise) {
    return mix(clear, settled, smooth_step(level - 5, level + 5, p.y)) + 5 * noise(p, 6);
  };
  urine.pieces.push_back(ellipsoid(centre, half - Vec3f{3, 3, 3}));
  scene.push_back(std::move(wall));
  scene.push_back(std::move(urine));
  if (patient.female) {
    Shape uterus, ovaries;
    uterus.label = ovaries.label = kMuscle;
    uterus.material = even(patient.hu.uterus, 9, 5);
    ovaries.material = even(patient.hu.uterus - 25, 8, 5);
    const float lean = 8 * patient.wander[6];
    const float old = 1 - 0.3f * smooth_step(45, 75, static_cast<float>(patient.traits.age_years));
    add_tube(uterus.pieces,
             {{{0, 26, -304}, 12.5f * old}, {{0.4f * lean, 22, -282}, 14 * old}, {{lean, 6, -246}, 22 * old}},
             0, 6);
    for (const float s : {-1.0f, 1.0f}) {
      ovaries.pieces.push_back(ellipsoid({s * 38, 12, -248}, Vec3f{8, 13, 11} * old));
      ovaries.pieces.push_back(tube_segment({{s * 34, 11, -248}, 4}, {{lean, 8, -240}, 6}));
    }
    scene.push_back(std::move(ovaries));
    scene.push_back(std::move(uterus));
  } else {
    Shape prostate, vesicles;
    prostate.label = organ("prostate");
    prostate.material = even(patient.hu.prostate, 10, 4);
    const float grown = 1 + 0.3f * std::max(patient.ageing, 0.0f);
    prostate.pieces.push_back(ellipsoid({0, -6, -316}, Vec3f{23, 16, 17} * std::cbrt(grown * 1.15f)));
    vesicles.label = kMuscle;
    vesicles.material = even(patient.hu.prostate - 15, 8, 3);
    for (const float s : {-1.0f, 1.0f}) {
      vesicles.pieces.push_back(tube_segment({{s * 5, 16, -300}, 5}, {{s * 27, 24, -288}, 6}));
    }
    scene.push_back(std::move(vesicles));
    scene.push_back(std::move(prostate));
  }
}

}  // namespace

void add_pelvis(Scene& scene, const Patient& patient) {
  add_fat_planes(scene, patient);
  add_gluteal_muscles(scene, patient);
  add_bladder(scene, patient);
}

void add_pelvic_bones(Scene& scene, const Patient& patient) {
  for (const bool left : {true, false}) add_hip(scene, patient, left);
  add_sacrum(scene, patient);
  for (const bool left : {true, false}) add_femur(scene, patient, left);
}

}  // namespace renderfm::phantom
