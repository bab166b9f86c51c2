// Stomach, duodenum, small bowel, colon and rectum: a wall, and contents that settle as the patient lies on
// the back, gas to the front.
#include "volume/phantom/bowel.h"

#include <algorithm>
#include <cmath>

#include "volume/phantom/parts.h"

namespace renderfm::phantom {
namespace {

struct Contents {
  float fluid_hu, texture_hu;
  float gas_level_y;  // gas in front of this height
};

void add_gut(Scene& scene, const Patient& patient, std::uint8_t label, const std::vector<Knot>& path,
             Material flesh, float wall_mm, const Contents& inside, float haustra) {
  Shape wall;
  wall.label = label;
  wall.material = std::move(flesh);
  auto knots = smooth_path(path, 5);
  if (haustra > 0) {
    for (std::size_t i = 0; i < knots.size(); ++i) {
      const float phase = static_cast<float>(i) * 5 / 21 * 3.14159265f;
      knots[i].radius *= 1 + haustra * (std::abs(std::sin(phase)) - 0.6f);
    }
  }
  const Patient* who = &patient;
  // Flattened where it meets the wall of the cavity, so that it never comes through the muscles or the hip
  // bone.
  const auto within = [who](Primitive tube, float depth_mm) {
    tube.distance = [who, depth_mm, d = std::move(tube.distance)](Vec3f p) {
      return smooth_max(d(p), who->cavity(p) + depth_mm, 4);
    };
    return tube;
  };
  std::vector<Primitive> lumen;
  for (std::size_t i = 0; i + 1 < knots.size(); ++i) {
    wall.pieces.push_back(within(tube_segment(knots[i], knots[i + 1]), 1));
    Knot a = knots[i], b = knots[i + 1];
    a.radius = std::max(a.radius - wall_mm, 0.5f);
    b.radius = std::max(b.radius - wall_mm, 0.5f);
    lumen.push_back(within(tube_segment(a, b), 1 + wall_mm));
  }
  scene.push_back(std::move(wall));
  Shape content;
  content.label = label;
  content.material = [inside](Vec3f p, float, const NoiseTile& noise) {
    const float gas = smooth_step(1.2f, -1.2f, p.y - inside.gas_level_y - 9 * noise(p, 60));
    const float bubbles = noise(p, 4) + 0.6f * noise(p, 9);
    const float stool = inside.fluid_hu + inside.texture_hu * (bubbles < 0 ? 2.2f * bubbles : bubbles);
    return mix(stool, -960, gas);
  };
  content.pieces = std::move(lumen);
  scene.push_back(std::move(content));
}

void add_stomach(Scene& scene, const Patient& patient) {
  const Patient* who = &patient;
  const float full = 1 + 0.18f * patient.wander[7];
  std::vector<Knot> axis{{{62, 22, 62}, 27},   {{76, 4, 50}, 34},    {{78, -22, 22}, 30},
                         {{58, -48, -14}, 24}, {{26, -60, -26}, 18}, {{-2, -54, -14}, 13},
                         {{-16, -44, -6}, 9}};
  for (std::size_t i = 0; i < 5; ++i) axis[i].radius *= full;
  std::vector<Primitive> tube;
  add_tube(tube, axis, 0, 6);
  for (const float wall_mm : {0.0f, 3.8f}) {
    Shape layer;
    layer.label = organ("stomach");
    layer.material = even(patient.hu.stomach_wall, 8, 4);
    if (wall_mm > 0) {
      const float level = -40 + 12 * patient.wander[8];
      layer.material = [level](Vec3f p, float, const NoiseTile& noise) {
        const float gas = smooth_step(1.2f, -1.2f, p.y - level);
        return mix(22 + 30 * noise(p, 7), -970, gas);
      };
    }
    for (const Primitive& piece : tube) {
      layer.pieces.push_back({piece.box,
                              [who, wall_mm, d = piece.distance](Vec3f p) {
                                return smooth_max(d(p), below_diaphragm(*who, p, 2), 8) + wall_mm;
                              },
                              0});
    }
    scene.push_back(std::move(layer));
  }
}

std::vector<Knot> colon_path(const Patient& patient) {
  const float sag = 16 * patient.wander[4], belly = 0.8f * patient.belly_mm;
  const float loop = 14 * patient.wander[9];
  const auto front = [belly](float x, float y, float z) { return Vec3f{x, y - belly, z}; };
  return {{{-70, -20, -206}, 16},
          {{-78, -14, -188}, 20},
          {{-84, -6, -158}, 22},
          {{-98, 2, -125}, 22},
          {{-102, 4, -96}, 22},
          {{-88, -22, -78}, 20},
          {front(-66, -62, -76), 19},
          {front(-34, -78, -82 - sag), 19},
          {front(8, -82, -88 - sag), 19},
          {front(48, -76, -72), 19},
          {front(82, -48, -38), 18},
          {{108, 0, -22}, 18},
          {{112, 28, -40}, 16.5f},
          {{110, 32, -80}, 15},
          {{102, 22, -125}, 14},
          {{88, 4, -160}, 13.5f},
          {{74, -8, -188}, 13},
          {{58, 4, -208}, 13},
          {{38, -20, -226 + loop}, 14},
          {{8, -34, -224 + loop}, 14.5f},
          {{-22, -14, -228 + 0.5f * loop}, 14},
          {{-20, 22, -238}, 13.5f},
          {{-4, 44, -252}, 14},
          {{0, 56, -272}, 16},
          {{0, 52, -296}, 17},
          {{0, 40, -314}, 13},
          {{0, 34, -334}, 8}};
}

// An order of the points that makes a short way: nearest neighbour, then 2-opt. The ends stay.
void shorten(std::vector<Vec3f>& points) {
  const auto distance = [&](std::size_t a, std::size_t b) { return norm(points[a] - points[b]); };
  for (std::size_t i = 0; i + 2 < points.size(); ++i) {
    std::size_t best = i + 1;
    for (std::size_t j = i + 1; j + 1 < points.size(); ++j) {
      if (distance(i, j) < distance(i, best)) best = j;
    }
    std::swap(points[i + 1], points[best]);
  }
  bool better = true;
  for (int pass = 0; better && pass < 30; ++pass) {
    better = false;
    for (std::size_t i = 0; i + 2 < points.size(); ++i) {
      for (std::size_t j = i + 2; j + 1 < points.size(); ++j) {
        const float gain = distance(i, i + 1) + distance(j, j + 1) - distance(i, j) - distance(i + 1, j + 1);
        if (gain <= 1e-3f) continue;
        std::reverse(points.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                     points.begin() + static_cast<std::ptrdiff_t>(j) + 1);
        better = true;
      }
    }
  }
}

// From the flexure under the pancreas to the caecum through points that fill what the colon leaves.
std::vector<Knot> small_bowel_path(const Patient& patient, const std::vector<Knot>& colon, Pcg32& rng) {
  const auto frame = smooth_path(colon, 8);
  const float belly = std::max(patient.belly_mm, 0.0f), spacing = 26.5f + 0.3f * belly;
  std::vector<Vec3f> points{{40, -32, -68}};
  const Vec3f end{-78, -22, -196};
  for (int tries = 0; tries < 40000 && points.size() < 105; ++tries) {
    const Vec3f p{rng.uniform<float>(-105, 105), rng.uniform<float>(-110 - belly, 52),
                  rng.uniform<float>(-292, -62)};
    if (patient.cavity(p) > -17) continue;
    // In front of spine, psoas and great vessels; in the pelvis before the rectum, above the bladder.
    const float spine_y = patient.spine(p.z).y;
    const float guard = p.z > -205 ? spine_y - 46 - 0.12f * std::abs(p.x) : 40;
    if (p.y > guard) continue;
    // Under the transverse colon, liver and stomach; the jejunum lies high on the left.
    if (p.z > -72 - 34 * smooth_step(40, -60, p.x)) continue;
    if (norm((p - Vec3f{0, -15, -280}) * Vec3f{1 / 58.0f, 1 / 62.0f, 1 / 50.0f}) < 1) continue;
    bool free = norm(p - end) > spacing;
    for (std::size_t i = 0; free && i < points.size(); ++i) free = norm(points[i] - p) > spacing;
    for (std::size_t i = 0; free && i < frame.size(); ++i) {
      free = norm(frame[i].point - p) > frame[i].radius + 11;
    }
    if (free) points.push_back(p);
  }
  points.push_back(end);
  shorten(points);
  std::vector<Knot> path;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (i > 0) {  // loops hang forwards from the mesentery
      const Vec3f middle = mix(points[i - 1], points[i], 0.5f);
      path.push_back(
          {middle + Vec3f{4, 5, 4} * Vec3f{rng.normal<float>(), rng.normal<float>(), rng.normal<float>()},
           rng.uniform<float>(9, 12)});
    }
    path.push_back({points[i], rng.uniform<float>(9.5f, 13)});
  }
  return path;
}

}  // namespace

