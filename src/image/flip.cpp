#include "renderfm/image/flip.h"

#include <torch/nn/functional/padding.h>

#include <array>
#include <cmath>
#include <numbers>

#include "renderfm/core/check.h"
#include "renderfm/core/parallel.h"
#include "renderfm/tensor/check_tensor.h"

namespace renderfm {
namespace {

namespace F = torch::nn::functional;
using torch::indexing::Slice;

// Section and equation numbers are the paper's. Double throughout: a metric is no place to save time.
constexpr double kColorExponent = 0.7, kFeatureExponent = 0.5;  // q_c (section 4.1.3), q_f (4.2.2)
constexpr double kLinearShare = 0.4, kLinearValue = 0.95;       // p_c, p_t (4.1.3)
constexpr double kFeatureWidthDeg = 0.082;                      // w (4.2.1): width of an edge detector

/// Contrast sensitivity of a channel, a sum of two Gaussians (table 1): a sqrt(pi / b) exp(-pi^2 x^2 / b).
struct Sensitivity {
  double a1, b1, a2, b2;
};
constexpr std::array<Sensitivity, 3> kSensitivity{
    {{1, 0.0047, 0, 1e-5}, {1, 0.0053, 0, 1e-5}, {34.1, 0.04, 13.5, 0.025}}};
constexpr double kWidestB = 0.04;

torch::Tensor matrix(std::initializer_list<double> rows) {
  return torch::tensor(torch::ArrayRef<double>(rows.begin(), rows.size()), torch::kFloat64).view({3, 3});
}

torch::Tensor xyz_from_rgb() {
  return matrix({10135552.0 / 24577794, 8788810.0 / 24577794, 4435075.0 / 24577794,  //
                 2613072.0 / 12288897, 8788810.0 / 12288897, 887015.0 / 12288897,    //
                 1425312.0 / 73733382, 8788810.0 / 73733382, 70074185.0 / 73733382});
}

torch::Tensor apply(const torch::Tensor& transform, const torch::Tensor& image) {
  return torch::einsum("ij,jhw->ihw", {transform, image});
}

torch::Tensor white_xyz() { return xyz_from_rgb().sum(1).view({3, 1, 1}); }

torch::Tensor linear_from_srgb(const torch::Tensor& srgb) {
  return torch::where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055).pow(2.4));
}

/// Linear RGB -> Y_y C_x C_z, an opponent space linear in XYZ (equation 1).
torch::Tensor opponent_from_linear(const torch::Tensor& rgb) {
  const torch::Tensor xyz = apply(xyz_from_rgb(), rgb) / white_xyz();
  return torch::stack({116 * xyz[1] - 16, 500 * (xyz[0] - xyz[1]), 200 * (xyz[1] - xyz[2])});
}

torch::Tensor linear_from_opponent(const torch::Tensor& opponent) {
  const torch::Tensor y = (opponent[0] + 16) / 116;
  const torch::Tensor xyz = torch::stack({y + opponent[1] / 500, y, y - opponent[2] / 200}) * white_xyz();
  return apply(torch::linalg_inv(xyz_from_rgb()), xyz);
}

/// Linear RGB -> L*a*b* with the chroma scaled by the Hunt effect: less colour is seen in the dark (4.1.2).
torch::Tensor hunt_lab_from_linear(const torch::Tensor& rgb) {
  constexpr double kDelta = 6.0 / 29;
  const torch::Tensor t = apply(xyz_from_rgb(), rgb) / white_xyz();
  const torch::Tensor f = torch::where(t > kDelta * kDelta * kDelta, t.clamp_min(1e-12).pow(1.0 / 3),
                                       t / (3 * kDelta * kDelta) + 4.0 / 29);
  const torch::Tensor lightness = 116 * f[1] - 16;
  return torch::stack(
      {lightness, 0.01 * lightness * 500 * (f[0] - f[1]), 0.01 * lightness * 200 * (f[1] - f[2])});
}

torch::Tensor hyab(const torch::Tensor& a, const torch::Tensor& b) {
  const torch::Tensor difference = a - b;
  return difference[0].abs() + (difference[1].square() + difference[2].square()).sqrt();
}

/// `image` [C, H, W] filtered channel by channel with `kernel` [C, K, K], the border repeated. Torch's own
/// convolution of doubles unfolds the picture into a matrix K^2 times as large.
torch::Tensor filtered(const torch::Tensor& image, const torch::Tensor& kernel) {
  const std::int64_t width = kernel.size(-1), radius = width / 2;
  const torch::Tensor padded =
      F::pad(image.unsqueeze(0),
             F::PadFuncOptions({radius, radius, radius, radius}).mode(torch::kReplicate))[0]
          .contiguous();
  const torch::Tensor weights = kernel.contiguous();
  torch::Tensor result = torch::zeros_like(image, torch::MemoryFormat::Contiguous);
  const double* const in = padded.const_data_ptr<double>();
  const double* const weight = weights.const_data_ptr<double>();
  double* const out = result.data_ptr<double>();
  const std::int64_t rows = image.size(1), columns = image.size(2);
  const std::int64_t padded_rows = padded.size(1), padded_columns = padded.size(2);
  parallel_for(0, image.size(0) * rows, 8, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      const std::int64_t channel = row / rows, y = row % rows;
      for (std::int64_t k = 0; k < width * width; ++k) {
        const double w = weight[channel * width * width + k];
        const double* const from = in + (channel * padded_rows + y + k / width) * padded_columns + k % width;
        for (std::int64_t x = 0; x < columns; ++x) out[row * columns + x] += w * from[x];
      }
    }
  });
  return result;
}

