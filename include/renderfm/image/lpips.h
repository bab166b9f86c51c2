// LPIPS (Zhang et al. 2018) through a TorchScript file that scripts/export_lpips.py writes: the weights are
// not ours to ship, and the file holds the convention (range of the input) as well as the network.
#pragma once

#include <torch/types.h>

#include <filesystem>
#include <memory>
#include <string>

namespace renderfm {

class Lpips {
 public:
  /// Throws kBadInput where the file is no TorchScript of this interface.
  explicit Lpips(const std::filesystem::path& path);
  ~Lpips();
  Lpips(Lpips&&) noexcept;
  Lpips& operator=(Lpips&&) noexcept;

  /// Name of network and convention, as the file states it: "lpips_vgg_std", "lpips_vgg_3dgs", ...
  const std::string& name() const { return name_; }
  /// Distance of two sRGB pictures [3, H, W] in [0, 1].
  double operator()(const torch::Tensor& a, const torch::Tensor& b) const;

 private:
  struct Module;  // keeps TorchScript's headers out of ours
  std::unique_ptr<Module> module_;
  std::string name_;
};

}  // namespace renderfm
