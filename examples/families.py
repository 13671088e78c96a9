#!/usr/bin/env python3
"""Compiles the families of networks that people use, and prints how well the plans do (Markdown).

Needs PyTorch and onnxruntime, outside the repository (some GB), and a built Popcorn:

    python3 -m venv families && families/bin/pip install torch torchvision onnx onnxscript onnxruntime
    cargo build --release
    families/bin/python examples/families.py --work families

and CIFAR-10: cifar10-train-5000.npz and cifar10-test-1000.npz in the folder `data` of POPCORN_DATA (default ../shared),
each with `images`, uint8 (N,3,32,32), and `labels`.

Four kinds of networks, which networks.py has:

* torchvision's classifiers, and the usual ones for small images and sequences, with random weights. The statistics of their
  BatchNormalizations are those of images, and the last layer is fitted, so that labels vary. What counts is how often
  plan and onnxruntime give an image the same label: 98 % at least, of the quarter of 256 test images whose label is
  clearest. (Networks without training hesitate over most of them, and any rounding turns such labels.)
* unet-.., espcn, autoencoder: networks that give maps, with random weights. What counts is how far plan and onnxruntime
  are apart on 64 test images: a peak signal-to-noise ratio of 40 dB at least.
* trained-..: small networks, trained with weight decay, which leaves dead channels. What counts is accuracy on 1,000
  test images: at most half a point less than onnxruntime's.
* quantised-..: what onnxruntime's quantiser makes of these, with QuantizeLinear and DequantizeLinear everywhere. What
  counts is the same, beside what onnxruntime makes of the quantised file.

Plans are calibrated with 512 training images and run in plain integers, which is what encrypted runs give. `error` is
that of all logits of 16 images, relative to the logits, as popcornc compare finds it; MB and seconds are those of one
inference, as popcornc inspect predicts them, seconds by --profile. Figures that miss their goal are bold, and make
the exit status 1, as does whatever popcornc refuses in suite shared.

Training takes less than an hour in all on two cores. --work keeps what is made; another run trains no more.
"""

import argparse
import json
import logging
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
import warnings

import numpy as np
import onnxruntime
import torch
from networks import NETWORKS, QUANTISED
from onnxruntime.quantization import CalibrationDataReader, quantize_static
from weights import MEAN, ROOT, STD, batches, test_data, training_data, with_weights

CALIBRATION_IMAGES, CANDIDATES, TEST_IMAGES, COMPARED_IMAGES = 512, 256, 64, 16
LEAST_AGREEMENT, LARGEST_DROP, LEAST_DECIBELS = 0.98, 0.005, 40
COLUMNS = (
    "network", "parameters", "onnxruntime", "plan", "same label or PSNR", "error", "MB", "seconds", "seconds to compile"
)  # fmt: skip

EXAMPLES = """\
Examples:
  examples/families.py --work families                       # all of them, kept for another run
  examples/families.py --only resnet18,densenet40 --suite both
  examples/families.py --only trained-resnet20,quantised-resnet20 --quick
  examples/families.py --exporter dynamo --json > families.json"""


class Refused(Exception):
    """What popcornc does not do, and why."""


# ---- ONNX


def export(model, size, path, exporter):
    """The file that PyTorch writes, for any number of images at once."""
    images = torch.zeros(2, 3, size, size)
    names = {"input_names": ["image"], "output_names": ["logits"]}
    if exporter == "dynamo":
        shapes = ({0: torch.export.Dim("batch")},)
        torch.onnx.export(model, (images,), path, dynamo=True, verbose=False, dynamic_shapes=shapes, **names)
    else:
        torch.onnx.export(model, (images,), path, dynamo=False, dynamic_axes={"image": {0: "batch"}}, **names)


class CalibrationImages(CalibrationDataReader):
    """For onnxruntime's quantiser."""

    def __init__(self, size):
        self.batches = batches(training_data(size)[0][:CALIBRATION_IMAGES])

    def get_next(self):
        batch = next(self.batches, None)
        return None if batch is None else {"image": batch.numpy()}


def write_network(name, options):
    """The network's file, and how many parameters it has."""
    source = QUANTISED.get(name, name)
    model, size = with_weights(source, options.work, options.quick), NETWORKS[source].size
    exported = path = options.work / f"{source}.onnx"
    export(model, size, exported, options.exporter)
    if source != name:
        path = options.work / f"{name}.onnx"
        quantize_static(exported, path, CalibrationImages(size))
    return path, sum(parameter.numel() for parameter in model.parameters())


