#!/usr/bin/env python3
"""The tables of a run of scripts/reproduce.sh, in Markdown, every number out of its files.

  scripts/tables.py OUT

OUT holds evaluation/ and held-out/, and ablations/ where there are any. Needs Python alone.
"""
import argparse
import math
import pathlib
import sys

from run_results import METHODS, Evaluation, Missing, command_of, training_records

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAIRS = [("priming", "network"), ("network", "finetune"), ("6dgs-agp", "finetune"), ("dvr", "network")]
DIGITS = {"PSNR": 2, "SSIM": 4, "FLIP": 4}


def number(value, digits):
    return "–" if math.isnan(value) else f"{value:.{digits}f}"


def seconds_text(value):
    """Three figures at most: 0.74, 21.3, 856."""
    if math.isnan(value) or value <= 0:
        return "–"
    return f"{value:.{max(0, 1 - math.floor(math.log10(value)))}f}" if value < 100 else f"{value:.0f}"


def code(command):
    return f"`{command}`" if command else ""


def row(*cells):
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def table(head, rows):
    return [row(*head), "|" + "---|" * len(head), *rows]


def methods_table(evaluation, out):
    lines = [f"Means over the held-out views of {len(evaluation.cases)} cases (scan × look); means over other views do "
             "not compare, the paired differences below do:", ""]
    rows = []
    for method in evaluation.methods:
        means = evaluation.summary[method]
        views = sum(len(result["views"]) for (_, name), result in evaluation.results.items() if name == method)
        gaussians = f"{means['gaussians']:,}".replace(",", " ") if means["gaussians"] else "–"
        rows.append(row(METHODS.get(method, method), views, *(number(means.get(m, math.nan), DIGITS[m]) for m in DIGITS),
                        seconds_text(means["preparation_s"]), gaussians,
                        code(command_of(out, f"evaluation-{method}"))))
    return lines + table(["method", "views", "PSNR (dB)", "SSIM", "FLIP", "time (s)", "Gaussians", "command"], rows)


def looks_table(evaluation):
    lines = ["By scan and look: PSNR (dB) / SSIM / FLIP, and the time to prepare a case. Seen looks are presets; "
             "training drew no curve like the unseen ones. The commands are those above.", ""]
    rows = []
    for (scan, family), cases in evaluation.groups().items():
        cells = []
        for method in evaluation.methods:
            values = " / ".join(number(evaluation.mean(cases, method, metric), digits)
                                for metric, digits in (("PSNR", 2), ("SSIM", 3), ("FLIP", 3)))
            cells.append(f"{values}, {seconds_text(evaluation.seconds(cases, method))} s")
        rows.append(row(scan, family, *cells))
    return lines + table(["scan", "look", *(METHODS.get(m, m) for m in evaluation.methods)], rows)


def differences_table(evaluation):
    lines = ["Paired differences and their 95 % intervals (renderfm-eval's bootstrap over cases, then views). FLIP "
             "is an error: less is better. Time is that of the first as a multiple of the second's.", ""]
    rows = []
    for start, end in PAIRS:
        if start not in evaluation.methods or end not in evaluation.methods:
            continue
        subsets = [("all", list(evaluation.cases))]
        subsets += [(f"{scan}, {family}", cases) for (scan, family), cases in evaluation.groups().items()]
        for name, cases in subsets:
            found = {metric: evaluation.difference(start, end, metric, cases) for metric in DIGITS}
            if None in found.values():
                continue
            cells = [f"{mean:+.{d}f} [{low:+.{d}f}, {high:+.{d}f}]"
                     for (mean, low, high, _), d in zip(found.values(), DIGITS.values())]
            ratio = evaluation.seconds(cases, end) / evaluation.seconds(cases, start)
            rows.append(row(f"{METHODS[end]} less {METHODS[start]}", name, found["PSNR"][3], *cells,
                            f"{seconds_text(ratio)} ×"))
    if not rows:
        return []
    return lines + table(["difference", "scan, look", "views", "PSNR (dB)", "SSIM", "FLIP", "time"], rows)


VARIANTS = {"labels-none": "no labels: tissues estimated from the CT",
            "labels-eroded": "every organ without its outermost voxels",
            "labels-dilated": "every organ larger by a voxel all around",
            "labels-missing": "a third of the organs not labelled",
            "spacing-1.5": "the CT resampled to 1.5 mm", "spacing-3": "the CT resampled to 3 mm",
            "noise": "white noise of 25 HU on every voxel"}


def robustness_table(evaluation):
    """What a worse scan or worse labels cost, against the views of the true scan."""
    lines = ["What the methods make of a worse scan, judged by the views of the true one, and how that differs from the "
             "scan as it is (paired, 95 % intervals), by the commands above:", ""]
    rows = []
    worse = [method.split("@", 1) for method in evaluation.robustness]
    known = list(VARIANTS)
    for base, variant in sorted(worse, key=lambda row: known.index(row[1]) if row[1] in known else len(known)):
        method = f"{base}@{variant}"
        cases = [case for (case, name) in evaluation.results if name == method]
        found = {metric: evaluation.difference(base, method, metric, cases) for metric in DIGITS}
        if None in found.values():
            continue
        rows.append(row(VARIANTS.get(variant, variant), METHODS.get(base, base), found["PSNR"][3],
                        *(f"{number(evaluation.mean(cases, method, metric), d)}, {mean:+.{d}f} [{low:+.{d}f}, {high:+.{d}f}]"
                          for (metric, (mean, low, high, _)), d in zip(found.items(), DIGITS.values()))))
    if not rows:
        return []
    return lines + table(["scan or labels", "method", "views", "PSNR (dB)", "SSIM", "FLIP"], rows)


def purpose(name):
    """What an ablation's config says of itself in its first line."""
    path = ROOT / "configs" / "ablation" / f"{name}.yaml"
    if not path.is_file():
        return "the whole method"
    return path.read_text().splitlines()[0].removeprefix("# One change to the defaults: ").rstrip(".")


def ablations_table(out):
    runs = [path for path in sorted((out / "ablations").glob("*")) if (path / "metrics.jsonl").is_file()]
    runs.sort(key=lambda path: path.name != "base")
    rows, base, views = [], None, set()
    for run in runs:
        records = training_records(run, "validation")
        if not records:
            raise Missing(f"{run}/metrics.jsonl has no validation; delete {run} and run again")
        last = records[-1]
        if run.name == "base":
            base = last
        views.add(int(last["views"]))
        change = "" if base in (None, last) else f"{last['psnr'] - base['psnr']:+.2f}"
        begin = next((f"{record['psnr']:.2f}" for record in records if record["step"] == 0), "–")
        rows.append(row(run.name, purpose(run.name), last["step"], begin, f"{last['psnr']:.2f}", change,
                        f"{last['ssim']:.4f}", code(command_of(out, f"ablation-{run.name}"))))
    if not rows:
        return []
    lines = [f"Ablations, each trained by itself for the steps that stand there, judged on the same "
             f"{', '.join(map(str, sorted(views)))} held-out views of the validation patients:", ""]
    return lines + table(["run", "change", "steps", "PSNR before (dB)", "PSNR after (dB)", "to base (dB)", "SSIM after",
                          "command"], rows)


def tables(out):
    evaluation = Evaluation(out / "evaluation", out / "held-out")
    parts = [methods_table(evaluation, out), looks_table(evaluation), differences_table(evaluation),
             robustness_table(evaluation), ablations_table(out)]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path, help="folder of scripts/reproduce.sh")
    try:
        sys.stdout.write(tables(parser.parse_args().out))
    except Missing as missing:
        print(f"error: {missing}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
