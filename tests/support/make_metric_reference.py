#!/usr/bin/env python3
"""Pictures and what other people's programs say of them: OUT/{a,b}.f32, values.txt, flip.f32, lpips_*.pt."""
import pathlib
import sys
import warnings

import flip_evaluator
import lpips
import numpy as np
import pytorch_msssim
import torch
from skimage import filters, metrics

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
import export_lpips  # noqa: E402

HEIGHT, WIDTH = 176, 192
warnings.simplefilter("ignore")  # torchvision's, of how lpips asks for a backbone
out = pathlib.Path(sys.argv[1])
random = np.random.default_rng(3)

# A lit, coloured ball with a rim on black, and a version of it that is blurred, shifted, tinted and noisy.
y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
u, v = (x - 96) / 70, (y - 88) / 70
inside = u * u + v * v < 1
light = np.clip(0.8 - 0.5 * u - 0.4 * v, 0, 1) * (0.75 + 0.25 * np.sin(14 * u) * np.cos(11 * v))
a = np.stack([0.95 * light, 0.7 * light, 0.35 + 0.5 * light]) * inside
b = np.stack([filters.gaussian(c, 1.2) for c in np.roll(a, 1, axis=2)]) * np.array([1, 0.93, 1.05])[:, None, None]
b = np.clip(b + 0.02 * random.standard_normal(b.shape) * inside, 0, 1)
a, b = a.astype(np.float32), b.astype(np.float32)
(out / "a.f32").write_bytes(a.tobytes())
(out / "b.f32").write_bytes(b.tobytes())
values = {}

as_hwc = lambda image: np.ascontiguousarray(image.transpose(1, 2, 0))
error_map, mean, _ = flip_evaluator.evaluate(as_hwc(a), as_hwc(b), "LDR", applyMagma=False)
(out / "flip.f32").write_bytes(np.ascontiguousarray(error_map[..., 0], np.float32).tobytes())
values["flip"] = mean

values["psnr"] = metrics.peak_signal_noise_ratio(a, b, data_range=1)
mask = a.max(axis=0) >= 0.5 / 255
values["foreground_psnr"] = metrics.peak_signal_noise_ratio(a[:, mask], b[:, mask], data_range=1)
_, ssim_map = metrics.structural_similarity(a, b, channel_axis=0, data_range=1, gaussian_weights=True, sigma=1.5,
                                            use_sample_covariance=False, full=True)
values["ssim_valid"] = ssim_map[:, 5:-5, 5:-5].mean(dtype=np.float64)

luma = np.array([0.2125, 0.7154, 0.0721])[:, None, None]
edges = [filters.sobel((image.astype(np.float64) * luma).sum(axis=0)) for image in (a, b)]
values["edge_error"] = np.abs(edges[0] - edges[1]).mean()

pair = [torch.from_numpy(image)[None] for image in (a, b)]
values["ms_ssim"] = pytorch_msssim.ms_ssim(*pair, data_range=1).item()

torch.manual_seed(5)
network = export_lpips.build("alex", "std", random_backbone=True)
with torch.no_grad():
    for convention in ("std", "3dgs"):
        module = export_lpips.Lpips(network.network, f"lpips_alex_{convention}_random", convention == "std")
        export_lpips.to_torchscript(module.eval()).save(str(out / f"lpips_{convention}.pt"))
    values["lpips_std"] = network.network(*[2 * image - 1 for image in pair]).item()
    values["lpips_3dgs"] = network.network(*pair).item()
(out / "values.txt").write_text("".join(f"{name} {value:.9g}\n" for name, value in values.items()))
