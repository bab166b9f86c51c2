#include "volume/phantom/patient.h"

#include <algorithm>
#include <cmath>

#include "renderfm/core/parallel.h"
#include "renderfm/math/rng.h"

namespace renderfm::phantom {
namespace {

// Superellipse exponent of the trunk's section: between an ellipse and a rounded box.
constexpr float kPower = 2.5f;
constexpr float kTableCell = 6;

// Centres of C7, T1..T12, L1..L5, S1 for an average adult.
constexpr float kVertebraZ[19] = {277, 259, 239, 219, 198, 176, 153,  130,  106, 81,
                                  55,  28,  0,   -31, -65, -99, -135, -170, -203};

float power_of_absolute(float x) {  // |x|^2.5
  const float a = std::abs(x);
  return a * a * std::sqrt(a);
}
float slope_of_power(float x) {  // d|x|^2.5/dx
  const float a = std::abs(x);
  return std::copysign(kPower * a * std::sqrt(a), x);
}

float capsule(Vec3f p, Vec3f a, Vec3f b, float radius_a, float radius_b) {
  const Vec3f along = b - a, q = p - a;
  const float t = std::clamp(dot(q, along) / dot(along, along), 0.0f, 1.0f);
  return norm(q - along * t) - mix(radius_a, radius_b, t);
}

}  // namespace

Patient::Patient(std::uint64_t seed_, const PhantomTraits& traits_)
    : seed(seed_),
      traits(traits_),
      hu(enhancement(traits_.phase, seed_)),
      female(traits_.sex == Sex::kFemale) {
  Pcg32 rng = Pcg32::from(seed_, 0xA11CE);
  const auto draw = [&](float low, float high) { return rng.uniform<float>(low, high); };
  const float height_cm = static_cast<float>(traits.height_cm),
              bmi = static_cast<float>(traits.weight_kg) / (height_cm * height_cm * 1e-4f),
              age = static_cast<float>(traits.age_years);
  // The canonical body is a man of 174 cm; of the same height, women have the longer trunk.
  const float stature = height_cm / 174 * (female ? 1.025f : 1.0f);
  const float frame = std::pow(stature, 0.6f) * std::clamp(std::pow(bmi / 25, 0.12f), 0.93f, 1.09f) *
                      draw(0.97f, 1.03f) * (female ? 0.955f : 1.0f);
  size = {frame, frame * draw(0.97f, 1.03f), stature};
  fat_mm = std::clamp((female ? 9.0f : 6.0f) + (female ? 1.9f : 1.45f) * (bmi - 18), 4.0f, 52.0f) *
           draw(0.85f, 1.15f);
  belly_mm = std::clamp((female ? 1.5f : 2.4f) * (bmi - 23) + 0.12f * (age - 45), -10.0f, 45.0f);
  flare = female ? 1.09f : 1.0f;
  ageing = std::clamp((age - 30) / 50, -0.2f, 1.3f);
  muscle_fat = std::clamp(0.55f + 0.8f * ageing + 0.02f * (bmi - 25), 0.3f, 2.2f);
  // Peak at 30; women lose more after the menopause.
  bone_density =
      (1.1f - 0.2f * ageing - (female ? 0.12f * smooth_step(48, 75, age) : 0.0f)) * draw(0.9f, 1.1f);
  rib_drop = draw(0.92f, 1.1f);
  heart_size = draw(0.93f, 1.1f);
  liver_size = draw(-8, 8);
  tortuosity_mm = draw(0.5f, 2.5f) + 3 * std::max(ageing, 0.0f);
  dome_shift_mm = draw(-8, 8) - 0.15f * belly_mm;
  lung_hu = draw(-865, -820) - 12 * std::max(ageing, 0.0f);
  for (float& w : wander) w = draw(-1, 1);
  const float kyphosis = draw(0.85f, 1.1f) + 0.16f * ageing, chest_depth = draw(-5, 5);

  // Waist narrow and hips wide in women, the chest the other way round.
  const float chest = female ? 0.95f : 1.0f, waist = female ? -7.0f : 0.0f, hips = female ? 9.0f : 0.0f;
  const float side = 0.3f * belly_mm;
  half_width_ = Profile({{-400, 143 + hips},
                         {-345, 152 + hips},
                         {-300, 154 + hips},
                         {-255, 152 + hips},
                         {-215, 150 + 0.7f * hips},
                         {-170, 143 + 0.3f * hips + side},
                         {-135, 134 + waist + side},
                         {-95, 130 + waist + side},
                         {-60, 131 + 0.7f * waist + side},
                         {-20, 136 * chest + 0.5f * side},
                         {20, 139 * chest},
                         {60, 139 * chest},
                         {110, 134 * chest},
                         {160, 124 * chest},
                         {200, 108 * chest},
                         {230, 87 * chest},
                         {250, 67},
                         {265, 54},
                         {285, 46}});
  front_ = Profile({{-400, -84},
                    {-345, -80},
                    {-300, -75},
                    {-255, -80 - 0.3f * belly_mm},
                    {-215, -88 - 0.8f * belly_mm},
                    {-150, -98 - belly_mm},
                    {-100, -103 - belly_mm},
                    {-50, -106 - 0.8f * belly_mm},
                    {0, -107 - 0.4f * belly_mm},
                    {50, -105 - chest_depth},
                    {95, -99 - chest_depth},
                    {150, -86 - chest_depth},
                    {187, -73 - chest_depth},
                    {225, -52},
                    {250, -32},
                    {265, -20},
                    {285, -14}});
  back_ = Profile({{-400, 72},
                   {-345, 92},
                   {-300, 104},
                   {-260, 102},
                   {-215, 92},
                   {-150, 78},
                   {-100, 76},
                   {-50, 80},
                   {0, 87},
                   {50, 94},
                   {100, 99},
                   {150, 100},
                   {200, 92},
                   {230, 79},
                   {265, 62},
                   {285, 55}});
  const auto curve = [&](float y) { return 45 + (y - 45) * kyphosis; };
  spine_y_ = Profile({{-330, curve(66)},
                      {-305, curve(76)},
                      {-280, curve(80)},
                      {-260, curve(76)},
                      {-230, curve(60)},
                      {-203, curve(44)},
                      {-170, curve(29)},
                      {-135, curve(22)},
                      {-99, curve(24)},
                      {-65, curve(30)},
                      {-31, curve(38)},
                      {0, curve(46)},
                      {55, curve(53)},
                      {106, curve(57)},
                      {153, curve(57)},
                      {198, curve(50)},
                      {239, curve(38)},
                      {277, curve(24)},
                      {300, curve(18)}});
  wall_front_ = Profile({{-215, 8}, {-60, 7}, {20, 7}, {90, 9}, {150, 19}, {210, 15}, {250, 12}});
  wall_back_ =
      Profile({{-215, 20}, {-150, 15}, {-60, 16}, {20, 18}, {90, 21}, {150, 25}, {230, 24}, {280, 16}});
  // The cavity starts inside the ribs; below them, inside the abdominal wall.
  inner_ = Profile({{-215, 6}, {-80, 6}, {-40, 6.5f}, {0, 6.5f}, {260, 6}});
  trunk_ = tabulate(&Patient::exact_trunk);
  muscle_wall_ = tabulate(&Patient::exact_muscle_wall);
  skin_ = tabulate(&Patient::exact_skin);
  cavity_ = tabulate(&Patient::exact_cavity);
}

float Patient::vertebra_z(int v) const { return kVertebraZ[v]; }

float Patient::vertebra_height(int v) const {
  const float pitch = v == kS1 ? 34 : (v == 0 ? 18 : 0.5f * (kVertebraZ[v - 1] - kVertebraZ[v + 1]));
  const float disc =
      mix(4, 9.5f, smooth_step(3, 17, static_cast<float>(v))) * (1 - 0.25f * std::max(ageing, 0.0f));
  return pitch - disc;
}

Vec3f Patient::spine_up(float z) const { return normalised(spine(z + 12) - spine(z - 12)); }

float Patient::exact_trunk(Vec3f p) const {
  const float a = half_width_(p.z), front = front_(p.z), back = back_(p.z);
  const float b = 0.5f * (back - front), y = p.y - 0.5f * (back + front);
  const float u = p.x / a, v = y / b;
  const float sum = power_of_absolute(u) + power_of_absolute(v);
  if (sum < 1e-4f) return -std::min(a, b);
  const float k = std::pow(sum, 1 / kPower);
  // k is homogeneous of degree 1, so (k - 1) / |grad k| is the distance to first order everywhere.
  const float scale = k / (kPower * sum);
  const float gx = slope_of_power(u) / a * scale, gy = slope_of_power(v) / b * scale;
  return (k - 1) / std::sqrt(gx * gx + gy * gy);
}

float Patient::trunk(Vec3f p) const { return trunk_.at(p); }
float Patient::muscle_wall(Vec3f p) const { return muscle_wall_.at(p); }
float Patient::skin(Vec3f p) const { return skin_.at(p); }
float Patient::cavity(Vec3f p) const { return cavity_.at(p); }

Patient::Table Patient::tabulate(float (Patient::*function)(Vec3f) const) const {
  const Box box = torso_box().grown(36);
  Table table;
  table.low = box.low;
  for (int a = 0; a < 3; ++a) table.count[a] = static_cast<int>((box.high[a] - box.low[a]) / kTableCell) + 2;
  const std::int64_t plane = static_cast<std::int64_t>(table.count[0]) * table.count[1];
  table.values.resize(static_cast<std::size_t>(plane * table.count[2]));
  parallel_for(0, table.count[2], 4, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t k = first; k < last; ++k) {
      std::size_t n = static_cast<std::size_t>(k * plane);
      for (int j = 0; j < table.count[1]; ++j) {
        for (int i = 0; i < table.count[0]; ++i, ++n) {
          const Vec3f cell{static_cast<float>(i), static_cast<float>(j), static_cast<float>(k)};
          table.values[n] = (this->*function)(table.low + cell * kTableCell);
        }
      }
    }
  });
  return table;
}

