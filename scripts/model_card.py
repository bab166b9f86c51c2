#!/usr/bin/env python3
"""The card of a model, in Markdown on stdout: every figure out of the run that trained it, the file itself and its
measurement on held-out scans. What a file does not hold is not said.

  scripts/model_card.py RUN MODEL EVALUATION [--dataset HELD_OUT] >models/README.md

RUN is renderfm-train's folder (its last part, where a model was trained in parts), MODEL what --export wrote,
EVALUATION renderfm-eval's folder. Needs Python alone.
"""
import argparse
import hashlib
import math
import pathlib
import sys

from run_results import METHODS, Evaluation, Missing, safetensors_header, training_records
from settings import read_settings
from tables import DIGITS, number, row, seconds_text, table


def description(metadata, weights, model):
    plan = metadata["plan"]
    net = plan["network"]
    count = sum(math.prod(shape) for shape in weights.values())
    size = model.stat().st_size
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    return [
        f"# {plan['name']}", "",
        f"A network for `renderfm-infer --model {model.name}`: CT, transfer function and organ labels to a correction of "
        "the primed 6D Gaussian of every visible voxel. **Research software: not a medical device, not for "
        "diagnosis.**", "",
        f"- **File.** `{model.name}`, {size / 1e6:.1f} MB, {count / 1e6:.2f} M weights; SHA-256 `{digest}`.",
        f"- **Network.** Plain nnU-Net of {net['stages']} stages, {net['base_features']} features doubling up to "
        f"{net['max_features']}, {net['in_channels']} channels in and {net['out_channels']} out; tiles of "
        f"{' × '.join(map(str, plan['patch_zyx']))} voxels, spacing from {plan['spacing_mm']} mm on; it starts from "
        f"{plan['start']} Gaussians, makes none narrower than {plan.get('least_sigma_voxels', 0)} voxels and "
        f"{'sees' if plan['mask_channel'] else 'does not see'} the mask.",
    ]