def logits_by_onnxruntime(path, images, threads):
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, settings)
    return np.concatenate([session.run(None, {"image": batch.numpy()})[0] for batch in batches(images)])


def clearest(logits, count):
    """The images whose first choice is furthest before the second."""
    ordered = np.sort(logits, axis=1)
    return np.argsort(ordered[:, -2] - ordered[:, -1], kind="stable")[:count]


# ---- Popcorn


def popcornc(options, command, *arguments):
    """The JSON that popcornc prints."""
    arguments = [options.popcornc, command, *arguments, "--json"]
    environment = os.environ | {"RAYON_NUM_THREADS": str(options.threads), "RUST_BACKTRACE": "0"}
    try:
        result = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=options.patience)
    except subprocess.TimeoutExpired:
        raise Refused(f"popcornc {command} takes more than {options.patience} s (--patience)") from None
    if result.returncode:
        raise Refused(textwrap.shorten(f"popcornc {command}: {result.stderr}", 240, placeholder=" .."))
    return json.loads(result.stdout)


def preprocessing():
    """How weights.py prepares images, as options of popcornc."""
    listed = lambda numbers: ",".join(map(str, numbers))
    return ["--input-scale", "1/255", "--input-mean", listed(MEAN), "--input-std", listed(STD)]


def write_images(path, images, labels):
    np.savez(path, images=images, labels=labels)
    return path


def compile_plan(path, suite, size, options):
    """The plan, the options that made it, and the seconds that took."""
    images, labels = training_data(size)
    chosen = slice(CALIBRATION_IMAGES)
    calibration = write_images(options.work / f"calibration-{size}.npz", images[chosen], labels[chosen])
    plan = path.with_suffix(f".{suite}.plan")
    choices = ["--suite", suite, *preprocessing(), "--calibration", calibration]
    start = time.monotonic()
    popcornc(options, "compile", path, "-o", plan, *choices)
    return plan, choices, time.monotonic() - start


def judge(path, plan, choices, images, labels, ours, options):
    """The plan beside the true labels, and beside those that onnxruntime gives; a map beside the model's."""
    test = write_images(path.with_suffix(".test.npz"), images, labels)
    given = write_images(path.with_suffix(".given.npz"), images, ours)
    compared = ["--data", test, "--limit", str(COMPARED_IMAGES), *choices]
    if ours is None:
        measured = popcornc(options, "eval", path, plan, "--data", test)
        return {"psnr": measured["psnr"], "logit_error": measured["error"]}
    return {
        "plan_accuracy": popcornc(options, "eval", path, plan, "--data", test)["plan_accuracy"],
        "agreement": popcornc(options, "eval", path, plan, "--data", given)["plan_accuracy"],
        "logit_error": popcornc(options, "compare", path, *compared)["nodes"][-1]["relative_error"],
    }


def predict(plan, options):
    """Megabytes of one inference, and its seconds if there is a profile."""
    profile = ["--profile", options.profile] if options.profile else []
    described = popcornc(options, "inspect", plan, *profile)
    cost = described["cost"]
    figures = {"megabytes": (cost["bytes_up"] + cost["bytes_down"]) / 1e6}
    if options.profile:
        figures["seconds"] = sum(described["prediction"]["image"].values())
    return figures


# ---- The table


def figures_of(name, options):
    """What there is to say about a network, for each suite."""
    network = NETWORKS[QUANTISED.get(name, name)]
    path, parameters = write_network(name, options)
    images, labels = test_data(network.size)
    if not network.training:
        images, labels = images[:CANDIDATES], labels[:CANDIDATES]
    if network.map:
        images, labels, ours = images[:TEST_IMAGES], labels[:TEST_IMAGES], None
    else:
        logits = logits_by_onnxruntime(path, images, options.threads)
        if not network.training:
            chosen = clearest(logits, TEST_IMAGES)
            images, labels, logits = images[chosen], labels[chosen], logits[chosen]
        ours = logits.argmax(1)
    for suite in options.suites:
        figures = {
            "network": name,
            "suite": suite,
            "trained": bool(network.training),
            "parameters": parameters,
            "onnxruntime_accuracy": None if ours is None else float((ours == labels).mean()),
        }
        try:
            plan, choices, seconds = compile_plan(path, suite, network.size, options)
            figures |= judge(path, plan, choices, images, labels, ours, options)
            figures |= {**predict(plan, options), "compile_seconds": seconds}
        except Refused as reason:
            figures["refused"] = str(reason)
        yield figures | {"reached": reached(figures)}