/// Squared distance to the kernel's centre and the offsets themselves, in pixels.
struct Offsets {
  torch::Tensor x, y;
  explicit Offsets(std::int64_t radius) {
    const torch::Tensor line = torch::arange(-radius, radius + 1, torch::kFloat64);
    x = line.view({1, -1}).expand({line.size(0), line.size(0)});
    y = x.t();
  }
};

torch::Tensor sensitivity_kernels(double pixels_per_degree) {
  constexpr double kPi2 = std::numbers::pi * std::numbers::pi;
  const auto radius =
      static_cast<std::int64_t>(std::ceil(3 * std::sqrt(kWidestB / (2 * kPi2)) * pixels_per_degree));
  const Offsets offsets(radius);
  const torch::Tensor squared_deg =
      (offsets.x.square() + offsets.y.square()) / (pixels_per_degree * pixels_per_degree);
  std::vector<torch::Tensor> kernels;
  for (const auto& [a1, b1, a2, b2] : kSensitivity) {
    const torch::Tensor kernel = a1 * std::sqrt(std::numbers::pi / b1) * (-kPi2 / b1 * squared_deg).exp() +
                                 a2 * std::sqrt(std::numbers::pi / b2) * (-kPi2 / b2 * squared_deg).exp();
    kernels.push_back(kernel / kernel.sum());
  }
  return torch::stack(kernels);
}

/// Colour as seen at this distance: filtered by the eye's contrast sensitivity, in Hunt-adjusted L*a*b*.
torch::Tensor seen_color(const torch::Tensor& opponent, const torch::Tensor& kernels) {
  return hunt_lab_from_linear(linear_from_opponent(filtered(opponent, kernels)).clamp(0, 1));
}

/// Greatest colour difference there is, raised to q_c: between green and blue.
double greatest_color_difference() {
  const auto primary = [](double r, double g, double b) {
    return hunt_lab_from_linear(torch::tensor({r, g, b}, torch::kFloat64).view({3, 1, 1}));
  };
  return std::pow(hyab(primary(0, 1, 0), primary(0, 0, 1)).item<double>(), kColorExponent);
}

torch::Tensor color_error(const torch::Tensor& reference, const torch::Tensor& test,
                          double pixels_per_degree) {
  const torch::Tensor kernels = sensitivity_kernels(pixels_per_degree);
  const torch::Tensor difference =
      hyab(seen_color(reference, kernels), seen_color(test, kernels)).pow(kColorExponent);
  const double greatest = greatest_color_difference(), knee = kLinearShare * greatest;
  return torch::where(difference < knee, kLinearValue / knee * difference,
                      kLinearValue + (difference - knee) / (greatest - knee) * (1 - kLinearValue));
}

/// Scales so that the positive entries sum to 1 and the negative ones to -1.
torch::Tensor balanced(const torch::Tensor& kernel) {
  const torch::Tensor positive = kernel.clamp_min(0), negative = kernel.clamp_max(0);
  return positive / positive.sum() - negative / negative.sum();
}

struct Features {
  torch::Tensor edges, points;  // [H, W]
};

Features features(const torch::Tensor& luminance, double pixels_per_degree) {
  const double sigma = 0.5 * kFeatureWidthDeg * pixels_per_degree;
  const Offsets offsets(static_cast<std::int64_t>(std::ceil(3 * sigma)));
  const torch::Tensor gaussian = (-(offsets.x.square() + offsets.y.square()) / (2 * sigma * sigma)).exp();
  const auto magnitude = [&](const torch::Tensor& along_x) {
    const torch::Tensor kernels = torch::stack({along_x, along_x.t()});
    const torch::Tensor response = filtered(luminance.expand({2, -1, -1}), kernels);
    return (response[0].square() + response[1].square()).sqrt();
  };
  return {magnitude(balanced(-offsets.x * gaussian)),
          magnitude(balanced((offsets.x.square() / (sigma * sigma) - 1) * gaussian))};
}

}  // namespace

torch::Tensor flip_map(const torch::Tensor& reference, const torch::Tensor& test, double pixels_per_degree) {
  RFM_CHECK(reference.dim() == 3 && reference.size(0) == 3, "reference is [3, H, W], got {}",
            shape_text(reference.sizes()));
  RFM_CHECK(test.sizes() == reference.sizes(), "test is {}, reference {}", shape_text(test.sizes()),
            shape_text(reference.sizes()));
  const auto opponent = [](const torch::Tensor& srgb) {
    return opponent_from_linear(linear_from_srgb(srgb.to(torch::kCPU, torch::kFloat64).clamp(0, 1)));
  };
  const torch::Tensor a = opponent(reference), b = opponent(test);
  const torch::Tensor color = color_error(a, b, pixels_per_degree);
  const Features of_a = features((a[0] + 16) / 116, pixels_per_degree);
  const Features of_b = features((b[0] + 16) / 116, pixels_per_degree);
  const torch::Tensor feature =
      (torch::maximum((of_a.edges - of_b.edges).abs(), (of_a.points - of_b.points).abs()) / std::sqrt(2.0))
          .clamp(0, 1)
          .pow(kFeatureExponent);
  return color.pow(1 - feature).to(torch::kFloat32);
}

double flip(const torch::Tensor& reference, const torch::Tensor& test) {
  return flip_map(reference, test).mean(torch::kFloat64).item<double>();
}

}  // namespace renderfm
