#!/usr/bin/env python3
"""What the training of Render-FM's paper (991 scans at 1.5 mm; configs/paper.yaml, configs/prepare/paper.yaml) would
cost with this code: GPU-hours, hours of path tracing, storage and network traffic, as a Markdown table.

  scripts/cluster/estimate.py DATA

An ESTIMATE. Counted: the network's operations and weights, cases, views, samples. Measured: bytes of a case, on the
data set DATA of renderfm-prepare. All else is an option, whose help says where its default comes from; the table names
those it used. Needs Python alone.
"""
import argparse
import json
import math
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
from settings import read_settings  # noqa: E402


class Network:
    """Operations of the plain nnU-Net: two per multiply-add of its convolutions, as torch.utils.flop_counter counts
    them; norms, activations and biases are left out."""

    def __init__(self, settings):
        plan = "plan.network."
        self.features, self.greatest = int(settings[plan + "base_features"]), int(settings[plan + "max_features"])
        self.encoder_convs, self.decoder_convs = (int(settings[f"{plan}{part}_convs"]) for part in ("encoder", "decoder"))
        self.stages = int(settings[plan + "stages"])
        self.channels_in, self.channels_out = 6, 37

    def width(self, stage):
        return min(self.features << stage, self.greatest)

    def layers(self):
        """(kernel voxels, channels in, channels out, stage at whose voxels it is counted, has a norm), in order."""
        for stage in range(self.stages):
            below = self.channels_in if stage == 0 else self.width(stage - 1)
            for conv in range(self.encoder_convs):
                yield 27, below if conv == 0 else self.width(stage), self.width(stage), stage, True
        for stage in range(self.stages - 2, -1, -1):
            # Transposed, stride 2: every input voxel, at the stage below, makes eight output voxels.
            yield 8, self.width(stage + 1), self.width(stage), stage + 1, False
            for conv in range(self.decoder_convs):
                yield 27, (2 if conv == 0 else 1) * self.width(stage), self.width(stage), stage, True
        yield 1, self.width(0), self.channels_out, 0, False

    def padded(self, sides):
        """Sides rounded up to what the network can halve."""
        multiple = 2 ** (self.stages - 1)
        return [math.ceil(side / multiple) * multiple for side in sides]

    def forward_flops(self, sides):
        voxels = math.prod(self.padded(sides))
        return sum(2 * kernel * below * above * voxels // 8**stage for kernel, below, above, stage, _ in self.layers())

    def training_flops(self, sides):
        """Forward, and gradients of weights and of inputs; nobody asks for the gradient of the network's own input."""
        kernel, below, above, _, _ = next(self.layers())
        return 3 * self.forward_flops(sides) - 2 * kernel * below * above * math.prod(self.padded(sides))

    def weights(self):
        return sum(kernel * below * above + above * (3 if norm else 1)  # bias; scale and shift of the norm
                   for kernel, below, above, _, norm in self.layers())


class MeasuredCases:
    """Bytes on disk of the cases of a data set, per voxel and per pixel."""

    def __init__(self, folder):
        voxels, box_voxels, pixels = 0, 0, {"train": 0, "test": 0}
        volume_bytes, point_bytes, picture_bytes, self.cases = 0, 0, {"train": 0, "test": 0}, 0
        for path in sorted(pathlib.Path(folder).glob("*/case.json")):
            case = json.loads(path.read_text())
            voxels += math.prod(case["geometry"]["shape_zyx"])
            box_voxels += math.prod(case["box"]["shape_zyx"])
            volume_bytes += sum((path.parent / name).stat().st_size for name in ("ct.nii.gz", "labels.nii.gz"))
            point_bytes += (path.parent / "points3d.ply").stat().st_size
            for kind in pixels:
                cameras = path.parent / f"transforms_{kind}.json"
                frames = json.loads(cameras.read_text())["frames"] if cameras.is_file() else []
                for frame in frames:
                    picture = path.parent / frame["file_path"]  # NeRF's files may leave the suffix out
                    picture_bytes[kind] += (picture if picture.suffix else picture.with_suffix(".png")).stat().st_size
                pixels[kind] += len(frames) * case["views"]["width"] * case["views"]["height"]
            self.cases += 1
        if self.cases == 0 or not all(pixels.values()):
            raise ValueError(f"{folder} holds no finished cases with training and test views")
        self.per_voxel, self.points_per_voxel = volume_bytes / voxels, point_bytes / box_voxels
        self.per_pixel = {kind: picture_bytes[kind] / pixels[kind] for kind in pixels}

    def case_bytes(self, voxels, box_voxels, pixels_train, pixels_test):
        return (self.per_voxel * voxels + self.points_per_voxel * box_voxels + self.per_pixel["train"] * pixels_train +
                self.per_pixel["test"] * pixels_test)


def ring_bytes(weights, processes):
    """What each process sends for one sum of float32 gradients over a ring: every part goes round twice."""
    return 2 * (processes - 1) / processes * weights * 4


def exposed_seconds(transfer_s, backward_s, overlap):
    """The part of the sum that the backward pass does not hide."""
    return transfer_s - min(transfer_s, backward_s) * overlap


def estimate(options, network, train, prepare, measured):
    """Numbers by name, in base units."""
    boxes, whole = int(prepare["scenes.boxes"]), int(prepare["scenes.whole"])
    box, halo = int(prepare["scenes.box_voxels"]), int(prepare["scenes.halo_voxels"])
    fine, coarse = float(prepare["scenes.spacing"]), float(prepare["scenes.whole_spacing_mm"])
    whole_voxels = options.scan_voxels * (fine / coarse) ** 3
    side = round(whole_voxels ** (1 / 3))
    presets = len(prepare["looks.presets"].split(","))
    train_looks, held_out_looks = presets + int(prepare["looks.random"]), presets + int(prepare["looks.unseen"])
    train_cases = options.scans * (boxes + whole) * train_looks
    held_out_cases = options.held_out_scans * (boxes + whole) * held_out_looks
    cases, box_share = train_cases + held_out_cases, boxes / (boxes + whole)

    width, height = (int(text) for text in prepare["views.size"].strip("[]").split(","))
    views, test_views = int(prepare["views.train"]), int(prepare["views.test"])
    pixels = width * height
    samples = cases * pixels * (views * int(prepare["views.samples"]) + test_views * int(prepare["views.test_samples"]))
    one_box = measured.case_bytes((box + 2 * halo) ** 3, box**3, views * pixels, test_views * pixels)
    one_whole = measured.case_bytes(whole_voxels, whole_voxels, views * pixels, test_views * pixels)
    case_bytes = box_share * one_box + (1 - box_share) * one_whole

    steps, batch, drawn = (int(train[f"optimizer.{key}"]) for key in ("steps", "batch", "views"))
    flops = (box_share * network.training_flops([box + 2 * halo] * 3) +
             (1 - box_share) * network.training_flops([side] * 3))
    network_s = flops / (options.peak_tflops * 1e12 * options.utilisation)
    draw_s = drawn * options.draw_ms / 1000
    per_process = batch / options.gpus
    # Two thirds of the operations, and of the drawing's time, are the backward pass.
    backward_s = per_process * (network_s + draw_s) * 2 / 3
    sent = ring_bytes(network.weights(), options.gpus)
    transfer_s = sent / (options.network_gb_per_s * 1e9)
    exposed_s = exposed_seconds(transfer_s, backward_s, options.overlap)
    step_s = per_process * (network_s + draw_s) + exposed_s
    return {
        "train_cases": train_cases, "held_out_cases": held_out_cases, "samples": samples, "case_bytes": case_bytes,
        "storage": cases * case_bytes, "flops": flops, "weights": network.weights(), "network_s": network_s,
        "draw_s": draw_s, "sent": sent, "transfer_s": transfer_s, "exposed_s": exposed_s, "step_s": step_s,
        "steps": steps, "batch": batch, "days": steps * step_s / 86400,
        "gpu_hours": steps * step_s * options.gpus / 3600,
        "cpu_core_hours": samples / options.cpu_samples_per_s / 3600,
        "gpu_tracing_hours": samples / options.gpu_samples_per_s / 3600, "read": steps * batch * case_bytes,
        "sent_in_all": steps * sent * options.gpus, "side": side, "box_side": box + 2 * halo,
    }


def grouped(value):
    return f"{value:,.0f}".replace(",", " ")


def report(options, e, measured):
    def row(*cells):
        return "| " + " | ".join(cells) + " |"

    rows = [
        row("cases", f"{grouped(e['train_cases'])} to train on, {grouped(e['held_out_cases'])} held out",
            f"{options.scans} and {options.held_out_scans} scans × looks × scenes"),
        row("path tracing, CPU", f"{grouped(e['cpu_core_hours'])} core hours",
            f"{e['samples']:.2e} samples at {options.cpu_samples_per_s:.2g} a second and core"),
        row("or path tracing, GPU", f"{e['gpu_tracing_hours']:.0f} GPU-hours",
            f"{options.gpu_samples_per_s:.2g} samples a second, *assumed*"),
        row("storage", f"{e['storage'] / 1e9:.0f} GB", f"{e['case_bytes'] / 1e6:.1f} MB a case, scaled by voxels and "
            f"pixels from {measured.cases} cases"),
        row("network, a sample forward and back", f"{e['flops'] / 1e12:.1f} TFLOP",
            f"counted; boxes of {e['box_side']}³, whole scans of {e['side']}³ voxels; {e['weights'] / 1e6:.1f} M "
            "weights"),
        row("time of a sample", f"{e['network_s'] + e['draw_s']:.2f} s", f"network {e['network_s']:.2f} s at "
            f"{options.utilisation:.0%} of {options.peak_tflops:g} TFLOP/s, drawing {e['draw_s']:.2f} s, *assumed*"),
        row("sum over processes, a step", f"{e['sent'] / 1e6:.0f} MB sent by each, {e['transfer_s'] * 1e3:.0f} ms, "
            f"{e['exposed_s'] * 1e3:.0f} ms of them not hidden",
            f"weights × 4 bytes over a ring of {options.gpus} at {options.network_gb_per_s:g} GB/s, *assumed*"),
        row("training", f"{grouped(e['gpu_hours'])} GPU-hours, {e['days']:.1f} days on {options.gpus}",
            f"{grouped(e['steps'])} steps of {e['batch']} samples; half or twice of it where the GPU is twice or half "
            "as fast as assumed"),
        row("network traffic, training",
            f"{e['read'] / 1e12:.0f} TB read, {e['sent_in_all'] / 1e12:.0f} TB of gradients", "every sample read from disk, no cache"),
    ]
    return "\n".join(["**ESTIMATE: counted and assumed; nothing in it has been measured on a GPU.**", "",
                      row("what", "estimate", "from"), "|---|---|---|", *rows]) + "\n"


def parser():
    result = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    result.add_argument("data", type=pathlib.Path, help="data set of renderfm-prepare whose bytes are measured")
    add = lambda name, default, why, kind=float: result.add_argument(  # noqa: E731
        name, type=kind, default=default, help=f"{why} (default: {default:g})")
    add("--scans", 991, "training scans of the paper", int)
    add("--held-out-scans", 237, "the other scans of TotalSegmentator 2.01, which has 1228", int)
    add("--scan-voxels", 11.0e6, "of a scan at 1.5 mm: TotalSegmentator's own test file is 122 x 101 x 112 at 3 mm")
    add("--gpus", 8, "processes, one for each GPU; divides the batch", int)
    add("--peak-tflops", 312, "bf16 of an A100, by its data sheet")
    add("--utilisation", 0.2, "of the peak; assumed: convolutions of 32 channels and norms are bound by memory")
    add("--draw-ms", 20, "one view of 512 x 512, forward, loss and back; assumed, our kernels have not run on a GPU")
    add("--network-gb-per-s", 3, "between processes; assumed: Gloo over TCP, through host memory, on 25 Gb/s or faster")
    add("--overlap", 0.9, "share of the backward pass that can hide the sum; assumed: its last buckets cannot")
    add("--cpu-samples-per-s", 9.4e5, "paths a second and core; README: 512 x 512 at 64 samples in 8.9 s on two cores")
    add("--gpu-samples-per-s", 1e8, "paths a second on a GPU; assumed, as fast as a hundred cores")
    return result


def main():
    options = parser().parse_args()
    train = read_settings(ROOT / "configs/default.yaml") | read_settings(ROOT / "configs/paper.yaml")
    prepare = read_settings(ROOT / "configs/prepare/paper.yaml")
    if options.gpus < 1 or int(train["optimizer.batch"]) % options.gpus:
        print(f"error: --gpus {options.gpus} does not divide the batch of {train['optimizer.batch']}", file=sys.stderr)
        return 1
    try:
        measured = MeasuredCases(options.data)
    except (OSError, ValueError, KeyError) as error:
        print(f"error: {options.data} cannot be measured: {error}", file=sys.stderr)
        return 2
    sys.stdout.write(report(options, estimate(options, Network(train), train, prepare, measured), measured))
    return 0


if __name__ == "__main__":
    sys.exit(main())
