#include "renderfm/image/denoise.h"

#include <memory>

#include "image/oidn_library.h"
#include "renderfm/core/check.h"
#include "renderfm/core/parallel.h"
#include "renderfm/tensor/check_tensor.h"

namespace renderfm {
namespace {

using torch::Tensor;

/// [3, H, W] -> [H, W, 3], as the library wants its pixels.
Tensor pixels_of(const Tensor& planes, const char* name, std::int64_t height, std::int64_t width) {
  check_tensor(planes, name, {3, height, width});
  Tensor pixels = planes.to(torch::kCPU).permute({1, 2, 0}).contiguous();
  RFM_CHECK(torch::isfinite(pixels).all().item<bool>(), "{} holds numbers that are not finite", name);
  return pixels;
}

class Session {
 public:
  explicit Session(const oidn::Functions& call)
      : call_(call), device_(call.new_device(oidn::kDeviceTypeCpu)) {
    check("making a device");
    call_.set_device_int(device_, "numThreads", thread_count());
    // Pinned threads would share cores with whatever else runs on this machine.
    call_.set_device_bool(device_, "setAffinity", false);
    call_.commit_device(device_);
    check("preparing a device");
    filter_ = call_.new_filter(device_, "RT");
    check("making a filter");
  }
  ~Session() {
    if (filter_ != nullptr) call_.release_filter(filter_);
    if (device_ != nullptr) call_.release_device(device_);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// `pixels` must outlive run().
  void set_image(const char* name, const Tensor& pixels) {
    call_.set_shared_filter_image(filter_, name, pixels.mutable_data_ptr(), oidn::kFormatFloat3,
                                  static_cast<std::size_t>(pixels.size(1)),
                                  static_cast<std::size_t>(pixels.size(0)), 0, 0, 0);
  }

  void run() {
    call_.set_filter_bool(filter_, "hdr", true);
    call_.commit_filter(filter_);
    check("preparing the filter");
    call_.execute_filter(filter_);
    check("denoising");
  }

 private:
  void check(const char* what) const {
    const char* message = nullptr;
    const int code = call_.get_device_error(device_, &message);
    if (device_ == nullptr || code != oidn::kErrorNone) {
      fail_runtime("Open Image Denoise failed at {}: {}", what,
                   message != nullptr ? message : "no reason given");
    }
  }

  const oidn::Functions& call_;
  oidn::Device device_;
  oidn::Filter filter_ = nullptr;
};

}  // namespace

DenoiserStatus denoiser_status() {
  const oidn::Lookup found = oidn::find_library();
  if (!found.library) return {false, "", "", found.reason};
  return {true, found.library->version, found.library->file, ""};
}

Tensor denoise(const Tensor& rgb_linear, const DenoiseFeatures& features) {
  const oidn::Lookup found = oidn::find_library();
  if (!found.library) fail_runtime("{}", found.reason);
  check_tensor(rgb_linear, "the picture to denoise", {3, -1, -1});
  RFM_CHECK(features.albedo.defined() || !features.normal.defined(),
            "normals help the denoiser only beside albedos");
  const std::int64_t height = rgb_linear.size(1), width = rgb_linear.size(2);
  if (rgb_linear.numel() == 0) return rgb_linear.clone();

  const Tensor color = pixels_of(rgb_linear, "the picture to denoise", height, width);
  Tensor albedo, normal;
  Tensor output = torch::empty_like(color);
  Session session(found.library->call);
  session.set_image("color", color);
  if (features.albedo.defined()) {
    albedo = pixels_of(features.albedo, "its albedo", height, width);
    session.set_image("albedo", albedo);
  }
  if (features.normal.defined()) {
    normal = pixels_of(features.normal, "its normal", height, width);
    session.set_image("normal", normal);
  }
  session.set_image("output", output);
  session.run();
  return output.permute({2, 0, 1}).contiguous();
}

}  // namespace renderfm
