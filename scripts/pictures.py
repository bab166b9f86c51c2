#!/usr/bin/env python3
"""Figures of a run of scripts/reproduce.sh: one for each held-out scan, a row for each look, from left to right the
path-traced picture and what the methods draw.

  scripts/pictures.py OUT [--methods priming,network,finetune,6dgs-agp] [--into OUT/pictures]

A row shows the held-out view that is the median by PSNR of the first of --judge that was measured, so no view is
chosen for its looks; its name stands in the caption. All pictures of a row are cut to what the path-traced one shows;
PSNR is that of the whole view. Needs Pillow.
"""
import argparse
import os
import pathlib
import sys

from PIL import Image, ImageDraw, ImageFont

from run_results import METHODS, Evaluation, Missing

CAPTION, GAP, MARGIN = 22, 4, 8  # pixels
BLACK = 8  # of 255: noise of a path-traced background is below


def opened(path):
    if not path.is_file():
        raise Missing(f"the picture {path} is missing; delete its folder and run renderfm-eval again")
    return Image.open(path).convert("RGB")


def median_view(evaluation, case, judge):
    result = evaluation.results[case, judge]
    ranked = sorted(zip(result["per_view"]["PSNR"], result["views"]))
    return ranked[len(ranked) // 2][1]


def content(picture):
    """The box of what is not black, with a margin; the whole picture where all is black."""
    box = picture.convert("L").point(lambda level: 255 if level > BLACK else 0).getbbox()
    if box is None:
        return 0, 0, picture.width, picture.height
    return (max(0, box[0] - MARGIN), max(0, box[1] - MARGIN), min(picture.width, box[2] + MARGIN),
            min(picture.height, box[3] + MARGIN))


def tile(picture, caption, size, font):
    """The picture under its caption, about `size` wide or high; small ones are enlarged pixel by pixel."""
    factor = max(1, round(size / max(picture.size)))
    picture = picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)
    # As wide as its caption at least.
    result = Image.new("RGB", (max(picture.width, int(font.getlength(caption)) + 6), picture.height + CAPTION), "white")
    result.paste(picture, (0, CAPTION))
    ImageDraw.Draw(result).text((3, 3), caption, fill="black", font=font)
    return result


def stacked(images, horizontal):
    width = sum(i.width + GAP for i in images) - GAP if horizontal else max(i.width for i in images)
    height = max(i.height for i in images) if horizontal else sum(i.height + GAP for i in images) - GAP
    result, at = Image.new("RGB", (width, height), "white"), 0
    for image in images:
        result.paste(image, (at, 0) if horizontal else (0, at))
        at += (image.width if horizontal else image.height) + GAP
    return result


def figure(evaluation, cases, methods, judge, size):
    font, lines = ImageFont.load_default(14), []
    for case in cases:
        view = median_view(evaluation, case, judge)
        folder = evaluation.dataset / case
        truth = opened((folder if folder.is_dir() else evaluation.dataset) / "views" / f"{view}.png")
        look = case.removeprefix(evaluation.cases[case]["scan"]).lstrip("-") or "preset"
        box = content(truth)
        tiles = [tile(truth.crop(box), f"path-traced: {look}, view {view}", size, font)]
        for method in methods:
            result = evaluation.results.get((case, method))
            if result is None:
                continue
            psnr = result["per_view"]["PSNR"][result["views"].index(view)]
            picture = opened(evaluation.folder / "cases" / case / method / f"{view}.png")
            tiles.append(tile(picture.crop(box), f"{METHODS.get(method, method)}, {psnr:.2f} dB", size, font))
        lines.append(stacked(tiles, horizontal=True))
    return stacked(lines, horizontal=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path, help="folder of scripts/reproduce.sh")
    parser.add_argument("--evaluation", type=pathlib.Path, help="renderfm-eval's folder, if not OUT/evaluation")
    parser.add_argument("--dataset", type=pathlib.Path, help="what it measured, if not OUT/held-out")
    parser.add_argument("--methods", default="priming,network,finetune,6dgs-agp")
    parser.add_argument("--judge", default="network,finetune,priming")
    parser.add_argument("--into", type=pathlib.Path, help="folder of the figures, if not OUT/pictures")
    parser.add_argument("--size", type=int, default=256, help="pixels of a picture's longer side, about")
    options = parser.parse_args()
    into = options.into or options.out / "pictures"
    try:
        evaluation = Evaluation(options.evaluation or options.out / "evaluation",
                                options.dataset or options.out / "held-out")
        methods = [m for m in options.methods.split(",") if m in evaluation.methods]
        judge = next((m for m in options.judge.split(",") if m in evaluation.methods), evaluation.methods[0])
        into.mkdir(parents=True, exist_ok=True)
        scans = {}
        for (scan, _), cases in evaluation.groups().items():
            scans.setdefault(scan, []).extend(c for c in cases if (c, judge) in evaluation.results)
        for scan, cases in scans.items():
            if not cases:
                continue
            path = into / f"{scan}.png"
            figure(evaluation, cases, methods, judge, options.size).save(f"{path}.part", format="PNG", optimize=True)
            os.replace(f"{path}.part", path)
            print(path)
    except Missing as missing:
        print(f"error: {missing}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
