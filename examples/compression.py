#!/usr/bin/env python3
"""Prints the guide's table of compressed models (Markdown): what one point of accuracy buys in either suite.

Usage: examples/compression.py [MODEL ...]      (after cargo build --release)

Models and images are read from the folder POPCORN_DATA (default ../shared); those that are absent are
left out with a line on stderr. Takes some minutes a model and suite.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATA = pathlib.Path(os.environ.get("POPCORN_DATA", ROOT.parent / "shared"))
POPCORNC = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / "popcornc"

NORMALISED = ["--input-scale", "1/255", "--input-mean", "0.1307", "--input-std", "0.3081"]
MNIST = ("mnist-test-10000.npz", "mnist-train-60000.npz")
CIFAR = ("cifar10-test-1000.npz", "cifar10-train-5000.npz")
SUITES = ("shared", "blinded")
MODELS = {
    "mnist-8": ([], MNIST),
    "lenet5": (NORMALISED, MNIST),
    "mnist-avgpool-bn": (NORMALISED, MNIST),
    "cifar10-resnet8": ([], CIFAR),
    "cifar10-minionn": (["--input-scale", "1/255"], CIFAR),
}


def popcornc(*arguments):
    """The JSON that popcornc prints; its progress goes to stderr."""
    command = [POPCORNC, *arguments, "--json"]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def less(ours, theirs):
    return f"−{100 * (1 - ours / theirs):.1f} %"


def row(name, suite, options, evaluation, calibration, folder):
    found = popcornc(
        "compile", DATA / "models" / f"{name}.onnx", "-o", folder / "plan", "--suite", suite, *options,
        "--max-accuracy-drop", "1", "--eval", evaluation, "--eval-images", "2000",
        "--calibration", calibration, "--calibration-images", "1024",
    )["search"]
    dense, chosen = found["trials"][0], found["chosen"]
    size = lambda trial: trial["cost"]["bytes_up"] + trial["cost"]["bytes_down"]
    cells = [
        f"`{name}`",
        f"`{suite}`",
        f"{100 * found['float_accuracy']:.2f} %",
        f"{100 * found['plan_accuracy']:.2f} %",
        f"{chosen['bits']:.1f}",
        f"{chosen['value_bits']:.1f}" if suite == "shared" else "",
        f"{100 * chosen['sparsity']:.0f} %",
        f"{100 * chosen['channels']:.0f} %",
        f"{chosen['seconds']:.1f} s ({less(chosen['seconds'], dense['seconds'])})",
        f"{size(chosen) / 1e6:.1f} MB ({less(size(chosen), size(dense))})",
    ]
    print("| " + " | ".join(cells) + " |", flush=True)


def main():
    print("| model | suite | float | plan | bits | of values | zeros | channels gone | predicted, one core | bytes |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name in sys.argv[1:] or MODELS:
        options, files = MODELS[name]
        evaluation, calibration = (DATA / "data" / file for file in files)
        absent = [path for path in (DATA / "models" / f"{name}.onnx", evaluation, calibration) if not path.exists()]
        if absent:
            print(f"{name}: {absent[0]} is absent", file=sys.stderr)
            continue
        for suite in SUITES:
            with tempfile.TemporaryDirectory() as folder:
                row(name, suite, options, evaluation, calibration, pathlib.Path(folder))


if __name__ == "__main__":
    main()
