#include "renderfm/math/reflectance.h"

#include <gtest/gtest.h>

namespace renderfm {
namespace {

TEST(TwoStreamReflectance, IsWhatThinLayersLaidOnOneAnotherReturn) {
  for (const double albedo : {0.1, 0.5, 0.9, 0.98}) {
    for (const double backward : {0.3, 0.5, 0.75, 1.0}) {
      // A layer of optical depth d turns `turned` of the light round and passes the rest of what is not lost.
      const double d = 1e-4, turned = albedo * backward * d, passed = 1 - d + albedo * (1 - backward) * d;
      double body = 0;
      for (int layer = 0; layer < 400000; ++layer) {
        body = turned + passed * passed * body / (1 - turned * body);
      }
      EXPECT_NEAR(two_stream_reflectance(static_cast<float>(albedo), static_cast<float>(backward)), body,
                  2e-4)
          << albedo << " " << backward;
    }
  }
}

TEST(TwoStreamReflectance, ReturnsAllOfWhiteAndNothingOfBlack) {
  EXPECT_FLOAT_EQ(two_stream_reflectance(1, 0.5F), 1);
  EXPECT_FLOAT_EQ(two_stream_reflectance(1, 1), 1);
  EXPECT_FLOAT_EQ(two_stream_reflectance(0, 0.5F), 0);
}

TEST(BodyReflectance, IsTheCoatsOfABlackBodyAndAllOfAWhiteOne) {
  EXPECT_FLOAT_EQ(body_reflectance(0, 0.5F), 0.04F);
  EXPECT_FLOAT_EQ(body_reflectance(1, 0.5F), 1);
}

}  // namespace
}  // namespace renderfm
