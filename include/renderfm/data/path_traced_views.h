// The pictures of a case by the path tracer.
#pragma once

#include <string>

#include "renderfm/data/prepare_config.h"
#include "renderfm/data/view_renderer.h"

namespace renderfm::data {

/// Light, exposure and denoiser as `config` says. "auto" denoises where Open Image Denoise is found and warns
/// where it is not. `device` is "cpu", "cuda", or "auto" for a GPU where there is one. Throws kBadInput for
/// an unknown light, and where denoise is "on", or device "cuda", and cannot be.
Renderer path_traced_views(const PrepareConfig& config, const std::string& device);

}  // namespace renderfm::data
