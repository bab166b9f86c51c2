#include <algorithm>

#include "renderfm/raster/slice6d.h"
#include "unit/gaussian_files/files.h"

namespace renderfm {
namespace {

using namespace test;

class RoundTrip : public GaussianFiles {
 protected:
  GaussianRows through(GaussianFormat format, const GaussianRows& rows, int sh_degree = 1) {
    const GaussianColumns columns = columns_of(rows);
    const fs::path path = file("a.bin");
    switch (format) {
      case GaussianFormat::kPly: encode_ply(columns, path, PlyFlavor::kRenderfm); break;
      case GaussianFormat::kGlb: encode_glb(columns, path, sh_degree); break;
      case GaussianFormat::kSpz: encode_spz(columns, path, sh_degree); break;
      default: encode_splat(columns, path); break;
    }
    return decode_bytes(format, bytes_of(path)).rows;
  }
};

const GaussianRows& scene() {
  static const GaussianRows rows = rows_of(tilted_gaussians(3, 400));
  return rows;
}

// Half the spread of A would make u vanish for most directions: this scene must look different when baked, or
// the comparisons below could not see the sixth dimension go.
TEST_F(RoundTrip, TheSceneOfTheseTestsNeedsItsSixthDimension) {
  EXPECT_LT(psnr(picture(scene()), picture(baked(scene()))), 28);
}

TEST_F(RoundTrip, PlyDrawsTheSamePicture) {
  // Float rounding of C through its principal axes.
  EXPECT_GT(psnr(picture(through(GaussianFormat::kPly, scene())), picture(scene())), 90);
}

TEST_F(RoundTrip, ANameOfSeveralLinesStaysInItsComment) {
  GaussianRows rows = scene();
  rows.notes.model = "v1\nelement vertex 0\nend_header";
  rows.notes.label_names[7] = "liver\nend_header";
  const GaussianRows read = through(GaussianFormat::kPly, rows);
  EXPECT_EQ(read.size(), rows.size());
  EXPECT_EQ(read.notes.model, "v1 element vertex 0 end_header");
}

TEST_F(RoundTrip, GlbDrawsTheSamePictureThoughItsAxesAreOthers) {
  EXPECT_GT(psnr(picture(through(GaussianFormat::kGlb, scene())), picture(scene())), 90);
}

TEST_F(RoundTrip, GlbKeepsNotesAndLabels) {
  const GaussianRows read = through(GaussianFormat::kGlb, scene());
  EXPECT_EQ(read.label, scene().label);
  EXPECT_EQ(read.notes.label_names, scene().notes.label_names);
  EXPECT_EQ(read.notes.transfer_function, "bone");
  EXPECT_EQ(read.notes.model, "primed");
  EXPECT_TRUE(read.notes.low_pass_compensation);
  ASSERT_TRUE(read.notes.view_sphere);
  EXPECT_NEAR(read.notes.view_sphere->radius_mm, 250, 1e-9);
  EXPECT_NEAR(read.notes.view_sphere->centre_mm.y, -2, 1e-9);
}

TEST_F(RoundTrip, SpzLosesNoMoreThanItsEightBits) {
  const GaussianRows wanted = baked(scene());
  const GaussianRows read = through(GaussianFormat::kSpz, scene());
  ASSERT_EQ(read.size(), wanted.size());
  for (std::size_t n = 0; n < wanted.opacity.size(); ++n) {
    ASSERT_NEAR(read.opacity[n], wanted.opacity[n], 0.5 / 255 + 1e-6);
    for (std::size_t k = 0; k < 3; ++k) {
      ASSERT_NEAR(read.position_mm[3 * n + k], wanted.position_mm[3 * n + k], 1e-3);  // a micrometre
      const float dc = wanted.sh[12 * n + k];
      if (std::abs(dc) < 3.3F) {
        ASSERT_NEAR(read.sh[12 * n + k], dc, 0.5 / 38.25 + 1e-5);
      }
    }
    for (std::size_t k = 3; k < 12; ++k) {
      const float value = wanted.sh[12 * n + k];
      if (std::abs(value) < 0.98F) {
        ASSERT_NEAR(read.sh[12 * n + k], value, 0.5 / 128 + 1e-5);
      }
    }
  }
  EXPECT_TRUE(read.notes.low_pass_compensation);
  EXPECT_GT(psnr(picture(read), picture(wanted)), 40);
}

TEST_F(RoundTrip, SplatLosesNoMoreThanItsEightBits) {
  GaussianRows wanted = baked(scene());
  for (std::size_t n = 0; n < wanted.opacity.size(); ++n) std::fill_n(&wanted.sh[12 * n + 3], 9, 0.0F);
  wanted.notes.low_pass_compensation = false;
  GaussianRows inside = scene();
  for (GaussianRows* rows : {&wanted, &inside}) {  // colours that 8 bits from 0 to 1 can say
    for (std::size_t n = 0; n < rows->opacity.size(); ++n) {
      for (std::size_t k = 0; k < 3; ++k)
        rows->sh[12 * n + k] = std::clamp(rows->sh[12 * n + k], -1.7F, 1.7F);
    }
  }
  const GaussianRows read = through(GaussianFormat::kSplat, inside);
  ASSERT_EQ(read.size(), wanted.size());
  EXPECT_GT(psnr(picture(read), picture(wanted)), 40);
}

TEST_F(RoundTrip, SplatRowsComeLargestFirst) {
  encode_splat(columns_of(scene()), file("a.splat"));
  const std::string bytes = bytes_of(file("a.splat"));
  double before = 1e300;
  for (std::size_t at = 0; at < bytes.size(); at += 32) {
    float scale[3];
    std::memcpy(scale, bytes.data() + at + 12, sizeof(scale));
    const double weight = static_cast<double>(scale[0]) * static_cast<double>(scale[1]) *
                          static_cast<double>(scale[2]) * static_cast<std::uint8_t>(bytes[at + 27]);
    ASSERT_LE(weight, before * (1 + 1e-6));
    before = weight;
  }
}

TEST_F(RoundTrip, WithoutDegreeOneColoursAreTheSameFromEverySide) {
  for (const GaussianFormat format : {GaussianFormat::kGlb, GaussianFormat::kSpz}) {
    const GaussianRows read = through(format, scene(), 0);
    for (std::size_t n = 0; n < read.opacity.size(); ++n) {
      for (std::size_t k = 3; k < 12; ++k) ASSERT_EQ(read.sh[12 * n + k], 0);
    }
  }
}

TEST_F(RoundTrip, ASinkRefusesWhatIsNotFiniteAndLeavesNothing) {
  GaussianRows rows = scene();
  rows.position_mm[100] = std::nanf("");
  for (const GaussianFormat format :
       {GaussianFormat::kPly, GaussianFormat::kGlb, GaussianFormat::kSpz, GaussianFormat::kSplat}) {
    EXPECT_THROW(through(format, rows), Error);
    EXPECT_TRUE(fs::is_empty(folder_));
  }
}

// The slice seen by a camera that turns with the frame is the slice in LPS, turned.
TEST(Frames, TurningTheGaussianAndTheCameraChangesNothing) {
  const GaussianRows rows = scene();
  const GaussianColumns columns = columns_of(rows);
  for (const FileFrame& frame : {kYUpMetres, kYDownMetres}) {
    EXPECT_NEAR(determinant(frame.from_lps), 1, 0);
    const Vec3d camera{30, -80, 12};
    for (std::int64_t n = 0; n < rows.size(); ++n) {
      const Gaussian6d before = load(columns, n);
      Gaussian6d after = before;
      ASSERT_TRUE(into_frame(after, frame));
      const auto slice = [](const Gaussian6d& g, Vec3d eye) {
        double chol[layout::kCholCount];
        for (int row = 0; row < 3; ++row) {
          for (int column = 0; column < 3; ++column) {
            if (column <= row) chol[layout::a_index(row, column)] = g.a[row][column];
            if (column <= row) chol[layout::c_index(row, column)] = g.c[row][column];
            chol[layout::b_index(row, column)] = g.b[row][column];
          }
        }
        return raster::slice6d(g.position - eye, g.direction_mean, chol, 0.35);
      };
      const auto lps = slice(before, camera);
      const auto turned = slice(after, frame.from_lps * camera * (1 / frame.unit_mm));
      const Vec3d difference = frame.from_lps * lps.mean_offset * (1 / frame.unit_mm) - turned.mean_offset;
      ASSERT_LT(norm(difference), 1e-9);
      ASSERT_NEAR(lps.log2_falloff, turned.log2_falloff, 1e-9);
      for (std::size_t channel = 0; channel < 3; ++channel) {
        const auto colour = [&](const Gaussian6d& g, Vec3d d) {
          return sh_degree1(g.sh[channel], g.sh[3 + channel], g.sh[6 + channel], g.sh[9 + channel], d);
        };
        ASSERT_NEAR(colour(before, lps.direction), colour(after, turned.direction), 1e-12);
      }
    }
  }
}

}  // namespace
}  // namespace renderfm
