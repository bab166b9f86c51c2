#!/usr/bin/env python3
"""Compares the path tracer with Mitsuba 3's `volpath` (llvm_ad_rgb) on the density twin of a scan: trilinear
extinction on a grid, one albedo, one Henyey-Greenstein phase function, a constant sky, a pinhole camera, a box
filter, 15 scatters. Run by compare_mitsuba.sh.

Means (--spp samples a side): prints the mean radiance of both, the number of 8 x 8 blocks whose difference is
beyond chance (Z-test at 99.9 % for all blocks together, Bonferroni) and writes ours.png, mitsuba.png,
difference.png (red: ours is brighter; full colour at 0.1) and blocks.png (block means in standard errors, full
colour at 4). Fails where a mean differs by more than 1 %, or where a block does beyond chance.

Speed (--rounds): rate / variance of all pixels and channels, in turns, best of the rounds: like for like (a
shadow ray at every scatter) and with the sky found by escape. Mitsuba is compiled and warm before it is timed.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

import numpy as np

BLOCK = 8


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--picture", required=True, help="the program pathtrace_picture")
    parser.add_argument("--data", default="example", help="example (needs RENDERFM_TEST_DATA) or phantom")
    parser.add_argument("--phase-g", type=float, default=0.0)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--spp", type=int, default=256, help="samples a side for the means; 0 leaves them out")
    parser.add_argument("--rounds", type=int, default=3, help="of the timing, 2 at least; 0 leaves it out")
    parser.add_argument("--timing-spp", type=int, default=16, help="samples of a timed picture of Mitsuba's")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("mitsuba_comparison"))
    options = parser.parse_args()
    if options.rounds == 1:
        parser.error("--rounds 1 has no second picture of Mitsuba's to take a variance from; give 0, or 2 and more")
    return options


def ours(options, **more):
    """Runs our side; returns its JSON."""
    command = [options.picture, "--scene", "twin", "--data", options.data, "--size", str(options.size)]
    command += ["--phase-g", str(options.phase_g), "--out", str(options.out / "ours")]
    for name, value in more.items():
        command += ["--" + name, str(value)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def our_image(options, name):
    values = np.fromfile(options.out / f"ours.{name}.f32", dtype="<f4")
    return values.reshape(3, options.size, options.size).transpose(1, 2, 0).astype(np.float64)


def mitsuba_scene(mi, options, twin):
    grid, camera = twin["grid"], twin["camera"]
    spacing = np.array(grid["spacing_mm"])[::-1]  # xyz
    low = np.array(grid["origin_mm"]) - spacing / 2
    size = np.array(grid["shape_zyx"])[::-1] * spacing
    sigma = np.fromfile(options.out / "ours.sigma.f32", dtype="<f4").reshape(*grid["shape_zyx"], 1)
    to_box = mi.ScalarTransform4f().translate(low.tolist()).scale(size.tolist())
    from_cube = to_box @ mi.ScalarTransform4f().translate([0.5] * 3).scale([0.5] * 3)
    return mi.load_dict({
        "type": "scene",
        "integrator": {"type": "volpath", "max_depth": 16, "hide_emitters": True},
        "sky": {"type": "constant", "radiance": 1.0},
        "body": {
            "type": "cube", "to_world": from_cube, "bsdf": {"type": "null"},
            "interior": {
                "type": "heterogeneous",
                "sigma_t": {"type": "gridvolume", "grid": mi.VolumeGrid(sigma), "to_world": to_box,
                            "wrap_mode": "clamp", "filter_type": "trilinear", "raw": True},
                "albedo": {"type": "constvolume", "value": {"type": "rgb", "value": twin["albedo"]}},
                "phase": {"type": "hg", "g": options.phase_g} if options.phase_g else {"type": "isotropic"},
            },
        },
        "sensor": {
            "type": "perspective", "fov_axis": "x",
            "fov": float(np.degrees(2 * np.arctan(options.size / 2 / camera["fx"]))),
            "near_clip": 1.0, "far_clip": 1e5,
            "to_world": mi.ScalarTransform4f().look_at(camera["position_mm"], camera["centre_mm"], [0, 0, 1]),
            "sampler": {"type": "independent"},
            "film": {"type": "hdrfilm", "width": options.size, "height": options.size, "pixel_format": "rgb",
                     "component_format": "float32", "rfilter": {"type": "box"}},
        },
    })


def block_means(image):
    count = image.shape[0] // BLOCK
    return image[:count * BLOCK, :count * BLOCK].reshape(count, BLOCK, count, BLOCK, 3).mean(axis=(1, 3))


def normal_quantile(tail):
    """z with P(|N| > z) = tail, by bisection."""
    from math import erfc, sqrt
    low, high = 0.0, 20.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if erfc(middle / sqrt(2)) > tail else (low, middle)
    return low


def write_png(mi, image, path):
    mi.Bitmap(np.ascontiguousarray(image, dtype=np.float32)).convert(
        mi.Bitmap.PixelFormat.RGB, mi.Struct.Type.UInt8, srgb_gamma=True).write(str(path))


def diverging(values, full):
    """[-full, full] of the channels' mean to blue, white, red in linear light."""
    v = np.clip(values.mean(axis=2) / full, -1, 1)
    return np.stack([np.minimum(1, 1 + v), 1 - np.abs(v), np.minimum(1, 1 - v)], axis=2)


