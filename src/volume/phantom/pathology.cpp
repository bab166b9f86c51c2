#include "volume/phantom/pathology.h"

#include <algorithm>
#include <cmath>

#include "renderfm/volume/tissue_estimator.h"

namespace renderfm::phantom {
namespace {

constexpr auto kFat = static_cast<std::uint8_t>(Tissue::kFat);
constexpr auto kSoft = static_cast<std::uint8_t>(Tissue::kSoftTissue);

// Depth of the fluid's place: it runs to the back and to the base, and climbs a little at the side wall.
float settling(Vec3f p) { return p.y + 0.1f * std::abs(p.x) - 0.12f * (p.z - 100); }

Vec3f direction(Pcg32& rng) {
  return normalised(Vec3f{rng.normal<float>(), rng.normal<float>(), rng.normal<float>() + 1e-3f});
}

void set_lobes(Shape& shape, bool left) {
  shape.only_on.set(organ("lung_upper_lobe", left)).set(organ("lung_lower_lobe", left));
  if (!left) shape.only_on.set(organ("lung_middle_lobe_right"));
}

// A knobbly ball: one large and several small ones at its surface.
std::vector<Primitive> lump(Vec3f centre, float radius, int knobs, Pcg32& rng) {
  std::vector<Primitive> pieces{ellipsoid(centre, Vec3f{radius, radius, radius} * 0.88f)};
  for (int i = 0; i < knobs; ++i) {
    const float r = radius * rng.uniform<float>(0.35f, 0.6f);
    pieces.push_back(ellipsoid(centre + direction(rng) * (radius - 0.9f * r), {r, r, r}));
    pieces.back().blend_mm = 0.4f * radius;
  }
  return pieces;
}

// Dead in the middle, alive at the rim.
Material tumour(float alive, float dead, float radius) {
  return [=](Vec3f p, float depth, const NoiseTile& noise) {
    const float core =
        smooth_step(0.3f * radius, 0.8f * radius, depth + 0.35f * radius * noise(p, 0.5f * radius));
    return mix(alive, dead, core) + 14 * noise(p, 4);
  };
}

}  // namespace

void add_effusions(Scene& scene, const Patient& patient) {
  const Patient* who = &patient;
  for (const bool left : {true, false}) {
    const auto wish_ml =
        static_cast<float>(left ? patient.traits.effusion_left_ml : patient.traits.effusion_right_ml);
    if (wish_ml <= 0) continue;
    // The level that holds the wanted volume, from a fine lattice of the pleural space.
    const Box box = lung_box(left);
    const float step = 5;
    std::vector<float> depths;
    for (float z = box.low.z; z < box.high.z; z += step) {
      for (float y = box.low.y; y < box.high.y; y += step) {
        for (float x = box.low.x; x < box.high.x; x += step) {
          if (patient.lung({x, y, z}, left) < 0) depths.push_back(settling({x, y, z}));
        }
      }
    }
    std::sort(depths.rbegin(), depths.rend());
    const float cell_ml = step * step * step * patient.size.x * patient.size.y * patient.size.z / 1000;
    // At most 70 % of the hemithorax.
    const std::size_t last = std::min(static_cast<std::size_t>(wish_ml / cell_ml),
                                      static_cast<std::size_t>(0.7f * static_cast<float>(depths.size())));
    const float level = depths[last];
    Shape collapsed, fluid;
    collapsed.material = [](Vec3f p, float depth, const NoiseTile& noise) {
      return mix(-620, 25, smooth_step(2, 17, depth)) + 60 * noise(p, 5);
    };
    collapsed.pieces.push_back({box, [level](Vec3f p) { return level - 16 - settling(p); }, 0});
    set_lobes(collapsed, left);
    scene.push_back(std::move(collapsed));
    fluid.label = kSoft;
    fluid.material = even(9, 3);
    // Three millimetres into the wall, where partial volume has mixed air: fluid leaves no dark rim.
    fluid.pieces.push_back(
        {box, [level, who, left](Vec3f p) { return std::max(level - settling(p), who->lung(p, left) - 3); },
         0});
    set_lobes(fluid, left);
    fluid.only_on.set(kFat).set(kSoft);
    scene.push_back(std::move(fluid));
  }
}

void add_lung_lesions(Scene& scene, const Patient& patient) {
  const Patient* who = &patient;
  Pcg32 rng = Pcg32::from(patient.seed, 0x10D);
  for (int i = 0; i < patient.traits.lung_nodules; ++i) {
    const bool left = rng.uniform<float>(0, 1) < 0.47f;
    const float radius = rng.uniform<float>(2.5f, 5) * rng.uniform<float>(1, 2.2f),
                kind = rng.uniform<float>(0, 1);
    const Distance inside = [who, left](Vec3f p) { return who->lung(p, left); };
    const auto at = points_inside(inside, lung_box(left), radius + 2, 1, rng);
    if (at.empty()) continue;
    Shape nodule;
    nodule.material =
        kind < 0.15f ? even(-520, 60, 4) : even(kind < 0.3f ? 320 : patient.hu.lung_tumour, 12, 3);
    nodule.pieces = lump(at[0], radius, 4, rng);
    set_lobes(nodule, left);
    scene.push_back(std::move(nodule));
  }
  if (patient.traits.lung_mass_mm > 0) {
    const bool left = rng.uniform<float>(0, 1) < 0.45f;
    const float radius = 0.5f * static_cast<float>(patient.traits.lung_mass_mm);
    const Distance inside = [who, left](Vec3f p) { return who->lung(p, left); };
    const auto at = points_inside(inside, lung_box(left), 0.55f * radius, 1, rng);
    if (at.empty()) return;
    Shape mass;
    mass.material = tumour(patient.hu.lung_tumour, 22, radius);
    mass.pieces = lump(at[0], radius, 8, rng);
    for (int i = 0; i < 26; ++i) {  // spicules
      const Vec3f way = direction(rng);
      mass.pieces.push_back(tube_segment({at[0] + way * (0.8f * radius), 1.8f},
                                         {at[0] + way * (radius + rng.uniform<float>(4, 13)), 0.4f}));
      mass.pieces.back().blend_mm = 3;
    }
    set_lobes(mass, left);
    scene.push_back(std::move(mass));
  }
}

void add_liver_lesions(Scene& scene, const Patient& patient, const Distance& liver, const Box& box) {
  Pcg32 rng = Pcg32::from(patient.seed, 0x1E5);
  for (int i = 0; i < patient.traits.liver_lesions; ++i) {
    const float kind = rng.uniform<float>(0, 1),
                radius = rng.uniform<float>(5, 12) * rng.uniform<float>(1, 2.2f);
    const auto at = points_inside(liver, box, 0.7f * radius, 1, rng);
    if (at.empty()) continue;
    Shape lesion;
    lesion.only_on.set(organ("liver"));
    if (kind < 0.4f) {  // cyst
      lesion.material = even(7, 3);
      lesion.pieces = lump(at[0], radius, 2, rng);
    } else if (kind < 0.8f) {  // metastasis: a rim that takes up a little, a dark middle
      lesion.material = tumour(patient.hu.hypovascular + 8, patient.hu.hypovascular - 22, radius);
      lesion.pieces = lump(at[0], radius, 7, rng);
    } else {
      lesion.material = even(patient.hu.hypervascular, 9, 5);
      lesion.pieces = lump(at[0], radius, 5, rng);
    }
    scene.push_back(std::move(lesion));
  }
}

void add_kidney_lesions(Scene& scene, const Patient& patient, const KidneyFrame (&frames)[2]) {
  Pcg32 rng = Pcg32::from(patient.seed, 0x41D);
  const auto side = [&] {  // 0 left, 1 right
    if (patient.lacks(Resection::kKidneyLeft)) return 1;
    if (patient.lacks(Resection::kKidneyRight)) return 0;
    return rng.uniform<float>(0, 1) < 0.5f ? 0 : 1;
  };
  // On the outer surface, away from the hilum; `out` of the radius beyond it.
  const auto place = [&](const KidneyFrame& frame, float radius, float out) {
    const float turn = rng.uniform<float>(-1.7f, 1.7f), rise = rng.uniform<float>(-1, 1);
    const float shrink = std::sqrt(std::max(1 - rise * rise, 0.15f));
    const float over = 1 + (2 * out - 1) * radius / 27;
    return frame.centre + frame.axes * Vec3f{27 * shrink * std::cos(turn) * over,
                                             24 * shrink * std::sin(turn) * over, 46 * rise};
  };
  for (int i = 0; i < patient.traits.kidney_cysts; ++i) {
    const int k = side();
    const float radius = rng.uniform<float>(5, 11) * rng.uniform<float>(1, 2);
    Shape cyst;
    cyst.label = organ("kidney_cyst", k == 0);
    cyst.material = even(6, 3);
    cyst.pieces = {ellipsoid(place(frames[k], radius, 0.65f), {radius, radius, radius})};
    cyst.only_on.set(organ("kidney", k == 0)).set(kFat);
    scene.push_back(std::move(cyst));
  }
  if (patient.traits.kidney_mass_mm > 0) {
    const int k = side();
    const float radius = 0.5f * static_cast<float>(patient.traits.kidney_mass_mm);
    Shape mass;
    mass.label = organ("kidney", k == 0);
    mass.material = tumour(patient.hu.kidney_tumour, 28, radius);
    mass.pieces = lump(place(frames[k], radius, 0.65f), radius, 8, rng);
    mass.only_on.set(organ("kidney", k == 0)).set(kFat);
    scene.push_back(std::move(mass));
  }
}

void add_plaques(Scene& scene, const std::vector<Knot>& path, std::uint8_t label, float grade, Pcg32& rng) {
  if (grade <= 0) return;
  const auto curve = smooth_path(path, 3);
  const auto count = static_cast<float>(curve.size());
  Shape plaques;
  plaques.material = [](Vec3f p, float, const NoiseTile& noise) { return 800 + 350 * noise(p, 4); };
  plaques.only_on.set(label);
  const int wanted = static_cast<int>(std::lround(grade * count * 0.75f));
  for (int i = 0; i < wanted; ++i) {
    // The end of the aorta, with the mouths of the iliac arteries, calcifies first.
    const float t = std::pow(rng.uniform<float>(0, 1), 0.6f);
    const auto at = std::min(static_cast<std::size_t>(t * (count - 2)), curve.size() - 2);
    const Vec3f along = normalised(curve[at + 1].point - curve[at].point);
    const Mat3f axes = axes_along(along, std::abs(along.x) < 0.9f ? Vec3f{1, 0, 0} : Vec3f{0, 1, 0});
    const float start = rng.uniform<float>(0, 6.2831853f), r = curve[at].radius;
    const float arc = rng.uniform<float>(0.15f, 0.5f + 0.7f * grade), drift = rng.uniform<float>(-4, 4);
    const float thick = rng.uniform<float>(0.7f, 1.1f + 0.6f * grade);
    const auto on_wall = [&](float share) {
      const float angle = start + arc * share;
      return curve[at].point + axes * Vec3f{(r - 0.8f * thick) * std::cos(angle),
                                            (r - 0.8f * thick) * std::sin(angle), drift * share};
    };
    plaques.pieces.push_back(tube_segment({on_wall(0), thick}, {on_wall(0.5f), thick}));
    plaques.pieces.push_back(tube_segment({on_wall(0.5f), thick}, {on_wall(1), 0.7f * thick}));
  }
  // Sheets, not threads: they fill their voxels.
  for (Primitive& piece : plaques.pieces) piece.radius_mm = 0;
  scene.push_back(std::move(plaques));
}

}  // namespace renderfm::phantom