float below_diaphragm(const Patient& patient, Vec3f p, float gap_mm) {
  return smooth_max(patient.cavity(p) + gap_mm, patient.diaphragm(p) + 1.6f + gap_mm, 6);
}

void add_bowel(Scene& scene, const Patient& patient) {
  Pcg32 rng = Pcg32::from(patient.seed, 0xB0E1);
  const float belly = 0.8f * patient.belly_mm;
  const Material wall = even(patient.hu.bowel_wall, 10, 4);
  const auto colon = colon_path(patient);
  add_gut(scene, patient, organ("small_bowel"), small_bowel_path(patient, colon, rng), wall, 2.2f,
          {22, 12, -86 - belly}, 0);
  add_gut(scene, patient, organ("duodenum"),
          {{{-18, -44, -6}, 10},
           {{-40, -34, 0}, 11.5f},
           {{-50, -20, -18}, 11},
           {{-50, -14, -62}, 11},
           {{-32, -14, -86}, 11},
           {{4, -28, -90}, 10},
           {{28, -22, -72}, 10.5f},
           {{40, -32, -68}, 10.5f}},
          wall, 2.4f, {18, 12, -46}, 0);
  add_gut(scene, patient, organ("colon"), colon, even(patient.hu.bowel_wall - 15, 8, 4), 2.2f,
          {35, 75, -56 - 0.7f * belly}, 0.26f);
  add_stomach(scene, patient);
}

}  // namespace renderfm::phantom