def compare_means(mi, options, render):
    figures = ours(options, spp=options.spp, sky="escape")
    a, variance = our_image(options, "mean"), our_image(options, "variance")
    # Mitsuba says no variance: it is that of the passes' mean.
    passes = max(16, options.spp // 16)
    each = [render(options.spp // passes, seed) for seed in range(1, passes + 1)]
    b, b_variance = np.mean(each, axis=0), np.var(each, axis=0, ddof=1) / passes
    write_png(mi, a, options.out / "ours.png")
    write_png(mi, b, options.out / "mitsuba.png")
    write_png(mi, diverging(a - b, 0.1), options.out / "difference.png")

    blocks = block_means(a) - block_means(b)
    error = np.sqrt((block_means(variance) + block_means(b_variance)) / BLOCK**2)
    seen = error > 0
    z = np.where(seen, blocks / np.where(seen, error, 1), 0)
    # The channels of a block share their paths; as many tests as values is the careful count.
    limit = normal_quantile(0.001 / seen.sum())
    write_png(mi, np.kron(diverging(z, 4), np.ones((BLOCK, BLOCK, 1))), options.out / "blocks.png")
    mean_a, mean_b = a.mean(axis=(0, 1)), b.mean(axis=(0, 1))
    sigma = np.sqrt((variance + b_variance).sum(axis=(0, 1))) / a[:, :, 0].size
    print(f"mean radiance, ours    {mean_a.round(5).tolist()}  ({options.spp} samples a pixel)")
    print(f"mean radiance, Mitsuba {mean_b.round(5).tolist()}")
    print(f"difference in percent  {(100 * (mean_a / mean_b - 1)).round(3).tolist()}, "
          f"one standard error {(100 * sigma / mean_b).round(3).tolist()}")
    print(f"blocks of 8 x 8: {int(seen.sum())} values, rms {np.sqrt((z[seen] ** 2).mean()):.3f} and at most "
          f"{np.abs(z).max():.2f} standard errors; {int((np.abs(z) > limit).sum())} beyond {limit:.2f}")
    return bool(np.all(np.abs(mean_a / mean_b - 1) < 0.01) and not np.any(np.abs(z) > limit)), figures


def compare_speed(options, render):
    best = {"mitsuba": 0.0, "shadow": 0.0, "escape": 0.0}
    lines = {}

    def record(name, rate, variance):
        if rate / variance > best[name]:
            best[name] = rate / variance
            lines[name] = f"{rate / 1e6:.3f} Msamples/s, variance {variance:.4f} a sample, rate / variance "
    samples = options.size**2 * options.timing_spp
    times, images = [], []
    for turn in range(options.rounds):
        for sky in ("shadow", "escape"):
            figures = ours(options, spp=4 * options.timing_spp, sky=sky, repeat=2)
            record(sky, figures["samples_per_s"], figures["variance_per_sample"])
        start = time.perf_counter()
        images.append(render(options.timing_spp, 100 + turn))
        times.append(time.perf_counter() - start)
    # Of a picture's variance: pixels are many, so a few pictures say it to a percent.
    variance = np.var(images, axis=0, ddof=1).mean() * options.timing_spp
    record("mitsuba", samples / min(times), variance)
    names = {"mitsuba": "Mitsuba llvm volpath", "shadow": "ours, shadow rays", "escape": "ours, escape"}
    for name, title in names.items():
        times_mitsuba = f"  ({best[name] / best['mitsuba']:.1f} x)" if name != "mitsuba" else ""
        print(f"{title:22s}{lines[name]}{best[name] / 1e6:.2f} M/s{times_mitsuba}")
    print(f"{options.threads} threads, best of {options.rounds} rounds in turns; Mitsuba's pictures took "
          + ", ".join(f"{t:.2f}" for t in times) + " s")
    return best["shadow"] / best["mitsuba"] >= 15 and best["escape"] / best["mitsuba"] >= 40


def main():
    options = arguments()
    options.out.mkdir(parents=True, exist_ok=True)
    # Both programs run on the processors that they may use.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:options.threads])
    options.threads = len(os.sched_getaffinity(0))
    import drjit as dr
    import mitsuba as mi
    mi.set_variant("llvm_ad_rgb")
    dr.set_thread_count(options.threads)
    twin = ours(options, spp=2)
    scene = mitsuba_scene(mi, options, twin)

    def render(spp, seed):
        image = mi.render(scene, spp=spp, seed=seed)
        return np.array(image, dtype=np.float64)  # waits for the picture

    render(1, 0)  # compiles
    processor = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8")
                      if line.startswith("model name")), "unknown processor")
    print(f"{processor}; Mitsuba {mi.__version__} llvm_ad_rgb; twin of {options.data}, grid "
          f"{twin['grid']['shape_zyx']}, {options.size} x {options.size} pixels, g = {options.phase_g}")
    good = True
    if options.spp:
        good = compare_means(mi, options, render)[0]
        print("means: " + ("agree" if good else "DIFFER"))
    if options.rounds:
        fast = compare_speed(options, render)
        print("speed: " + ("at least 15 x like for like and 40 x by escape" if fast else "MISSED (15 x and 40 x)"))
        good = good and fast
    return 0 if good else 3


if __name__ == "__main__":
    sys.exit(main())
