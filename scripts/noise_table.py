#!/usr/bin/env python3
"""How good path-traced pictures are: PSNR of 16, 64 and 256 samples a pixel, raw and denoised, against 4096 samples
of other random numbers, as the rows of a Markdown table.

  scripts/noise_table.py --scene NAME CT LABELS TF AZIMUTH ... [--size 192] [--rig uniform]

PSNR is that of 8-bit sRGB pictures, over the whole frame / over the pixels that show the body; seconds are those
that renderfm-render -v tells of tracing and denoising, reading and set-up apart. Needs numpy and pillow.
  --seconds-only PSNR is left out and only a denoised picture of 64 samples at 256 x 256 is timed, best of three
"""
import argparse
import math
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parent.parent


def draw(options, scene, out, samples, seed, denoised, size):
    """Draws one picture: its pixels as floats in [0, 255], and the seconds of tracing and of finishing it."""
    _, ct, labels, tf, azimuth = scene
    command = [options.program, ct, out, "--labels", labels, "--tf", tf, "--azimuth", azimuth, "--elevation", "10",
               "--path-trace", "--rig", options.rig, "--samples", samples, "--seed", seed, "--size",
               f"{size}x{size}", "--device", "cpu", "-v", "--denoise" if denoised else "--no-denoise"]
    done = subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True)
    seconds = [float(s) for s in re.search(r"traced in ([\d.]+) s, finished in ([\d.]+) s", done.stderr).groups()]
    return np.asarray(Image.open(out).convert("RGB"), dtype=np.float64), seconds


def psnr(a, b, where=None):
    squared = (a - b) ** 2
    return 10 * math.log10(255**2 / (squared if where is None else squared[where]).mean())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scene", nargs=5, action="append", required=True,
                        metavar=("NAME", "CT", "LABELS", "TF", "AZIMUTH"))
    parser.add_argument("--size", type=int, default=192)
    parser.add_argument("--rig", default="uniform")
    parser.add_argument("--reference-samples", type=int, default=4096)
    parser.add_argument("--seconds-only", action="store_true")
    parser.add_argument("--program", default=ROOT / "build/release/bin/renderfm-render")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "picture.png"
        for scene in options.scene:
            if options.seconds_only:
                views = [draw(options, scene, out, 64, 1, True, 256) for _ in range(3)]
                seconds = min((view[1] for view in views), key=sum)
                share = 100 * (views[0][0].sum(axis=2) > 0).mean()
                print(f"{scene[0]} ({share:.0f} % of the pixels show the body, rig {options.rig}): 256 x 256, "
                      f"64 samples, denoised: {seconds[0]:.2f} + {seconds[1]:.2f} s", flush=True)
                continue
            truth, _ = draw(options, scene, out, options.reference_samples, 4711, False, options.size)
            body = truth.sum(axis=2) > 0
            for samples in (16, 64, 256):
                cells = []
                for denoised in (False, True):
                    picture, _ = draw(options, scene, out, samples, 1, denoised, options.size)
                    cells.append(f"{psnr(picture, truth):.1f} / {psnr(picture, truth, body):.1f}")
                print(f"| {scene[0]} ({100 * body.mean():.0f} % body) | {samples} | {cells[0]} | {cells[1]} |",
                      flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
