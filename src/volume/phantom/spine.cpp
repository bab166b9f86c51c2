// Vertebrae C7 to S1 with their processes, discs, canal and cord.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "volume/phantom/parts.h"

namespace renderfm::phantom {
namespace {

std::string vertebra_name(int v) {
  if (v == kC7) return "vertebrae_C7";
  if (v == kS1) return "vertebrae_S1";
  return v <= kT12 ? fmt::format("vertebrae_T{}", v) : fmt::format("vertebrae_L{}", v - kT12);
}

// Sizes that change smoothly from C7 to S1.
struct Measures {
  float width, depth;      // half, of the body
  float canal;             // radius
  float transverse_reach;  // from the midline
  float transverse_back, transverse_rise;
  float spinous_length, spinous_drop, spinous_height;
};

Measures measures(int v) {
  static const Profile width({{0, 14}, {1, 15}, {4, 14}, {8, 15.5f}, {12, 20}, {15, 23}, {18, 27}});
  static const Profile depth({{0, 9}, {4, 12}, {8, 14.5f}, {12, 16}, {15, 17}, {18, 17}});
  // Profiles are tables in steps of 1, so the vertebra's number serves as the abscissa.
  static const Profile reach(
      {{0, 30}, {1, 37}, {4, 33}, {9, 31}, {11, 25}, {12, 22}, {13, 34}, {15, 45}, {17, 42}, {18, 40}});
  static const Profile back({{0, 4}, {1, 12}, {6, 17}, {10, 16}, {12, 9}, {13, 3}, {18, 0}});
  static const Profile rise({{0, 0}, {1, 3}, {10, 3}, {12, 0}, {13, 1}, {17, 4}, {18, 0}});
  static const Profile length({{0, 34}, {1, 32}, {6, 27}, {10, 25}, {12, 23}, {15, 26}, {17, 21}, {18, 12}});
  static const Profile drop({{0, 8}, {2, 16}, {5, 32}, {8, 34}, {10, 22}, {12, 8}, {13, 5}, {18, 5}});
  static const Profile height({{0, 4.5f}, {6, 4.5f}, {10, 6}, {12, 9}, {15, 12}, {17, 9}, {18, 5}});
  const float x = static_cast<float>(v);
  return {width(x), depth(x), mix(8.0f, 10.5f, smooth_step(8, 17, x)), reach(x), back(x), rise(x), length(x),
          drop(x),  height(x)};
}

void add_vertebra(Scene& scene, const Patient& patient, int v) {
  const Measures m = measures(v);
  const Vec3f centre = patient.spine(patient.vertebra_z(v)), up = patient.spine_up(centre.z);
  const Vec3f lateral{1, 0, 0}, back = normalised(cross(up, lateral));
  const auto at = [&](float x, float y, float z) { return centre + lateral * x + back * y + up * z; };
  const float half_height = 0.5f * patient.vertebra_height(v);

  Shape shape;
  shape.label = organ(vertebra_name(v));
  shape.material = bone(620 * patient.bone_density, 190 * patient.bone_density, 1.3f);
  auto& pieces = shape.pieces;
  pieces.push_back(oval_drum(centre, {m.width, m.depth, half_height}, 2.2f, 1.8f, axes_along(up, lateral)));

  const float arch_y = m.depth + m.canal;  // the canal's centre
  const float lamina_y = arch_y + m.canal + 1.5f;
  const bool lumbar = v >= kL1;
  const float stout = lumbar ? 1.25f : 1;
  for (const float s : {-1.0f, 1.0f}) {
    const float pillar_x = s * (m.canal + 4.5f * stout);
    const Vec3f pillar = at(pillar_x, arch_y + 1, 3);
    const auto add = [&](Primitive piece, float blend) {
      piece.blend_mm = blend;
      pieces.push_back(std::move(piece));
    };
    add(bar_segment({at(s * (m.width - 6), m.depth - 4, 4), lateral, 3.6f * stout, 6 * stout},
                    {pillar, lateral, 3.8f * stout, 6 * stout}),
        4);
    // Articular pillar: the superior process stands before the inferior one of the vertebra above.
    add(tube_segment({pillar, 4.6f * stout}, {at(pillar_x, arch_y, half_height + 4), 4.0f * stout}), 3);
    add(tube_segment({pillar, 4.6f * stout},
                     {at(pillar_x * 0.85f, lamina_y + 1, -half_height - 3), 3.8f * stout}),
        3);
    add(bar_segment({at(pillar_x, arch_y + 4, 0), back, 3.2f, 7}, {at(0, lamina_y + 3, -3), back, 3.2f, 8}),
        3);
    const float tip_x = s * m.transverse_reach;
    if (lumbar) {
      add(bar_segment({pillar, back, 4, 6},
                      {at(tip_x, arch_y - 3 + m.transverse_back, m.transverse_rise + 2), back, 2.4f, 5}),
          4);
    } else {
      const Vec3f tip = at(tip_x, arch_y + m.transverse_back, 3 + m.transverse_rise);
      add(tube_segment({pillar, 4.8f}, {tip, 3.9f}), 4);
      add(ellipsoid(tip, {5, 4.6f, 5.4f}), 3);
    }
  }
  const Vec3f spinous = at(0, lamina_y + 2, -2);
  Vec3f tip = at(0, lamina_y + m.spinous_length, -m.spinous_drop);
  tip.y -= std::max(patient.muscle_wall(tip) + 5, 0.0f);  // just under the fat
  add_bar(pieces,
          {{spinous, lateral, 3.2f, m.spinous_height + 2},
           {mix(spinous, tip, 0.5f), lateral, 2.4f, m.spinous_height},
           {tip, lateral, 3.6f, m.spinous_height * 0.9f}},
          3, 8);
  if (v == kS1) {  // the wings of the sacrum
    for (const float s : {-1.0f, 1.0f}) {
      Primitive wing =
          bar_segment({at(s * 18, 8, 2), up, 13, 15}, {at(s * 46 * patient.flare, 24, -4), up, 14, 13});
      wing.blend_mm = 8;
      pieces.push_back(std::move(wing));
    }
  }
  shape.carved.push_back(tube_segment({at(0, arch_y, 26), m.canal}, {at(0, arch_y, -26), m.canal}));
  shape.carve_blend_mm = 1.5f;
  scene.push_back(std::move(shape));
}

}  // namespace

void add_spine(Scene& scene, const Patient& patient) {
  // Discs first: the end plates are painted over them.
  Shape discs;
  discs.label = 204;
  discs.material = even(85, 8);
  for (int v = kC7; v < kS1; ++v) {
    const float z = 0.5f * (patient.vertebra_z(v) + patient.vertebra_z(v + 1));
    const Measures m = measures(v + 1);
    const float height = 0.5f * (patient.vertebra_z(v) - patient.vertebra_z(v + 1) -
                                 0.5f * (patient.vertebra_height(v) + patient.vertebra_height(v + 1))) +
                         2;
    discs.pieces.push_back(oval_drum(patient.spine(z), {m.width + 0.5f, m.depth + 0.5f, height}, 1.5f, -0.8f,
                                     axes_along(patient.spine_up(z), {1, 0, 0})));
  }
  scene.push_back(std::move(discs));

  // The canal's walls are bone only at the arches; between them ligaments close it.
  std::vector<Knot> canal;
  for (int v = kC7; v <= kS1; ++v) {
    const Measures m = measures(v);
    const Vec3f centre = patient.spine(patient.vertebra_z(v));
    const Vec3f back = normalised(cross(patient.spine_up(centre.z), Vec3f{1, 0, 0}));
    canal.push_back({centre + back * (m.depth + m.canal), m.canal - 0.5f});
  }
  canal.insert(canal.begin(), {canal.front().point + Vec3f{0, -2, 20}, canal.front().radius});
  canal.push_back({canal.back().point + Vec3f{0, 12, -20}, canal.back().radius});
  Shape ligaments, fat, cord;
  ligaments.label = 204;
  ligaments.material = even(55, 8);
  fat.label = 205;
  fat.material = even(-70, 10);
  cord.label = organ("spinal_cord");
  cord.material = even(32, 4);
  const auto thicker = [&](float by) {
    auto knots = canal;
    for (Knot& k : knots) k.radius += by;
    return knots;
  };
  add_tube(ligaments.pieces, thicker(3), 0, 8);
  add_tube(fat.pieces, canal, 0, 8);
  add_tube(cord.pieces, thicker(-2.2f), 0, 8);

  scene.push_back(std::move(ligaments));
  for (int v = kS1; v >= kC7; --v) add_vertebra(scene, patient, v);
  scene.push_back(std::move(fat));
  scene.push_back(std::move(cord));
}

}  // namespace renderfm::phantom
