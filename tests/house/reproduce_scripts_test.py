"""The formulas of scripts/tables.py, scripts/model_card.py and scripts/cluster/estimate.py: on numbers that can be
reckoned by hand, against intervals that renderfm-eval wrote, and against PyTorch's own count of operations where its
package is installed (else that one case is left out, and the reason printed)."""

import contextlib
import io
import json
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "scripts/cluster")]
import estimate  # noqa: E402
import model_card  # noqa: E402
import tables  # noqa: E402
from paired_bootstrap import draws, paired_bootstrap  # noqa: E402
from run_results import Evaluation, Missing  # noqa: E402
from settings import read_settings  # noqa: E402


def plan(features, greatest, stages, encoder=2, decoder=2):
    values = {"base_features": features, "max_features": greatest, "stages": stages, "encoder_convs": encoder,
              "decoder_convs": decoder}
    return estimate.Network({f"plan.network.{key}": value for key, value in values.items()})


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


def make_run(out):
    """Two scans, one of them under two looks; fine-tuning is exactly 5 dB above 6DGS + AGP in every view."""
    psnr = {"priming": {"a-auto": [20, 22], "a-unseen00": [10, 12], "b-auto": [30, 32]}}
    psnr["network"] = {case: [v + 2 for v in values] for case, values in psnr["priming"].items()}
    psnr["finetune"] = {case: [v + 9 for v in values] for case, values in psnr["priming"].items()}
    psnr["6dgs-agp"] = {case: [v + 4 for v in values] for case, values in psnr["priming"].items()}
    psnr["network@noise"] = {"a-auto": [21, 23]}
    seconds = {"priming": 1, "network": 2, "finetune": 10, "6dgs-agp": 400, "network@noise": 2}
    summary, per_view = {}, {}
    for method, cases in psnr.items():
        values = {f"{case}/{v:03}": value for case, row in cases.items() for v, value in enumerate(row)}
        per_view[method] = {"PSNR": values, "SSIM": {k: v / 100 for k, v in values.items()},
                            "FLIP": {k: 1 - v / 100 for k, v in values.items()}}
        summary[method] = {"PSNR": sum(values.values()) / len(values), "SSIM": 0.5, "FLIP": 0.25,
                           "preparation_s": seconds[method], "gaussians": 123456}
        for case, row in cases.items():
            write(out / "evaluation/cases" / case / method / "result.json",
                  {"method": method, "case": case, "views": ["000", "001"], "per_view": {"PSNR": row},
                   "preparation_s": seconds[method]})
    for case in psnr["priming"]:
        write(out / "held-out" / case / "case.json",
              {"scan": case[0], "tf_family": "unseen" if "unseen" in case else "seen", "organs": ["all"]})
    write(out / "evaluation/results.json", summary)
    write(out / "evaluation/per_view.json", per_view)
    write(out / "commands/evaluation-network.txt", "renderfm-eval --methods network\n")
    for name, last in (("base", 25.0), ("no-mask", 23.5)):
        records = [{"step": 0, "kind": "validation", "psnr": 20.0, "ssim": 0.7, "views": 8},
                   {"step": 5, "kind": "train", "loss": 1},
                   {"step": 9, "kind": "validation", "psnr": last, "ssim": 0.8, "views": 8}]
        write(out / "ablations" / name / "metrics.jsonl",
              "".join(json.dumps(r) + "\n" for r in records) + '{"step": 10, "ki')  # killed while writing


