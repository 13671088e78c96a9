#!/usr/bin/env python3
"""Times Popcorn beside other systems of private inference, on the same networks and machine, and draws what it found.

Each system is installed in a Python environment of its own; those that are not named are left out with a line:

    python3 -m venv spu && spu/bin/pip install spu==0.9.5
    python3 -m venv crypten && crypten/bin/pip install --no-deps crypten
    crypten/bin/pip install torch==2.4.1 torchvision==0.19.1 "numpy<2" onnx==1.16.2 \\
        omegaconf pandas pyyaml tensorboard future scipy sortedcontainers scikit-learn
    python3 -m venv concrete && concrete/bin/pip install concrete-ml
    python3 -m venv tenseal && tenseal/bin/pip install tenseal numpy
    cargo build --release

Then, as root or where users may make network namespaces:

    python3 examples/peers.py --python spu=spu/bin/python crypten=crypten/bin/python tenseal=tenseal/bin/python \\
        concrete=concrete/bin/python --plot peers.svg

Seconds and bytes (both ways) of a session's first inference with everything before it, of a later one with whatever is prepared for it, and
of these what comes after the image is known; `cheetah.py` says more. Read them with who is trusted:

* Popcorn and SPU's Cheetah: two parties that follow the protocol.
* CrypTen: the same, and a dealer of correlated randomness whom both trust; here, as by default, the first party deals.
* Concrete ML: TFHE on a network rounded to 4 bits; a question, an answer, and once the keys of the evaluation are sent.
* TenSEAL: CKKS; squares stand where the network has ReLUs, and there are no biases, so that it is another network, and its accuracy
  another.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import cheetah

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
NAMES = {"spu": "SPU, Cheetah", "crypten": "CrypTen, with a dealer", "concrete": "Concrete ML, 4 bits", "tenseal": "TenSEAL, squares"}
# What takes longer, or is not written for a system, is left out unless it is asked for.
NETWORKS = {"spu": ["mnist-mlp", "mnist-cnn"], "crypten": ["mnist-mlp", "mnist-cnn"], "concrete": ["mnist-mlp"], "tenseal": ["mnist-mlp"]}


def popcorn(network, options):
    """Compiles the network of testdata and asks about a drawn digit."""
    target = pathlib.Path(options.target)
    testdata = ROOT / "testdata"
    with tempfile.TemporaryDirectory() as folder:
        plan = f"{folder}/{network}.plan"
        compiler = [target / "popcornc", "compile", testdata / f"{network}.onnx", "-o", plan, "--input-scale", "1/255"]
        subprocess.run([*compiler, "--calibration", testdata / "digits/all.npz"], check=True, stdout=subprocess.DEVNULL)
        how = argparse.Namespace(popcorn=target / "popcorn", kernel=options.kernel, link=None, runs=options.runs)
        return cheetah.popcorn_figures(network, plan, str(testdata / "digits/7.png"), how)


def spu(python, network, options):
    command = [python, HERE / "cheetah.py", "--json", "--networks", network, "--runs", str(options.runs)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return {**json.loads(output.splitlines()[-1])["figures"][0], "system": NAMES["spu"]}


def other(system, python, network, options):
    command = [python, str(HERE / "others.py"), system, network, str(options.runs)]
    run = subprocess.run(cheetah.alone(command), check=True, stdout=subprocess.PIPE, text=True, timeout=options.patience)
    first, *later = json.loads(run.stdout.splitlines()[-1])
    median = lambda what: statistics.median(inference[what] for inference in later)
    return {
        "network": network,
        "system": NAMES[system],
        "first": first,
        "later": {"seconds": median("seconds"), "bytes": median("bytes")},
        "runs": [first, *later],
    }


def measure(options):
    """Figures, network by network; whatever fails is said and left out."""
    pythons = dict(pair.split("=", 1) for pair in options.python)
    for system in NAMES.keys() - pythons.keys():
        print(f"skipped: {NAMES[system]}: give --python {system}=ENVIRONMENT/bin/python", file=sys.stderr)
    for network in options.networks:
        yield popcorn(network, options)
        for system, python in pythons.items():
            if network not in NETWORKS[system]:
                continue
            try:
                yield spu(python, network, options) if system == "spu" else other(system, python, network, options)
            except (subprocess.SubprocessError, OSError) as error:
                print(f"skipped: {NAMES[system]}, {network}: {error}", file=sys.stderr)


# ---- The drawing


def bars(table, what, left, title, unit):
    """Horizontal bars of one quantity on a logarithmic scale, as lines of SVG."""
    values = [figures["later"][what] / unit for figures in table]
    low, high = min(values) / 2, max(values)
    from math import log10

    width = lambda value: 220 * log10(value / low) / log10(high / low)
    lines = [f'<text x="{left}" y="20" font-weight="bold">{title}</text>']
    for index, (figures, value) in enumerate(zip(table, values)):
        y = 34 + 22 * index
        colour = "#3465a4" if figures["system"].startswith("Popcorn") else "#babdb6"
        lines.append(f'<rect x="{left}" y="{y}" width="{width(value):.1f}" height="16" fill="{colour}"/>')
        lines.append(f'<text x="{left + width(value) + 5:.1f}" y="{y + 12.5}">{value:.3g}</text>')
    return lines


def draw(table, machine):
    """An SVG: seconds and megabytes of a later inference."""
    height = 60 + 22 * len(table)
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="860" height="{height}" font-family="sans-serif" font-size="12">']
    lines.append('<rect width="100%" height="100%" fill="white"/>')
    for index, figures in enumerate(table):
        lines.append(f'<text x="10" y="{46.5 + 22 * index}">{figures["network"]}: {figures["system"]}</text>')
    lines += bars(table, "seconds", 270, "seconds, logarithmic", 1)
    lines += bars(table, "bytes", 570, "megabytes, logarithmic", 1e6)
    lines.append(f'<text x="10" y="{height - 8}" fill="#555">A later inference, whatever is prepared for it included. {machine}</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"


def machine():
    with open("/proc/cpuinfo") as lines:
        model = next((line.split(": ")[1].strip() for line in lines if line.startswith("model name")), "?")
    return f"{model}, {os.cpu_count()} cores, loopback"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", nargs="+", default=[], metavar="SYSTEM=PYTHON", help="the Python of each system that is measured")
    parser.add_argument("--networks", nargs="+", choices=["mnist-mlp", "mnist-cnn"], default=["mnist-mlp", "mnist-cnn"], help="by default both")
    parser.add_argument("--target", default="target/release", help="the folder of popcorn and popcornc")
    parser.add_argument("--kernel", choices=["auto", "ifma", "adx", "portable"], default="auto", help="as in cheetah.py")
    parser.add_argument("--runs", type=int, default=3, help="later inferences of a session (3)")
    parser.add_argument("--patience", type=int, default=1800, metavar="SECONDS", help="for each system and network (1800)")
    parser.add_argument("--plot", metavar="FILE.svg", help="also draw seconds and bytes")
    parser.add_argument("--json", action="store_true", help="print one line of JSON instead of the table")
    options = parser.parse_args()
    for pair in options.python:
        if pair.partition("=")[0] not in NAMES or not pair.partition("=")[2]:
            parser.error(f"{pair}: SYSTEM=PYTHON, where the system is one of {', '.join(NAMES)}")
    return options


def main():
    options = arguments()
    if not options.json:
        print(machine())
        headings = ["first s", "later s", "online s", "first MB", "later MB", "online MB"]
        print(f"{'network':<16} {'system':<28}" + "".join(f" {heading:>9}" for heading in headings), flush=True)
    table = []
    for figures in measure(options):
        table.append(figures)
        if not options.json:
            print(cheetah.row(figures), flush=True)
    if options.json:
        print(json.dumps({"machine": machine(), "figures": table}))
    if options.plot:
        pathlib.Path(options.plot).write_text(draw(table, machine()))


if __name__ == "__main__":
    main()
