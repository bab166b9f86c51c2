// The painters of the phantom, one per region, each appending to the scene; and what they share.
#pragma once

#include "renderfm/math/rng.h"
#include "volume/phantom/patient.h"
#include "volume/phantom/scene.h"

namespace renderfm::phantom {

void add_body_wall(Scene& scene, const Patient& patient);     // skin, fat, muscles, cavities
void add_pelvis(Scene& scene, const Patient& patient);        // bladder, gluteal muscles, planes of fat
void add_pelvic_bones(Scene& scene, const Patient& patient);  // hips, sacrum, femora
void add_lungs(Scene& scene, const Patient& patient);         // lobes, fissures, vessels, airways
void add_abdomen(Scene& scene, const Patient& patient);       // solid organs and bowel
void add_mediastinum(Scene& scene, const Patient& patient);   // heart, oesophagus, thyroid
void add_vessels(Scene& scene, const Patient& patient);       // aorta, great veins and branches
void add_spine(Scene& scene, const Patient& patient);         // vertebrae, discs, cord, sacrum
void add_skeleton(Scene& scene, const Patient& patient);      // ribs, sternum, girdles

/// Muscle with strands of fat between its bundles.
Material muscular(const Patient& patient);

/// Holds one lung.
Box lung_box(bool left);

/// A tree that fills a region: grown towards the means of ever smaller groups of `targets`. Radii follow
/// Murray's law (r^3 adds up at forks) from `root_radius_mm`; twigs thinner than `least_radius_mm` are left
/// out.
struct TreeOptions {
  Vec3f root;
  Vec3f root_direction;
  float root_radius_mm;
  float least_radius_mm;
};
std::vector<Primitive> grow_tree(std::vector<Vec3f> targets, const TreeOptions& options, Pcg32& rng);

/// Uniform points with distance(p) < -depth_mm inside the box.
std::vector<Vec3f> points_inside(const Distance& distance, const Box& box, float depth_mm, int count,
                                 Pcg32& rng);

}  // namespace renderfm::phantom