float Patient::Table::at(Vec3f p) const {
  int cell[3];
  float t[3];
  for (int a = 0; a < 3; ++a) {
    const float x = (p[a] - low[a]) * (1 / kTableCell);
    cell[a] = std::clamp(static_cast<int>(x), 0, count[a] - 2);
    t[a] = x - static_cast<float>(cell[a]);
  }
  const std::size_t row = static_cast<std::size_t>(count[0]),
                    plane = row * static_cast<std::size_t>(count[1]);
  const float* v = &values[static_cast<std::size_t>(cell[2]) * plane +
                           static_cast<std::size_t>(cell[1]) * row + static_cast<std::size_t>(cell[0])];
  const float* w = v + plane;
  return mix(mix(mix(v[0], v[1], t[0]), mix(v[row], v[row + 1], t[0]), t[1]),
             mix(mix(w[0], w[1], t[0]), mix(w[row], w[row + 1], t[0]), t[1]), t[2]);
}

Vec3f Patient::trunk_normal(Vec3f p) const {
  const float h = 2;
  return normalised(Vec3f{exact_trunk({p.x + h, p.y, p.z}) - exact_trunk({p.x - h, p.y, p.z}),
                          exact_trunk({p.x, p.y + h, p.z}) - exact_trunk({p.x, p.y - h, p.z}),
                          exact_trunk({p.x, p.y, p.z + h}) - exact_trunk({p.x, p.y, p.z - h})});
}

