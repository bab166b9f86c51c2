"""Reads what a run of scripts/reproduce.sh left in its folder: the measurements of renderfm-eval, the cases that were
measured, the records of renderfm-train and the commands that made each of them. Draws no conclusions."""
import json
import math
import pathlib

from paired_bootstrap import paired_bootstrap

METHODS = {"priming": "priming", "network": "network", "finetune": "fine-tuned", "6dgs": "6DGS",
           "6dgs-agp": "6DGS + AGP", "3dgs-agp": "3DGS + AGP", "dvr": "ray marching"}


class Missing(Exception):
    """One sentence: which file is missing or wrong, and which program writes it."""


def read_json(path):
    try:
        return json.loads(pathlib.Path(path).read_text())
    except FileNotFoundError:
        raise Missing(f"{path} is missing; scripts/reproduce.sh makes it") from None
    except json.JSONDecodeError as error:
        raise Missing(f"{path} is damaged ({error}); delete it and run again") from None


def command_of(out, name):
    """The command that scripts/reproduce.sh noted under `name`, "" where it noted none."""
    path = pathlib.Path(out) / "commands" / f"{name}.txt"
    return path.read_text().strip() if path.is_file() else ""


class Evaluation:
    """renderfm-eval's folder beside the data set that it measured."""

    def __init__(self, folder, dataset):
        self.folder, self.dataset = pathlib.Path(folder), pathlib.Path(dataset)
        self.summary = read_json(self.folder / "results.json")
        self.per_view = read_json(self.folder / "per_view.json")
        self.results, self.cases = {}, {}
        for path in sorted(self.folder.glob("cases/*/*/result.json")):
            result = read_json(path)
            if result["method"] not in self.summary:
                continue  # of an earlier call with other methods
            self.results[result["case"], result["method"]] = result
            if result["case"] not in self.cases:
                self.cases[result["case"]] = self._case(result["case"])

    def _case(self, name):
        folder = self.dataset / name
        return read_json((folder if folder.is_dir() else self.dataset) / "case.json")

    @property
    def methods(self):
        return [method for method in self.summary if "@" not in method]

    @property
    def robustness(self):
        """Rows of a method on a scan made worse: METHOD@VARIANT."""
        return [method for method in self.summary if "@" in method]

    def groups(self):
        """{(scan, "seen", "seen, skeleton alone" or "unseen"): its cases}, scans in order of name, seen looks first."""
        grouped = {}
        for name, case in sorted(self.cases.items()):
            organs = case.get("organs", ["all"])
            look = case["tf_family"] + ("" if organs == ["all"] else f", {' and '.join(organs)} alone")
            grouped.setdefault((case["scan"], look), []).append(name)
        return dict(sorted(grouped.items()))

    def mean(self, cases, method, metric):
        """Over all views of the cases, NaN where there is no number, as renderfm-eval's own means are."""
        values = [value for view, value in self.per_view[method].get(metric, {}).items()
                  if value is not None and view.rsplit("/", 1)[0] in cases]
        return sum(values) / len(values) if values else math.nan

    def seconds(self, cases, method):
        """Mean preparation time of a case."""
        values = [self.results[case, method]["preparation_s"] for case in cases if (case, method) in self.results]
        return sum(values) / len(values) if values else math.nan

    def difference(self, start, end, metric, cases):
        """(mean, low, high, views): by how much `end` is above `start` over the views that both have a number for;
        None where there are none."""
        first, second = (self.per_view.get(method, {}).get(metric, {}) for method in (start, end))
        by_case = {}
        for view, value in first.items():
            case, other = view.rsplit("/", 1)[0], second.get(view)
            if case in cases and value is not None and other is not None:
                by_case.setdefault(case, []).append(other - value)
        if not by_case:
            return None
        return *paired_bootstrap(list(by_case.values())), sum(map(len, by_case.values()))


def training_records(run, kind):
    """Lines of RUN/metrics.jsonl of one kind ("train" or "validation"), by step."""
    path = pathlib.Path(run) / "metrics.jsonl"
    if not path.is_file():
        raise Missing(f"{path} is missing; renderfm-train writes it")
    records = []
    for line in path.read_text().splitlines():
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            continue  # half a line, of a process that was killed
        if record.get("kind") == kind:
            records.append(record)
    return records


def safetensors_header(path):
    """Metadata (with the plan as a dict), weights as {name: shape}, of a checkpoint or a shipped model."""
    with open(path, "rb") as stream:
        header = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
    metadata = header.pop("__metadata__")
    metadata["plan"] = json.loads(metadata["plan"])
    weights = {name[len("weights/"):]: entry["shape"] for name, entry in header.items()
               if name.startswith("weights/")}
    return metadata, weights
