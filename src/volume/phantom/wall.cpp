// Skin, fat, muscles and the cavities that they enclose.
#include <algorithm>
#include <cmath>

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

// Muscle with strands of fat between its bundles.
Material muscular() {
  return [](Vec3f p, float, const NoiseTile& noise) {
    const Vec3f strand{p.x, p.y, p.z * 0.35f};
    const float ridge = 1 - std::abs(noise(strand, 9)) * 12;
    return 54 + 14 * noise(p, 6) - 60 * std::max(ridge, 0.0f);
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
    erector.material = muscular();
    std::vector<BarKnot> line;
    for (float z = -200; z <= 275; z += 19) {
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
    psoas.material = muscular();
    std::vector<Knot> path;
    const float places[6][4] = {{26, 2, -18, 7},   {32, 6, -62, 13},   {38, 6, -100, 18},
                                {46, 2, -135, 22}, {58, -6, -170, 24}, {74, -28, -216, 25}};
    for (const auto& q : places) {
      const Vec3f spine = patient.spine(q[2]);
      path.push_back({{s * q[0], spine.y + q[1], q[2]}, q[3]});
    }
    add_tube(psoas.pieces, path, 0, 10);
    // The iliacus lines the wing of the hip bone.
    add_tube(psoas.pieces, {{{s * 100, 26, -160}, 9}, {{s * 97, 14, -185}, 14}, {{s * 88, -4, -216}, 20}}, 8,
             10);
    scene.push_back(std::move(psoas));
  }
}

void add_gluteal_muscles(Scene& scene, const Patient& patient) {
  for (const bool left : {true, false}) {
    const float s = left ? 1.0f : -1.0f;
    const auto paint = [&](std::string_view stem, const std::vector<BarKnot>& knots) {
      Shape muscle;
      muscle.label = organ(stem, left);
      muscle.material = muscular();
      auto side = knots;
      for (auto& k : side) k.point.x *= s, k.normal.x *= s;
      add_bar(muscle.pieces, side, 0, 8);
      // Under the fat, whatever the girth.
      const Patient* owner = &patient;
      Primitive outside{{}, [owner](Vec3f p) { return 2 - owner->muscle_wall(p); }, 0};
      outside.box.add(Vec3f{-260, -200, -260});
      outside.box.add(Vec3f{260, 200, -100});
      muscle.carved.push_back(std::move(outside));
      scene.push_back(std::move(muscle));
    };
    paint("gluteus_maximus", {{{56, 90, -176}, {0.3f, 0.9f, 0}, 9, 16},
                              {{70, 92, -198}, {0.4f, 0.9f, 0}, 18, 30},
                              {{80, 92, -222}, {0.5f, 0.9f, 0}, 24, 38}});
    paint("gluteus_medius", {{{112, 38, -150}, {0.9f, 0.4f, 0}, 8, 24},
                             {{122, 26, -180}, {0.95f, 0.3f, 0}, 15, 38},
                             {{126, 16, -222}, {0.95f, 0.3f, 0}, 18, 38}});
    paint("gluteus_minimus",
          {{{112, 6, -186}, {0.95f, 0.2f, 0}, 7, 22}, {{114, 2, -222}, {0.95f, 0.2f, 0}, 10, 26}});
  }
}

}  // namespace

void add_body_wall(Scene& scene, const Patient& patient) {
  const Patient* p = &patient;
  const Box box = patient.torso_box();
  Shape skin = body_layer(kSkin, even(20), box, [p](Vec3f q) { return p->skin(q); });
  skin.inner = {2.2f, kFat, fatty(-104)};
  scene.push_back(std::move(skin));
  Shape muscles = body_layer(kMuscle, muscular(), box, [p](Vec3f q) { return p->muscle_wall(q); });
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
  add_gluteal_muscles(scene, patient);
  add_back_muscles(scene, patient);
  Shape cavity = body_layer(kFat, fatty(-98), box, [p](Vec3f q) { return p->cavity(q); });
  cavity.only_on.set(kMuscle).set(kFat).set(organ("autochthon", true)).set(organ("autochthon", false));
  for (const bool left : {true, false}) cavity.only_on.set(organ("iliopsoas", left));
  cavity.pieces[0].box = {{-150, -120, kBottomMm - 30}, {150, 110, 272}};
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
  Shape diaphragm = body_layer(kMuscle, even(55, 8), {{-150, -120, -80}, {150, 110, 130}}, [p](Vec3f q) {
    return std::max(std::abs(p->diaphragm(q)) - 1.6f, p->cavity(q));
  });
  diaphragm.only_on.set(kFat);
  scene.push_back(std::move(diaphragm));
}

}  // namespace renderfm::phantom