Vec3f Patient::on_trunk(float angle, float z, float offset_mm) const {
  const float front = front_(z), back = back_(z);
  const auto oval = [](float c) { return std::copysign(std::pow(std::abs(c), 2 / kPower), c); };
  const Vec3f p{half_width_(z) * oval(std::sin(angle)),
                0.5f * (back + front) + 0.5f * (back - front) * oval(std::cos(angle)), z};
  return offset_mm == 0 ? p : p + trunk_normal(p) * offset_mm;
}

float Patient::exact_muscle_wall(Vec3f p) const {
  const float backness = smooth_step(-40, 60, p.y);
  const float x = std::abs(p.x);
  // No muscle lies over the sternum.
  const float front = mix(6, wall_front_(p.z), smooth_step(0, 65, x));
  float d = exact_trunk(p) - mix(front, wall_back_(p.z), backness);
  if (p.y > 30) {  // the furrow over the spinous processes, between the erector columns
    d += 5 * std::exp(-x * x / 250) * smooth_step(30, 70, p.y);
  } else if (p.z > 80 && p.z < 230) {  // chest muscles
    const float dx = (x - 62) / 42, dz = (p.z - 160) / 38;
    d -= 6 * std::exp(-dx * dx - dz * dz);
  }
  if (p.z < -200) {  // the cleft between the buttocks; the thighs part below the pelvis
    if (p.y > 30) {
      d += 24 * std::exp(-x * x / 160) * smooth_step(-215, -270, p.z) * smooth_step(60, 105, p.y);
    }
    const float apart = smooth_step(-318, -374, p.z);
    if (apart > 0) {
      const float rx = mix(190.0f, 76.0f + 0.5f * (flare - 1) * 90, apart), ry = 150;
      const float u = (x - 82 * flare) / rx, v = (p.y - 6) / ry;
      const float k = std::sqrt(u * u + v * v);
      if (k > 1e-3f) d = smooth_max(d, k * (k - 1) / std::sqrt(u * u / (rx * rx) + v * v / (ry * ry)), 10);
    }
  }
  if (p.z > 60) {  // shoulders, raised arms, neck
    const Vec3f q{x, p.y, p.z};
    const float neck = capsule(q, {0, 20, 215}, {0, 8, 330}, 50, 50);
    const float slope = capsule(q, {20, 42, 262}, {142, 26, 232}, 26, 36);
    const float latissimus = capsule(q, {118, 40, 95}, {146, 30, 212}, 18, 36);
    const float pectoral = capsule(q, {50, -52, 190}, {143, 2, 222}, 20, 28);
    const float arm = capsule(q, {150, 20, 225}, {158, -4, 330}, 42, 36);
    const float girdle = smooth_min(smooth_min(slope, latissimus, 30), smooth_min(pectoral, arm, 25), 25);
    d = smooth_min(smooth_min(d, girdle, 28), neck, 34);
  }
  return d;
}