def recipe(settings, run, metadata, begun_from):
    info = metadata["plan"].get("info", {})
    key = lambda name: settings[name]  # noqa: E731
    lines = [
        f"- **Recipe.** AdamW, rate {key('optimizer.lr')} after {key('optimizer.warmup_steps')} steps of warm-up, down "
        f"a cosine over {key('optimizer.steps')} steps; {key('optimizer.batch')} sample(s) of {key('optimizer.views')} "
        f"views a step; loss {key('loss.l1')} L1 + {key('loss.ssim')} (1 − SSIM); average of the weights with decay "
        f"{key('optimizer.ema_decay')}; seed {key('seed')}."]
    if "step" in info:
        lines.append(f"- **Place in the schedule.** The weights after step {info['step']} of {key('optimizer.steps')}"
                     + (f", by commit `{info['commit']}`." if info.get("commit") else "."))
    begun_from = begun_from or info.get("begun_from")
    if begun_from:
        lines.append(f"- **Begun from.** {begun_from}.")
    training = training_records(run, "train")
    if training and all("step_s" in record for record in training):
        median = sorted(record["step_s"] for record in training)[len(training) // 2]
        lines.append(f"- **Speed.** A step took {median:.2f} s (median).")
    return lines


def data(settings, run):
    folder = pathlib.Path(settings.get("data.folder", ""))
    lines = [f"- **Data.** The data set `{folder.name}`"]
    prepare = next((path for path in (folder / "prepare.yaml", run.parent / folder.name / "prepare.yaml")
                    if path.is_file()), None)
    if prepare:
        scans, phantoms = [], 0
        for line in prepare.read_text().splitlines():
            key, _, value = line.strip().removeprefix("- ").partition(":")
            if key == "ct":
                scans.append(pathlib.Path(value.strip().strip('"')).name)
            elif key == "phantoms":
                phantoms += int(value)
        made = read_settings(prepare)
        named = "".join(f"{scan}, " for scan in dict.fromkeys(scans))
        size = made["views.size"].strip("[]").replace(", ", " × ")
        close_ups = float(made.get("views.close_ups", 0))
        lines[0] += (f": {named}{phantoms} made-up patients, training and validation; {made['views.train']} views of {size} "
                     f"pixels a case, path-traced with {made['views.samples']} samples"
                     + (f", {close_ups:.0%} of them close-ups" if close_ups > 0 else ""))
    lines[0] += "."
    return lines


def choice(run, metadata):
    records = [r for r in training_records(run, "validation") if r["step"] > 0]
    if not records:
        return []
    best = max(records, key=lambda r: r["psnr"])
    step = metadata["plan"].get("info", {}).get("step")
    lines = [f"- **Choice.** By {len(records)} validation(s) of this run, on {best['views']:.0f} views of validation "
             f"patients that training does not see, the best had {best['psnr']:.2f} dB (SSIM {best['ssim']:.4f}) after step "
             f"{best['step']}; renderfm-train opens no case of the split `test`."]
    if step is not None and int(step) != best["step"]:
        lines[0] += f" This file is of step {step}, not of that one."
    start = next((r for r in training_records(run, "validation") if r["step"] == 0), None)
    if start:
        lines[0] += f" Where the run began, the same views had {start['psnr']:.2f} dB."
    return lines


def quality(evaluation):
    methods = [m for m in ("priming", "network", "finetune") if m in evaluation.methods]
    rows = [row(scan, family, METHODS[method],
                *(number(evaluation.mean(cases, method, metric), digits) for metric, digits in DIGITS.items()),
                seconds_text(evaluation.seconds(cases, method)))
            for (scan, family), cases in evaluation.groups().items() for method in methods]
    lines = ["", "## Measured", "", "On scans that took no part in training, choice of looks or early stop; means over "
             "held-out path-traced views. Seen looks are presets, unseen ones are curves like none in training.", "",
             *table(["scan", "look", "method", *DIGITS, "time (s)"], rows)]
    gain = {m: evaluation.difference("priming", "network", m, list(evaluation.cases)) for m in DIGITS}
    if None not in gain.values():
        lines += ["", "Network less priming over all of these views, with 95 % intervals: " + ", ".join(
            f"{metric} {mean:+.{DIGITS[metric]}f} [{low:+.{DIGITS[metric]}f}, {high:+.{DIGITS[metric]}f}]"
            for metric, (mean, low, high, _) in gain.items()) + " (FLIP: less is better)."]
    return lines


LIMITS = """
## Limits

- Trained on few scans and on made-up patients: what it has not met, such as implants, other scanners or rare anatomy,
  it may draw wrongly. Its pictures are to be judged against the CT, never instead of it.
- Colours follow the transfer function, lit by a uniform sky; other light is not learned.
- It learns from pictures of a few hundred pixels. Drawn much larger, edges are as soft as its Gaussians are wide: about half
  a voxel.
- Where labels are wrong or missing, what depends on organs is wrong with them.
- Nothing here was tried for a clinical purpose. Not for diagnosis.

## Licence

Apache-2.0, as the code; see `LICENSE`. Scans, where the data set names any, are TotalSegmentator's public test files
(Apache-2.0); none of them is in the file."""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=pathlib.Path)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("evaluation", type=pathlib.Path)
    parser.add_argument("--dataset", type=pathlib.Path, help="what EVALUATION measured; by default held-out beside it")
    parser.add_argument("--begun-from", help="what --init named, in words; by default what the network says itself")
    options = parser.parse_args()
    try:
        metadata, weights = safetensors_header(options.model)
        settings = read_settings(options.run / "config.yaml")
        evaluation = Evaluation(options.evaluation, options.dataset or options.evaluation.parent / "held-out")
        lines = [*description(metadata, weights, options.model), *data(settings, options.run),
                 *recipe(settings, options.run, metadata, options.begun_from), *choice(options.run, metadata),
                 *quality(evaluation), LIMITS]
    except (Missing, OSError, ValueError, KeyError) as error:
        print(f"error: the card cannot be filled: {error}", file=sys.stderr)
        return 2
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
