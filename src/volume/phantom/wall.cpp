// Skin, fat, muscles and the cavities that they enclose.
#include <algorithm>
#include <cmath>
#include <memory>

#include "renderfm/volume/tissue_estimator.h"
#include "volume/phantom/parts.h"

namespace renderfm::phantom {
namespace {

constexpr auto kSkin = static_cast<std::uint8_t>(Tissue::kSkin);
constexpr auto kFat = static_cast<std::uint8_t>(Tissue::kFat);
constexpr auto kMuscle = static_cast<std::uint8_t>(Tissue::kSoftTissue);

// Fat with the thin septa that run through it.
Material fatty(float hu) {
  return [=](Vec3f p, float, const NoiseTile& noise) {
    const float ridge = 1 - std::abs(noise(p, 11) + 0.5f * noise(p, 5)) * 7;
    return hu + 14 * noise(p, 4) + 42 * std::max(ridge, 0.0f);
  };
}

Shape body_layer(std::uint8_t label, Material material, const Box& box, Distance distance) {
  Shape shape;
  shape.label = label;
  shape.material = std::move(material);
  shape.pieces.push_back({box, std::move(distance), 0});
  return shape;
}

void add_back_muscles(Scene& scene, const Patient& patient) {
  for (const bool left : {true, false}) {
    const float s = left ? 1.0f : -1.0f;
    Shape erector;
    erector.label = organ("autochthon", left);
    erector.material = muscular(patient);
    std::vector<BarKnot> line;
    for (float z = -240; z <= 275; z += 19) {
      const Vec3f spine = patient.spine(z);
      const float wide = mix(17, 27, smooth_step(180, 20, z)) - 6 * smooth_step(-120, -200, z);
      const float thick = mix(11, 17, smooth_step(160, 0, z));
      // Between the spinous processes and the angles of the ribs, never out of the wall.
      Vec3f p = spine + Vec3f{8 + wide, mix(33, 42, smooth_step(200, -20, z)), 0};
      const float over = patient.muscle_wall(p) + thick + 2;
      if (over > 0) p.y -= over;
      p.x *= s;
      line.push_back({p, {s * 0.15f, 1, 0}, thick, wide});
    }
    add_bar(erector.pieces, line, 0, 20);
    scene.push_back(std::move(erector));

    Shape psoas;
    psoas.label = organ("iliopsoas", left);
    psoas.material = muscular(patient);
    std::vector<Knot> path;
    const float f = patient.flare;
    const float places[6][4] = {{26, 2, -18, 7},   {32, 6, -62, 12},   {38, 6, -100, 16},
                                {46, 2, -135, 19}, {58, -6, -170, 20}, {74, -34, -205, 19}};
    for (const auto& q : places) {
      const Vec3f spine = patient.spine(q[2]);
      path.push_back({{s * q[0], spine.y + q[1], q[2]}, q[3] * (patient.female ? 0.9f : 1.0f)});
    }
    path.push_back({{s * 86 * f, -38, -240}, 18});
    path.push_back({{s * 95 * f, -34, -272}, 15});
    path.push_back({{s * 108 * f, -8, -312}, 11});
    path.push_back({{s * 114 * f, 14, -328}, 7});
    add_tube(psoas.pieces, path, 0, 10);
    // The iliacus lines the wing of the hip bone.
    add_tube(psoas.pieces,
             {{{s * 99 * f, 26, -160}, 8}, {{s * 95 * f, 14, -185}, 13}, {{s * 90 * f, -14, -222}, 17}}, 8,
             10);
    scene.push_back(std::move(psoas));
  }
}

// Glandular tissue behind the nipple, in strands that the years turn into fat.
void add_breasts(Scene& scene, const Patient& patient) {
  const Patient::BreastShape breast = patient.breast_shape();
  const float dense = std::clamp(0.2f - 0.5f * patient.ageing - 0.005f * (patient.fat_mm - 20), -0.55f, 0.3f);
  const auto rough = std::make_shared<NoiseTile>(patient.seed + 0xB4EA57);
  Shape gland;
  gland.label = kMuscle;
  gland.only_on.set(kFat);
  gland.material = even(patient.hu.gland, 12, 5);
  for (const float s : {-1.0f, 1.0f}) {
    const Primitive body = ellipsoid(
        {s * breast.centre.x, breast.centre.y - 0.1f * breast.half.y, breast.centre.z}, breast.half * 0.8f);
    // Lobules: where a rough field exceeds a level.
    const Patient* who = &patient;
    gland.pieces.push_back({body.box,
                            [who, rough, d = body.distance, dense](Vec3f p) {
                              const float field = (*rough)(p, 13) + 0.6f * (*rough)(p, 6);
                              const float inside = smooth_max(d(p), 3 - who->muscle_wall(p), 4);
                              return std::max({inside, -11 * (field + dense), who->skin(p) + 5});
                            },
                            0});
  }
  scene.push_back(std::move(gland));
}

}  // namespace

Material muscular(const Patient& patient) {
  const float flesh = patient.hu.muscle, fat = patient.muscle_fat;
  return [=](Vec3f p, float, const NoiseTile& noise) {
    const Vec3f strand{p.x, p.y, p.z * 0.35f};
    const float ridge = 1 - std::abs(noise(strand, 9)) * 12 / fat;
    return flesh - 5 * (fat - 1) + 12 * noise(p, 6) - (22 + 24 * fat) * std::max(ridge, 0.0f);
  };
}

void add_body_wall(Scene& scene, const Patient& patient) {
  const Patient* p = &patient;
  const Box box = patient.torso_box();
  Shape skin = body_layer(kSkin, even(20), box, [p](Vec3f q) { return p->skin(q); });
  skin.inner = {2.2f, kFat, fatty(-104)};
  scene.push_back(std::move(skin));
  Shape muscles = body_layer(kMuscle, muscular(patient), box, [p](Vec3f q) { return p->muscle_wall(q); });
  muscles.only_on.set(kFat).set(kSkin);
  scene.push_back(std::move(muscles));
  // The planes of fat between the shoulder's muscles and the chest wall.
  Shape plane = body_layer(kFat, fatty(-85), box, [p](Vec3f q) {
    const float from_ribs = p->trunk(q) - 15 - 0.05f * std::abs(q.x);
    return std::max(std::abs(from_ribs) - 1.8f, p->muscle_wall(q) + 9);
  });
  plane.pieces[0].box.low.z = 95;
  plane.only_on.set(kMuscle);
  scene.push_back(std::move(plane));
  if (patient.female) add_breasts(scene, patient);
  add_back_muscles(scene, patient);
  Shape cavity = body_layer(kFat, fatty(-98), box, [p](Vec3f q) { return p->cavity(q); });
  cavity.only_on.set(kMuscle).set(kFat).set(organ("autochthon", true)).set(organ("autochthon", false));
  for (const bool left : {true, false}) cavity.only_on.set(organ("iliopsoas", left));
  cavity.pieces[0].box = {{-165, -165, -350}, {165, 110, 272}};
  scene.push_back(std::move(cavity));
  // Psoas and iliacus bulge into the cavity that was just emptied.
  Scene again;
  add_back_muscles(again, patient);
  for (Shape& shape : again) {
    if (shape.label == organ("iliopsoas", true) || shape.label == organ("iliopsoas", false)) {
      scene.push_back(std::move(shape));
    }
  }
  // The diaphragm: three millimetres under the lungs.
  Shape diaphragm = body_layer(kMuscle, even(55, 8), {{-150, -145, -80}, {150, 110, 160}}, [p](Vec3f q) {
    return std::max(std::abs(p->diaphragm(q)) - 1.6f, p->cavity(q));
  });
  diaphragm.only_on.set(kFat);
  scene.push_back(std::move(diaphragm));
}

}  // namespace renderfm::phantom
