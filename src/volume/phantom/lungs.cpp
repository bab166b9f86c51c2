// Lungs: lobes and their fissures, arteries, veins and bronchi, the trachea.
#include <algorithm>
#include <cmath>

#include "volume/phantom/parts.h"
#include "volume/phantom/pathology.h"

namespace renderfm::phantom {
namespace {

// Negative in the lower lobe: behind and below the oblique fissure, slightly curved.
float oblique_fissure(Vec3f p, bool left) {
  const Vec3f normal = normalised(Vec3f{0, -0.74f, 0.67f});
  const Vec3f on{0, 78, left ? 206.0f : 200.0f};
  const float side = std::abs(p.x) - 70;
  return dot(p - on, normal) + side * side / 700 + 3;
}
// Negative below the horizontal fissure, which parts the right middle lobe from the upper one.
float horizontal_fissure(Vec3f p) {
  const float side = (-p.x - 70) / 10;
  return p.z - 132 + 0.06f * p.y - 0.25f * side * side;
}

Material parenchyma(const Patient& patient) {
  const float base = patient.lung_hu;
  return [base](Vec3f p, float depth, const NoiseTile& noise) {
    // Denser where the patient lies on it, and towards the pleura.
    const float gravity = 38 * smooth_step(-20, 95, p.y);
    const float rim = 25 * smooth_step(4, 0, depth);
    return base + gravity + rim + 45 * noise(p, 7) + 55 * noise(p, 2.6f);
  };
}

constexpr Vec3f hilum(bool left) { return left ? Vec3f{41, 16, 152} : Vec3f{-37, 16, 150}; }

// Cuts `name` out of the lobe called `whole` where `part` is negative, a fissure between them.
void split_lobe(Scene& scene, std::string_view whole, std::string_view name, bool left,
                const Distance& part) {
  Shape lobe;
  lobe.label = organ(name);
  lobe.pieces.push_back({lung_box(left), part, 0});
  lobe.only_on.set(organ(whole));
  Shape fissure;
  fissure.material = even(-640);
  fissure.pieces.push_back({lung_box(left), [part](Vec3f q) { return std::abs(part(q)) - 0.35f; }, 0});
  fissure.only_on.set(organ(whole)).set(organ(name));
  scene.push_back(std::move(lobe));
  scene.push_back(std::move(fissure));
}

void add_lobes(Scene& scene, const Patient& patient) {
  const Patient* p = &patient;
  for (const bool left : {true, false}) {
    Shape lung;
    // After a right upper lobectomy the middle lobe takes its place.
    const bool lobectomy = !left && patient.lacks(Resection::kLungLobe);
    const std::string_view whole = left        ? "lung_upper_lobe_left"
                                   : lobectomy ? "lung_middle_lobe_right"
                                               : "lung_upper_lobe_right";
    lung.label = organ(whole);
    lung.material = parenchyma(patient);
    lung.pieces.push_back({lung_box(left), [p, left](Vec3f q) { return p->lung(q, left); }, 0});
    scene.push_back(std::move(lung));
    split_lobe(scene, whole, left ? "lung_lower_lobe_left" : "lung_lower_lobe_right", left,
               [left](Vec3f q) { return oblique_fissure(q, left); });
  }
  if (!patient.lacks(Resection::kLungLobe)) {
    split_lobe(scene, "lung_upper_lobe_right", "lung_middle_lobe_right", false, horizontal_fissure);
  }
}

// Paints vessels or airways inside one lung without changing the labels there.
Shape inside_lung(std::vector<Primitive> pieces, Material material, bool left) {
  Shape shape;
  shape.material = std::move(material);
  shape.pieces = std::move(pieces);
  for (const char* lobe : {"upper_lobe", "lower_lobe"}) {
    shape.only_on.set(organ(std::string("lung_") + lobe, left));
  }
  if (!left) shape.only_on.set(organ("lung_middle_lobe_right"));
  return shape;
}

void add_lung_trees(Scene& scene, const Patient& patient, bool left) {
  const Patient* p = &patient;
  const Distance inside = [p, left](Vec3f q) { return p->lung(q, left); };
  Pcg32 rng = Pcg32::from(patient.seed, 0x1B6, left ? 1 : 2);
  const Vec3f outwards{left ? 1.0f : -1.0f, 0, 0};
  const Vec3f root = hilum(left);
  const auto tree = [&](int count, Vec3f offset, float radius, float least) {
    return grow_tree(points_inside(inside, lung_box(left), 4, count, rng),
                     {root + offset, outwards, radius, least}, rng);
  };
  scene.push_back(inside_lung(tree(1300, {0, -3, 3}, 8.5f, 0.62f), even(patient.hu.pulmonary_artery), left));
  scene.push_back(inside_lung(tree(1000, {0, -9, -16}, 7.5f, 0.62f), even(patient.hu.pulmonary_vein), left));

  auto lumen = tree(110, {0, 5, 2}, 6.0f, 1.2f);
  std::vector<Primitive> wall;
  for (const Primitive& piece : lumen) {
    wall.push_back({piece.box.grown(1.1f), [d = piece.distance](Vec3f q) { return d(q) - 1.1f; }, 0});
  }
  scene.push_back(inside_lung(std::move(wall), even(-60, 30), left));
  scene.push_back(inside_lung(std::move(lumen), even(-985), left));
}

}  // namespace

Box lung_box(bool left) {
  Box box;
  box.add(Vec3f{left ? -12.0f : -145.0f, -115, -75});
  box.add(Vec3f{left ? 145.0f : 12.0f, 110, 270});
  return box;
}

void add_lungs(Scene& scene, const Patient& patient) {
  add_lobes(scene, patient);
  add_effusions(scene, patient);
  for (const bool left : {true, false}) add_lung_trees(scene, patient, left);
  add_lung_lesions(scene, patient);

  // Trachea and main bronchi, wall first.
  const Vec3f carina{0, 18, 184};
  std::vector<Primitive> lumen, wall;
  for (const float extra : {1.7f, 0.0f}) {
    auto& pieces = extra > 0 ? wall : lumen;
    add_tube(pieces,
             {{{0, -3, 300}, 8.6f + extra},
              {{-1, 3, 250}, 8.6f + extra},
              {{-3, 13, 205}, 8.6f + extra},
              {carina, 8.0f + extra}},
             0, 6);
    for (const bool left : {true, false}) {
      const Vec3f end = hilum(left) + Vec3f{left ? 2.0f : -2.0f, 5, 2};
      add_tube(pieces,
               {{carina, 6.6f + extra},
                {mix(carina, end, 0.5f) + Vec3f{0, 1, 3}, 6.3f + extra},
                {end, 6.0f + extra}},
               3, 5);
    }
  }
  Shape airway_wall, airway;
  airway_wall.label = organ("trachea");
  airway_wall.material = even(30, 12);
  airway_wall.pieces = std::move(wall);
  airway.label = organ("trachea");
  airway.material = even(-990);
  airway.pieces = std::move(lumen);
  scene.push_back(std::move(airway_wall));
  scene.push_back(std::move(airway));
}

}  // namespace renderfm::phantom
