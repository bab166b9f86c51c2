#include "renderfm/viewer/view_state.h"

#include <gtest/gtest.h>

#include "renderfm/core/check.h"
#include "unit/raster/scenes.h"

namespace renderfm {
namespace {

GaussianSet labelled_set() {
  GaussianSet set = raster::test::random_set(6, 3);
  set.label = torch::tensor({0, 1, 2, 2, 3, 0}, torch::kUInt8);
  set.label_names = {{1, "liver"}, {2, "rib_left_1"}, {3, "aorta"}};
  return set;
}

TEST(ViewState, ReadsWhatAPageWrites) {
  const ViewState state = parse_view_state(
      "file.html#az=30.5&el=-10&zoom=2&pan=1,2,3&clip=0,0,2,10;1,0,0,5&box=-1,1,-2,2,-3,3&keep=skeleton&"
      "hide=liver%2Cunlabelled&op=aorta:0.25&tf=bone&ui=0&theme=light");
  EXPECT_EQ(state.azimuth_deg, 30.5);
  EXPECT_EQ(state.elevation_deg, -10);
  EXPECT_EQ(state.zoom, 2);
  EXPECT_EQ(state.pan_mm.z, 3);
  ASSERT_EQ(state.clip.size(), 2u);
  EXPECT_EQ(state.clip[0].normal.z, 1);  // of length 1, the offset with it
  EXPECT_EQ(state.clip[0].offset_mm, 5);
  EXPECT_EQ(state.hide, (std::vector<std::string>{"liver", "unlabelled"}));
  EXPECT_EQ(state.opacity.at("aorta"), 0.25);
  EXPECT_EQ(state.transfer_function, "bone");
}

TEST(ViewState, NamesWhatItDoesNotUnderstand) {
  for (const char* text : {"az", "az=x", "az=1e999", "el=91", "zoom=0", "pan=1,2", "clip=0,0,0,1",
                           "clip=1,0,0", "box=1,0,0,1,0,1", "op=liver", "op=liver:2", "colour=red"}) {
    EXPECT_THROW(parse_view_state(text), Error) << text;
  }
}

TEST(ViewState, HidesAndFadesOrgans) {
  const GaussianSet set = labelled_set();
  EXPECT_EQ(apply_organ_state(set, parse_view_state("hide=ribs")).size(), 4);
  EXPECT_EQ(apply_organ_state(set, parse_view_state("hide=unlabelled")).size(), 4);
  EXPECT_EQ(apply_organ_state(set, parse_view_state("show=liver,aorta")).size(), 2);
  const GaussianSet faded = apply_organ_state(set, parse_view_state("op=rib_left_1:0.5"));
  const torch::Tensor ratio = faded.opacity / set.opacity;
  EXPECT_TRUE(torch::allclose(ratio, torch::tensor({1.0F, 1.0F, 0.5F, 0.5F, 1.0F, 1.0F})));
  EXPECT_THROW(apply_organ_state(set, parse_view_state("hide=livre")), Error);
  EXPECT_THROW(apply_organ_state(raster::test::random_set(3, 1), parse_view_state("hide=liver")), Error);
}

TEST(ViewState, PutsPlanesWhereTheScanIsAndSparesTheExempt) {
  const GaussianSet set = labelled_set();
  const Vec3d centre{10, 20, 30};
  const auto region =
      state_clip(set, centre, parse_view_state("clip=0,0,1,5&box=-1,2,-3,4,-5,6&keep=skeleton"));
  ASSERT_EQ(region.planes.size(), 7u);
  EXPECT_EQ(region.planes[0].offset_mm, 5 - 30);  // z >= 25
  EXPECT_EQ(region.planes[1].offset_mm, 1 - 10);  // x >= 9
  EXPECT_EQ(region.planes[2].offset_mm, 2 + 10);  // x <= 12
  EXPECT_TRUE(torch::equal(region.exempt, torch::tensor({false, false, true, true, false, false})));
  EXPECT_THROW(state_clip(set, centre,
                          parse_view_state("clip=1,0,0,1;1,0,0,2;1,0,0,3;1,0,0,4;1,0,0,5;1,0,0,6;1,0,0,7&"
                                           "box=-1,1,-1,1,-1,1")),
               Error);
}

}  // namespace
}  // namespace renderfm