class TablesTest(unittest.TestCase):
    def test_rows_hold_the_means_of_their_views(self):
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder)
            make_run(out)
            text = tables.tables(out)
            self.assertIn("Means over the held-out views of 3 cases", text)
            self.assertIn("| network | 6 | 23.00 | 0.5000 | 0.2500 | 2.0 | 123 456 | `renderfm-eval --methods network` |",
                          text)
            # The unseen look of a alone: 12 and 14 dB by the network.
            self.assertIn("| a | unseen | 11.00 / 0.110 / 0.890, 1.0 s | 13.00 / 0.130 / 0.870, 2.0 s |", text)
            self.assertIn("| network less priming | all | 6 | +2.00 [+2.00, +2.00] | +0.0200 [+0.0200, +0.0200] | "
                          "-0.0200 [-0.0200, -0.0200] | 2.0 × |", text)
            self.assertIn("| fine-tuned less 6DGS + AGP | b, seen | 2 | +5.00 [+5.00, +5.00] |", text)
            self.assertIn("| 0.025 × |", text)
            self.assertNotIn("| network@noise", text)
            self.assertIn("| white noise of 25 HU on every voxel | network | 2 | 22.00, -1.00 [-1.00, -1.00] |", text)
            self.assertIn("| no-mask | the network does not see which voxels become Gaussians | 9 | 20.00 | 23.50 "
                          "| -1.50 | 0.8000 |", text)
            self.assertLess(text.index("| base | the whole method"), text.index("| no-mask |"))

    def test_views_without_a_number_are_left_out_on_both_sides(self):
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder)
            make_run(out)
            path = out / "evaluation/per_view.json"
            per_view = json.loads(path.read_text())
            per_view["network"]["PSNR"]["b-auto/001"] = None
            write(path, per_view)
            evaluation = Evaluation(out / "evaluation", out / "held-out")
            self.assertEqual(evaluation.mean(["b-auto"], "network", "PSNR"), 32)
            self.assertEqual(evaluation.difference("priming", "network", "PSNR", ["b-auto"])[3], 1)
            self.assertIsNone(evaluation.difference("priming", "dvr", "PSNR", ["b-auto"]))

    def test_looks_with_some_organs_alone_are_rows_of_their_own(self):
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder)
            make_run(out)
            write(out / "held-out/b-auto/case.json", {"scan": "b", "tf_family": "seen", "organs": ["skeleton"]})
            self.assertEqual(list(Evaluation(out / "evaluation", out / "held-out").groups()),
                             [("a", "seen"), ("a", "unseen"), ("b", "seen, skeleton alone")])

    def test_what_is_missing_is_named(self):
        with tempfile.TemporaryDirectory() as folder, self.assertRaisesRegex(Missing, "results.json is missing"):
            tables.tables(pathlib.Path(folder))


class BootstrapTest(unittest.TestCase):
    def test_numbers_are_those_of_hash64(self):
        # printf of hash64(1, 0, n) and hash64(1, 7, n), include/renderfm/math/rng.h
        self.assertEqual(draws(0, 2), HASHES[:2])
        self.assertEqual(draws(7, 2), HASHES[2:])

    def test_intervals_are_those_of_renderfm_eval(self):
        # A report of renderfm-eval on ten views of one scan, priming to ray marching; it rounds to 1e-6.
        mean, low, high = paired_bootstrap([EVAL_DIFFERENCES])
        self.assertAlmostEqual(mean, EVAL_INTERVAL[0], delta=2e-6)
        self.assertAlmostEqual(low, EVAL_INTERVAL[1], delta=2e-6)
        self.assertAlmostEqual(high, EVAL_INTERVAL[2], delta=2e-6)

    def test_cases_are_drawn_and_not_views_alone(self):
        self.assertEqual(paired_bootstrap([[1, 1, 1], [5, 5, 5]]), (3, 1, 5))


