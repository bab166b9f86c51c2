// Ribs, costal cartilages, sternum, shoulder girdle and the upper pelvis.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "volume/phantom/parts.h"

namespace renderfm::phantom {
namespace {

constexpr float kDegree = 3.14159265f / 180;

float sternum_x(float z) {  // half-width
  static const Profile width(
      {{68, 5}, {84, 9}, {98, 15}, {115, 19}, {150, 17}, {185, 14}, {200, 20}, {216, 27}, {228, 28}});
  return width(z);
}

Vec3f sternum_at(const Patient& patient, float z) { return patient.on_trunk(180 * kDegree, z, -3); }

Material rib_material(const Patient& patient) {
  return bone(780 * patient.bone_density, 260 * patient.bone_density, 1.2f);
}

struct RibPlan {
  float end_angle;  // degrees from the spine where bone gives way to cartilage
  float drop;       // mm from the spine to that end
  float half_width;
};
constexpr RibPlan kRibs[13] = {{0, 0, 0},        {150, 34, 6.5f},  {152, 54, 6},     {153, 70, 6.2f},
                               {153, 90, 6.4f},  {152, 107, 6.6f}, {149, 121, 6.8f}, {144, 131, 6.8f},
                               {136, 134, 6.6f}, {126, 130, 6.4f}, {114, 118, 6.2f}, {93, 96, 5.6f},
                               {58, 58, 4.8f}};

// Centre line of the left rib n from the vertebra to its front end, on the trunk surface beyond the angle.
std::vector<BarKnot> rib_line(const Patient& patient, int n) {
  const RibPlan& plan = kRibs[n];
  const Vec3f body = patient.spine(patient.vertebra_z(n));
  const float drop = plan.drop * patient.rib_drop;
  const float half_thick = n == 1 ? 3.2f : 3.6f;
  std::vector<BarKnot> line;
  const float joint_y = n >= 11 ? 6.0f : 9.0f;
  line.push_back({body + Vec3f{17, joint_y, n == 1 ? 2.0f : 4.0f}, {0, -1, 0}, 4.2f, 4.8f});
  line.push_back({body + Vec3f{31, joint_y + 11, 1}, {0.35f, 0.94f, 0}, 3.3f, 4.8f});
  const float start = n == 1 ? 55 : 33;  // the angle of the rib
  const float steps = 11;
  const float at_angle =
      n == 12 ? 0.5f : (n == 11 ? 0.25f : 0.14f);  // share of the fall reached at the angle
  if (n >= 2) {
    // Behind the lung the neck already lies on the trunk: a straight way to the angle would cut through it.
    const Vec3f p = patient.on_trunk(0.78f * start * kDegree, body.z - 0.6f * drop * at_angle);
    line.push_back({p, patient.trunk_normal(p), half_thick, 5});
  }
  for (int i = 0; i <= 11; ++i) {
    const float t = static_cast<float>(i) / steps;
    const float angle = mix(start, plan.end_angle, t);
    // Slow at the back, then steady, flattening towards the front as the ribs meet their cartilages.
    const float fall = mix(at_angle, 1.0f, mix(t, smooth_step(0, 1, t), 0.35f));
    const float z = body.z - drop * fall;
    Vec3f p = patient.on_trunk(angle * kDegree, z);
    Vec3f normal = patient.trunk_normal(p);
    if (n <= 2) normal = normalised(normal + Vec3f{0, 0, n == 1 ? 1.1f : 0.5f});
    const float end = smooth_step(0, 0.15f, t) * (n >= 11 ? 1 - 0.4f * t : 1.0f);
    line.push_back({p, normal, half_thick, mix(5.2f, plan.half_width, end)});
  }
  return line;
}

void add_ribs(Scene& scene, const Patient& patient, Shape& cartilage) {
  std::vector<BarKnot> above;  // cartilage of the rib above, from rib to sternum
  for (int n = 1; n <= 12; ++n) {
    auto line = rib_line(patient, n);
    for (const bool left : {true, false}) {
      auto side = line;
      if (!left) {
        for (auto& k : side) k.point = mirrored(k.point), k.normal = mirrored(k.normal);
      }
      Shape rib;
      rib.label = organ(fmt::format("rib_{}_{}", left ? "left" : "right", n));
      rib.material = rib_material(patient);
      add_bar(rib.pieces, side, 0, 5);
      scene.push_back(std::move(rib));
    }
    if (n > 10) continue;

    // True ribs reach the sternum, 8 to 10 the cartilage above; from the 5th they turn upwards on the way.
    static constexpr float kNotch[8] = {0, 222, 189, 168, 149, 130, 113, 101};
    const BarKnot end = line.back();
    const Vec3f forward = normalised(line.back().point - line[line.size() - 2].point);
    std::vector<BarKnot> path{{end.point - forward * 2.0f, end.normal, 3.8f, end.half_width}};
    if (n <= 7) {
      const Vec3f centre = sternum_at(patient, kNotch[n]);
      const Vec3f notch = centre + Vec3f{sternum_x(kNotch[n]) - 1, 2, 0};
      const float reach = norm(notch - end.point);
      if (reach > 25) {
        const Vec3f low = end.point + forward * (0.3f * reach);
        const float z = mix(low.z, notch.z, 0.12f);
        const float angle = mix(kRibs[n].end_angle, 180, 0.3f);
        path.push_back({patient.on_trunk(angle * kDegree, z), end.normal, 4.2f, 6});
        const Vec3f between =
            patient.on_trunk(mix(kRibs[n].end_angle, 180, 0.62f) * kDegree, mix(low.z, notch.z, 0.55f));
        path.push_back({between, patient.trunk_normal(between), 4.2f, 5.8f});
      }
      path.push_back({notch, {0.1f, -1, 0}, 4, 5});
    } else {
      // Joins where the cartilage above has turned, a rib's height below it.
      const BarKnot& goal = above[above.size() >= 3 ? 2 : 1];
      const float angle = std::atan2(std::abs(goal.point.x), -goal.point.y);
      const float end_angle = kRibs[n].end_angle * kDegree;
      const float goal_angle = 180 * kDegree - angle;
      const float mid_z = mix(end.point.z - 5, goal.point.z - 12, 0.45f);
      const Vec3f middle = patient.on_trunk(mix(end_angle, goal_angle, 0.5f), mid_z);
      path.push_back({middle, patient.trunk_normal(middle), 3.8f, 5.2f});
      path.push_back({goal.point + Vec3f{2, 0, -7}, goal.normal, 3.6f, 4.2f});
    }
    above = path;
    for (const float s : {1.0f, -1.0f}) {
      auto side = path;
      for (auto& k : side) k.point.x *= s, k.normal.x *= s;
      add_bar(cartilage.pieces, side, 0, 5);
    }
  }
}

void add_sternum(Scene& scene, const Patient& patient) {
  Shape sternum;
  sternum.label = organ("sternum");
  sternum.material = bone(520 * patient.bone_density, 150 * patient.bone_density, 1.2f);
  std::vector<BarKnot> line;
  for (const float z : {228.0f, 220.0f, 208.0f, 198.0f, 186.0f, 168.0f, 150.0f, 132.0f, 115.0f, 101.0f, 92.0f,
                        80.0f, 70.0f}) {
    line.push_back({sternum_at(patient, z), {0, -1, 0.2f}, z > 100 ? 5.6f : 3.6f, sternum_x(z)});
  }
  // Bars end in half-discs as wide as they are; flatten the manubrium's top and round the rest.
  add_bar(sternum.pieces, line, 0, 3);
  const Vec3f top = sternum_at(patient, 228);
  Primitive jugular = tube_segment({top + Vec3f{0, -20, 26}, 27}, {top + Vec3f{0, 20, 26}, 27});
  Primitive above{{}, [top](Vec3f p) { return top.z + 6 - p.z; }, 0};
  above.box.add(top + Vec3f{-60, -30, 4});
  above.box.add(top + Vec3f{60, 30, 60});
  sternum.carved = {jugular, above};
  sternum.carve_blend_mm = 3;
  scene.push_back(std::move(sternum));
}

void mirror_into(std::vector<BarKnot>& knots, float side) {
  for (auto& k : knots) k.point.x *= side, k.normal.x *= side;
}

void add_shoulder(Scene& scene, const Patient& patient, bool left) {
  const float s = left ? 1.0f : -1.0f;
  const auto place = [&](float x, float y, float z) { return Vec3f{s * x, y, z}; };
  const Material dense = bone(850 * patient.bone_density, 280 * patient.bone_density, 1.7f);

  const Vec3f manubrium = sternum_at(patient, 226);
  Shape clavicle;
  clavicle.label = organ("clavicula", left);
  clavicle.material = dense;
  std::vector<Knot> shaft{{manubrium + Vec3f{s * 25, 1, 3}, 8.5f},
                          {manubrium + Vec3f{s * 48, -3, 10}, 6.2f},
                          {place(88, -27, 246), 5.6f},
                          {place(116, -3, 254), 5.6f},
                          {place(140, 14, 257), 6.5f}};
  for (Knot& k : shaft) k.point = patient.under_muscle(k.point, k.radius + 2);
  add_tube(clavicle.pieces, shaft, 0, 3);
  scene.push_back(std::move(clavicle));

  // The blade: a fan of bars from the medial border to the lateral one, over the ribs.
  Shape scapula;
  scapula.label = organ("scapula", left);
  scapula.material = bone(700 * patient.bone_density, 300 * patient.bone_density, 1.4f);
  const float gap = 14;
  const Vec3f upper = patient.on_trunk(43 * kDegree, 228, gap),
              lower = patient.on_trunk(46 * kDegree, 122, gap);
  const Vec3f glenoid{134, 32, 222};
  std::vector<BarKnot> medial, lateral, ridge;
  const auto outwards = [&](Vec3f p) {  // never into the ribs
    const float d = patient.trunk(p);
    return d < gap ? p + patient.trunk_normal(p) * (gap - d) : p;
  };
  const int rows = 26;
  for (int r = 0; r <= rows; ++r) {
    const float t = static_cast<float>(r) / rows;
    const float bow = t * (1 - t);
    Vec3f inner = outwards(mix(lower, upper, t) + Vec3f{-10 * bow, 0, 0});
    const Vec3f neck = glenoid + Vec3f{-9, 4, 0};
    Vec3f outer = t < 0.86f ? mix(lower, neck, t / 0.86f) + Vec3f{-16 * bow, 4 * bow, 0}
                            : mix(neck, upper + Vec3f{22, -12, 12}, (t - 0.86f) / 0.14f * 0.6f);
    outer = outwards(outer);
    std::vector<BarKnot> row;
    for (int i = 0; i <= 3; ++i) {
      const Vec3f p = patient.under_muscle(outwards(mix(inner, outer, static_cast<float>(i) / 3)), 4.5f);
      row.push_back({p, patient.trunk_normal({p.x * 0.8f, p.y, std::min(p.z, 200.0f)}), 1.6f, 5.5f});
    }
    mirror_into(row, s);
    add_bar(scapula.pieces, row, 0, 8);
    inner = patient.under_muscle(inner, 4.5f);
    outer = patient.under_muscle(outer, 6.5f);
    medial.push_back({inner, {1, 0, 0}, 2.8f, 2.8f});
    if (t < 0.87f) lateral.push_back({outer, {1, 0, 0}, 4.6f, 4.6f});
  }
  mirror_into(medial, s);
  mirror_into(lateral, s);
  add_bar(scapula.pieces, medial, 2, 6);
  add_bar(scapula.pieces, lateral, 3, 6);
  // Spine and acromion, standing off the blade; glenoid and coracoid.
  const Vec3f root = outwards(mix(lower, upper, 0.74f));
  const std::vector<Vec3f> crest{
      root, root + Vec3f{22, 6, 7}, {118, 62, 243}, {142, 44, 256}, {150, 22, 258}};
  for (std::size_t i = 0; i < crest.size(); ++i) {
    const float thick = i < 3 ? 3.2f : 4.2f;
    ridge.push_back({patient.under_muscle(crest[i], 8),
                     {0, i < 3 ? 0.5f : 0.1f, 0.9f},
                     thick,
                     i == 0 ? 4.0f : (i < 3 ? 7.0f : 10.0f)});
  }
  mirror_into(ridge, s);
  add_bar(scapula.pieces, ridge, 3, 5);
  const auto blended = [&](Primitive piece) {
    piece.blend_mm = 5;
    scapula.pieces.push_back(std::move(piece));
  };
  const Vec3f socket{s * glenoid.x, glenoid.y, glenoid.z};
  blended(ellipsoid(socket, {8, 11, 17}));
  blended(tube_segment({socket, 8}, {mix(socket, Vec3f{s * root.x, root.y, root.z}, 0.45f), 4}));
  blended(tube_segment({socket + Vec3f{-s * 4, -4, 14}, 6}, {place(124, 0, 244), 5.5f}));
  blended(tube_segment({place(124, 0, 244), 5.5f}, {place(130, -14, 236), 4.5f}));
  scapula.carved.push_back(ellipsoid(place(158, 22, 226), {25, 25, 25}));
  scene.push_back(std::move(scapula));

  Shape humerus;
  humerus.label = organ("humerus", left);
  humerus.material = bone(950 * patient.bone_density, 210 * patient.bone_density, 2.2f);
  humerus.pieces.push_back(ellipsoid(place(158, 21, 226), {22, 22, 22}));
  add_tube(humerus.pieces,
           {{place(161, 17, 238), 18}, {place(161, 10, 258), 12.5f}, {place(160, 2, 290), 11.5f}}, 4, 6);
  scene.push_back(std::move(humerus));
}

}  // namespace

void add_skeleton(Scene& scene, const Patient& patient) {
  add_pelvic_bones(scene, patient);
  Shape cartilage;
  cartilage.label = organ("costal_cartilages");
  cartilage.material = even(120, 14, 4);
  Scene ribs;
  add_ribs(ribs, patient, cartilage);
  scene.push_back(std::move(cartilage));  // under the ribs, whose ends it cups
  for (Shape& rib : ribs) scene.push_back(std::move(rib));
  add_sternum(scene, patient);
  for (const bool left : {true, false}) add_shoulder(scene, patient, left);
}

}  // namespace renderfm::phantom