Vec3f Patient::under_muscle(Vec3f p, float depth_mm) const {
  for (int pass = 0; pass < 3; ++pass) {  // the slope is 1 only near the surface
    const float over = muscle_wall(p) + depth_mm;
    if (over <= 0) break;
    const float h = 3;
    const Vec3f slope{muscle_wall({p.x + h, p.y, p.z}) - muscle_wall({p.x - h, p.y, p.z}),
                      muscle_wall({p.x, p.y + h, p.z}) - muscle_wall({p.x, p.y - h, p.z}),
                      muscle_wall({p.x, p.y, p.z + h}) - muscle_wall({p.x, p.y, p.z - h})};
    p = p - normalised(slope) * over;
  }
  return p;
}

float Patient::exact_skin(Vec3f p) const {
  const float low = 1 - smooth_step(-140, 120, p.z);
  const float side = std::abs(p.x);
  const float flank = smooth_step(40, 130, side), front = smooth_step(20, -80, p.y);
  float fat = fat_mm * (0.45f + 0.45f * low + 0.2f * flank * low + 0.3f * front * low);
  if (p.z < -160) {  // women carry theirs on hips, buttocks and thighs; the shins of the pubis little
    const float hips = smooth_step(-160, -260, p.z);
    fat *= mix(1.0f, (female ? 0.95f : 0.62f) + 0.25f * smooth_step(20, 90, p.y), hips);
  }
  // The skin is tied down at the linea alba, the spine and the navel.
  fat *= 1 - 0.3f * std::exp(-p.x * p.x / 300);
  const float dz = p.z + 118;
  if (p.y < 0) fat *= 1 - 0.6f * std::exp(-(p.x * p.x + dz * dz) / 60);
  float d = muscle_wall(p) - 2.5f - fat;
  if (female && p.z > 40 && p.z < 230 && p.y < 60) {
    // A breast, flattened and fallen to the side as she lies on her back.
    const BreastShape breast = breast_shape();
    const Vec3f q{(side - breast.centre.x) / breast.half.x, (p.y - breast.centre.y) / breast.half.y,
                  (p.z - breast.centre.z) / breast.half.z};
    const float k = norm(q);
    const Vec3f q2{q.x / breast.half.x, q.y / breast.half.y, q.z / breast.half.z};
    if (k > 1e-3f) d = smooth_min(d, k * (k - 1) / norm(q2), 22);
  }
  return d;
}

Patient::BreastShape Patient::breast_shape() const {
  const float full = 0.75f + 0.02f * fat_mm + 0.12f * wander[10];
  const Vec3f centre{84, front_(130) + 18 - 3 * full, 122};
  return {centre, {60 * std::sqrt(full), 20 + 26 * full, 58 * std::sqrt(full)}};
}