class EstimateTest(unittest.TestCase):
    def test_one_convolution_by_hand(self):
        network = plan(4, 4, 2, encoder=1, decoder=1)
        # On 4 x 4 x 4: 6 -> 4 at 64 voxels, 4 -> 4 at 8, up from 8 voxels, 8 -> 4 at 64, head 4 -> 37.
        by_hand = 2 * (27 * 6 * 4 * 64 + 27 * 4 * 4 * 8 + 8 * 4 * 4 * 8 + 27 * 8 * 4 * 64 + 4 * 37 * 64)
        self.assertEqual(network.forward_flops([4, 4, 4]), by_hand)
        self.assertEqual(network.forward_flops([3, 4, 4]), by_hand)  # padded
        self.assertEqual(network.training_flops([4, 4, 4]), 3 * by_hand - 2 * 27 * 6 * 4 * 64)
        self.assertEqual(network.weights(), 27 * 6 * 4 + 27 * 16 + 8 * 16 + 27 * 32 + 4 * 37 + 3 * 12 + 4 + 37)

    def test_operations_and_weights_are_those_that_torch_counts(self):
        try:
            import torch
            from dynamic_network_architectures.architectures.unet import PlainConvUNet
            from torch.utils.flop_counter import FlopCounterMode
        except ImportError as error:
            print(f"not compared with torch: {error}", file=sys.stderr)
            return
        for features, greatest, stages, sides in ((8, 320, 3, (16, 24, 32)), (32, 320, 5, (32, 32, 48))):
            widths = [min(features << s, greatest) for s in range(stages)]
            with torch.device("meta"):  # shapes alone, nothing is computed
                unet = PlainConvUNet(6, stages, widths, torch.nn.Conv3d, 3, [1] + [2] * (stages - 1), 2, 37, 2, True,
                                     torch.nn.InstanceNorm3d, {"affine": True}, nonlin=torch.nn.LeakyReLU)
                volume = torch.empty(1, 6, *sides)
            network = plan(features, greatest, stages)
            with FlopCounterMode(display=False) as counter:
                output = unet(volume)
            self.assertEqual(counter.get_total_flops(), network.forward_flops(sides))
            with FlopCounterMode(display=False) as counter:
                output.sum().backward()
            self.assertEqual(network.forward_flops(sides) + counter.get_total_flops(), network.training_flops(sides))
            # PyTorch keeps a head for every stage of the decoder, for deep supervision; ours has the last.
            heads = sum(w * 37 + 37 for w in widths[1:-1])
            self.assertEqual(sum(p.numel() for p in unet.parameters()) - heads, network.weights())

    def test_a_ring_sends_every_part_twice(self):
        self.assertEqual(estimate.ring_bytes(1000, 1), 0)
        self.assertEqual(estimate.ring_bytes(1000, 2), 4000)
        self.assertEqual(estimate.ring_bytes(1000, 8), 7000)

    def test_a_sum_hides_behind_the_backward_pass_only_so_far(self):
        self.assertAlmostEqual(estimate.exposed_seconds(0.4, 1.0, 0.9), 0.04)
        self.assertAlmostEqual(estimate.exposed_seconds(2.0, 1.0, 0.9), 1.1)
        self.assertEqual(estimate.exposed_seconds(2.0, 1.0, 0), 2.0)

    def test_bytes_of_cases_scale_with_voxels_and_pixels(self):
        with tempfile.TemporaryDirectory() as folder:
            case = pathlib.Path(folder) / "one"
            write(case / "case.json", {"geometry": {"shape_zyx": [10, 10, 10]}, "box": {"shape_zyx": [5, 5, 4]},
                                       "views": {"width": 10, "height": 20}})
            for name, size in (("ct.nii.gz", 1500), ("labels.nii.gz", 500), ("points3d.ply", 300),
                               ("views/000.png", 100), ("views/001.png", 600)):
                write(case / name, "x" * size)
            write(case / "transforms_train.json", {"frames": [{"file_path": "views/000"}]})
            write(case / "transforms_test.json", {"frames": [{"file_path": "views/001.png"}]})
            measured = estimate.MeasuredCases(folder)
            self.assertEqual(measured.case_bytes(1000, 100, 200, 200), 2000 + 300 + 100 + 600)
            self.assertEqual(measured.case_bytes(2000, 0, 0, 400), 4000 + 1200)

            options = estimate.parser().parse_args([folder, "--utilisation", "0.2", "--gpus", "1"])
            train = read_settings(ROOT / "configs/default.yaml") | read_settings(ROOT / "configs/paper.yaml")
            prepare = read_settings(ROOT / "configs/prepare/paper.yaml")
            network = estimate.Network(train)
            one = estimate.estimate(options, network, train, prepare, measured)
            options.utilisation = 0.1
            half = estimate.estimate(options, network, train, prepare, measured)
            self.assertAlmostEqual(half["network_s"], 2 * one["network_s"])
            self.assertEqual(one["exposed_s"], 0)
            self.assertAlmostEqual(one["gpu_hours"], 200000 * 8 * (one["network_s"] + one["draw_s"]) / 3600)
            self.assertEqual(one["train_cases"], 991 * 3 * 2)
            self.assertEqual(one["samples"], (991 * 6 + 237 * 9) * 512**2 * (24 * 64 + 4 * 1024))
            self.assertIn("ESTIMATE", estimate.report(options, one, measured))