def reached(figures):
    """Whether the plan is as good as it should be."""
    if "refused" in figures:
        return figures["suite"] == "blinded"
    if "psnr" in figures:
        return figures["psnr"] >= LEAST_DECIBELS
    if figures["trained"]:
        return figures["plan_accuracy"] >= figures["onnxruntime_accuracy"] - LARGEST_DROP - 1e-9
    return figures["agreement"] >= LEAST_AGREEMENT


def row(figures):
    """A line of the table."""
    percent = lambda share: "" if share is None else f"{100 * share:.1f} %"
    name = f"`{figures['network']}`" + (", blinded" if figures["suite"] == "blinded" else "")
    cells = [name, f"{figures['parameters']:,}", percent(figures["onnxruntime_accuracy"])]
    if "refused" in figures:
        cells += [figures["refused"].replace("|", "\\|")] + [""] * (len(COLUMNS) - len(cells) - 1)
    else:
        agreement = f"{figures['psnr']:.1f} dB" if "psnr" in figures else percent(figures["agreement"])
        cells += [percent(figures.get("plan_accuracy")), agreement, percent(figures["logit_error"])]
        cells += [f"{figures['megabytes']:.1f}", f"{figures['seconds']:.1f}" if "seconds" in figures else ""]
        cells += [f"{figures['compile_seconds']:.1f}"]
        if not figures["reached"]:
            judged = 3 if figures["trained"] else 4
            cells[judged] = f"**{cells[judged]}**"
    return "| " + " | ".join(cells) + " |"


def arguments():
    every = [*NETWORKS, *QUANTISED]
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", metavar="NAME,..", default=",".join(every), help=f"default: {', '.join(every)}")
    parser.add_argument("--suite", choices=["shared", "blinded", "both"], default="shared", help="by default shared")
    parser.add_argument("--exporter", choices=["torchscript", "dynamo"], default="torchscript", help="PyTorch's")
    parser.add_argument("--work", type=pathlib.Path, metavar="DIR", help="keeps weights, ONNX files, images, plans")
    parser.add_argument("--quick", action="store_true", help="train for two epochs only")
    parser.add_argument("--popcornc", default=ROOT / "target/release/popcornc", metavar="PATH", help="the compiler")
    parser.add_argument("--profile", metavar="PROFILE.json", help="what popcorn bench --profile wrote, for the seconds")
    parser.add_argument("--patience", type=float, default=1800, metavar="SECONDS", help="for a command (1800)")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="by default all cores")
    parser.add_argument("--json", action="store_true", help="print a line of JSON for each network, not the table")
    options = parser.parse_args()
    options.only = options.only.split(",")
    options.suites = ["shared", "blinded"] if options.suite == "both" else [options.suite]
    if unknown := set(options.only) - set(every):
        parser.error(f"no such network: {', '.join(sorted(unknown))}")
    if not shutil.which(options.popcornc):
        parser.error(f"{options.popcornc} is no program: cargo build --release, or --popcornc")
    return options


def run(options):
    """Prints the table, and tells whether all goals are reached."""
    options.work.mkdir(parents=True, exist_ok=True)
    if not options.json:
        print("| " + " | ".join(COLUMNS) + " |\n|" + "---|" * len(COLUMNS), flush=True)
    all_reached = True
    for name in options.only:
        for figures in figures_of(name, options):
            print(json.dumps(figures) if options.json else row(figures), flush=True)
            all_reached &= figures["reached"]
    return all_reached


def main():
    options = arguments()
    torch.set_num_threads(options.threads)
    warnings.simplefilter("ignore")  # PyTorch's and the quantiser's, about forms that they would rather see
    logging.disable(logging.WARNING)
    onnxruntime.set_default_logger_severity(3)
    with tempfile.TemporaryDirectory() as folder:
        options.work = options.work or pathlib.Path(folder)
        sys.exit(not run(options))


if __name__ == "__main__":
    main()