float Patient::exact_cavity(Vec3f p) const {
  float wall = trunk(p) + inner_(p.z);
  if (p.z < -170) {  // the pelvis: a bowl between the hip bones, its floor at the ischial spines
    const float t = smooth_step(-172, -250, p.z);
    const float rx = mix(150.0f, 56.0f * flare, t) - 10 * smooth_step(-280, -330, p.z);
    const float front = mix(-130.0f, -44.0f, smooth_step(-195, -290, p.z)), back = 74;
    const float ry = 0.5f * (back - front), u = p.x / rx, v = (p.y - 0.5f * (back + front)) / ry;
    const float k = std::sqrt(u * u + v * v);
    if (k > 1e-3f) {
      wall = smooth_max(wall, k * (k - 1) / std::sqrt(u * u / (rx * rx) + v * v / (ry * ry)), 12);
    }
    wall = smooth_max(wall, -326 - 0.1f * p.y - p.z, 16);
  }
  // The spine, its muscles and the rib necks bulge into the back of the cavity.
  const Vec3f s = spine(p.z);
  const float pelvic = smooth_step(-215, -250, p.z);
  const float body = std::hypot(p.x, p.y - s.y) - mix(21 + 5 * smooth_step(60, -60, p.z), 10, pelvic);
  const float behind = std::hypot(p.x * 0.85f, p.y - s.y - 46) - 40;
  const float posterior = smooth_min(body, behind, 12);
  // The apex of each side ends a little above the first rib.
  const float side = std::abs(p.x) - 32, depth = p.y - 26;
  const float apex = (p.z - 263 + (side * side + depth * depth) / 75) * 0.6f;
  return smooth_max(smooth_max(wall, -posterior, 10), apex, 8);
}

float Patient::dome_z(float x, float y, bool left) const {
  const float u = (x - (left ? 70.0f : -66.0f)) / 84, v = (y + 6) / 92;
  const float fall = u * u + v * v;
  // The hemithorax shrinks after a lobe was taken out.
  const float raised = !left && lacks(Resection::kLungLobe) ? 24.0f : 0.0f;
  const float top = (left ? 86.0f : 100.0f) + dome_shift_mm + raised;
  return top - 88 * fall - 0.27f * (y + 6);
}

float Patient::diaphragm(Vec3f p) const {
  // Both domes meet in the central tendon under the heart.
  const float height = smooth_max(dome_z(p.x, p.y, true), dome_z(p.x, p.y, false), 110);
  return (p.z - height) * 0.62f;
}

float Patient::mediastinum(Vec3f p) const {
  // Between the lungs: narrow behind the sternum, wide at the great vessels and before the spine.
  const float centre = 3;
  const float width =
      mix(9, 26, smooth_step(-75, -25, p.y)) + 8 * smooth_step(205, 245, p.z) - 4 * smooth_step(40, 80, p.y);
  const float slab = (std::abs(p.x - centre) - width) * 0.9f;
  const Mat3f axes = heart_axes();
  const Vec3f q = transposed(axes) * (p - heart_centre());
  const float s = heart_size;
  const Vec3f h{(52 + 5) * s, (46 + 5) * s, (64 + 5) * s};
  const Vec3f e{q.x / h.x, q.y / h.y, q.z / h.z}, e2{e.x / h.x, e.y / h.y, e.z / h.z};
  const float k = norm(e);
  const float heart = k < 1e-3f ? -40.0f : k * (k - 1) / norm(e2);
  return smooth_min(slab, heart, 14);
}

float Patient::lung(Vec3f p, bool left) const {
  if (left ? p.x < -10 : p.x > 10) return 30;
  // Three millimetres of diaphragm below.
  return smooth_max(smooth_max(cavity(p), 1.9f - diaphragm(p), 4), -mediastinum(p), 5);
}

Mat3f Patient::heart_axes() const { return axes_along({0.6f, -0.5f, -0.62f}, {0.5f, 0.75f, 0}); }

Vec3f Patient::heart_centre() const { return {22 + 3 * wander[0], -34, 116 + 0.6f * dome_shift_mm}; }

Vec3f Patient::hip_joint(bool left) const { return {(left ? 88.0f : -88.0f) * flare, -2, -262}; }

Box Patient::torso_box() const {
  Box box;
  const float side = std::max(208 + 0.6f * fat_mm, 192 + 1.3f * fat_mm) + 0.3f * std::max(belly_mm, 0.0f);
  float front = 126 + 1.25f * fat_mm + std::max(belly_mm, 0.0f);
  if (female) front = std::max(front, breast_shape().half.y - breast_shape().centre.y + 8);
  box.add(Vec3f{-side, -front, kBottomMm});
  box.add(Vec3f{side, 144 + 1.1f * fat_mm, kTopMm});
  return box;
}

Box Patient::scan_box() const {
  Box box = torso_box();
  if (traits.field_of_view == FieldOfView::kChest) box.low.z = -72;
  if (traits.field_of_view == FieldOfView::kAbdomen) box.high.z = 128;
  return box;
}

}  // namespace renderfm::phantom