class SettingsTest(unittest.TestCase):
    def test_nested_maps_come_flat_and_lists_of_maps_are_passed_over(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "a.yaml"
            write(path, 'name: "a # b"  # why\nscans:\n  - ct: x\n    scenes: {spacing: 3}\nplan:\n  network:\n'
                        "    stages: 4 # few\n  patch: [1, 2]\nseed: 1\n")
            self.assertEqual(read_settings(path), {"name": "a # b", "plan.network.stages": "4", "plan.patch": "[1, 2]",
                                                   "seed": "1"})
            write(path, "just words\n")
            with self.assertRaisesRegex(ValueError, "line 1"):
                read_settings(path)

    def test_every_ablation_changes_something_by_keys_that_exist(self):
        known = read_settings(ROOT / "configs/default.yaml")
        for path in sorted((ROOT / "configs/ablation").glob("*.yaml")):
            changed = read_settings(path)
            self.assertEqual(changed.pop("name"), path.stem)
            self.assertTrue(changed and changed.keys() <= known.keys(), path)


class ModelCardTest(unittest.TestCase):
    def test_every_figure_comes_from_a_file(self):
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder)
            make_run(out)
            header = {"__metadata__": {"plan": json.dumps({
                "name": "tiny", "patch_zyx": [48, 48, 48], "spacing_mm": 1.5, "start": "primed", "mask_channel": True,
                "network": {"stages": 3, "base_features": 8, "max_features": 320, "in_channels": 6, "out_channels": 37},
                "info": {"step": "9", "commit": "abc"}})}, "weights/a": {"dtype": "F16", "shape": [100, 200],
                                                                        "data_offsets": [0, 0]}}
            text = json.dumps(header).encode()
            (out / "tiny.safetensors").write_bytes(len(text).to_bytes(8, "little") + text)
            write(out / "ablations/base/config.yaml", (ROOT / "configs/default.yaml").read_text())
            printed = io.StringIO()
            arguments = ["model_card.py", out / "ablations/base", out / "tiny.safetensors", out / "evaluation"]
            with mock.patch.object(sys, "argv", list(map(str, arguments))), contextlib.redirect_stdout(printed):
                self.assertEqual(model_card.main(), 0)
            card = printed.getvalue()
            self.assertIn("0.02 M weights", card)
            self.assertIn("after step 9 of 20000, by commit `abc`", card)
            self.assertIn("the best had 25.00 dB (SSIM 0.8000) after step 9", card)
            self.assertIn("| a | unseen | network | 13.00 | 0.1300 | 0.8700 | 2.0 |", card)
            self.assertIn("PSNR +2.00 [+2.00, +2.00]", card)
            self.assertIn("not for diagnosis", card)


HASHES = [0xe28195ddd9ee4956, 0x91df2b1652002e2d, 0x0b771e2840ced8db, 0xfc69e905f12303bd]
EVAL_DIFFERENCES = [-1.225667, -1.055584, -1.786154, -1.641107, -1.785838, -1.988431, -1.976894, -0.81548, -1.551487,
                    -1.835773]
EVAL_INTERVAL = (-1.566242, -1.787072, -1.313586)

if __name__ == "__main__":
    unittest.main()
