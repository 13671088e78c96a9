#!/usr/bin/env python3
"""Times Popcorn beside Cheetah, as SPU implements it, on the same networks, machine and link.

Install SPU outside the repository (about 1 GB) and build Popcorn:

    python3 -m venv spu && spu/bin/pip install spu==0.9.5
    cargo build --release

Then, as root or where users may make network namespaces:

    spu/bin/python examples/cheetah.py --popcorn target/release/popcorn \\
        --plans mnist-mlp.plan mnist-cnn.plan cifar10-minionn.plan --inputs digit.png digit.png frog.png

Without --plans, SPU alone is measured; --networks takes some of the three. --link 100/40 puts 100 megabits per second
each way and 40 ms round trip between the parties of both systems.

What is measured, for both systems with both parties on this machine, in seconds and in bytes both ways:

* first: from two processes that know program, weights or image, but have not met, to the shares of the first answer
  (SPU), or from making a key to the answer in the clear (Popcorn);
* later: another inference of that session, the median of --runs, whatever is prepared for it included;
* online: of these, what comes after the image is known. SPU prepares nothing ahead.

Read it with care:

* Weights and image of SPU are random: times and bytes do not depend on them. The answer is checked against JAX.
* SPU: Cheetah, 64-bit ring, 18 fraction bits, weights and image held by one party each; a process per party, each
  with --threads threads. With one, SPU starts sessions sooner; with more, it answers later questions sooner.
  Popcorn: both parties are threads of one process.
* Bytes of SPU are those of the loopback interface in a network namespace of its own, headers of TCP and IP included;
  Popcorn counts its frames.
* On this machine a link is imitated: by a proxy between SPU's parties, in memory between Popcorn's. Both delay and
  throttle bytes alike, and imitate neither TCP's slow start nor loss.
* Work of others on the machine makes figures worse: --json has every run.
"""

import argparse
import collections
import contextlib
import json
import multiprocessing
import os
import queue
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time

HOST = "127.0.0.1"
# In a namespace of its own, every port is free.
PORTS = (9100, 9101)
PROXIES = (9200, 9201)

Layer = collections.namedtuple("Layer", "kind size kernel padding", defaults=(None, None, None))
Network = collections.namedtuple("Network", "image layers")


def convolution(channels, kernel, padding=0):
    return [Layer("convolution", channels, kernel, padding), Layer("relu")]


def dense(outputs):
    return [Layer("dense", outputs)]


RELU, MAX_POOL, MEAN_POOL = [Layer("relu")], [Layer("max pool", 2)], [Layer("mean pool", 2)]

NETWORKS = {
    "mnist-mlp": Network((1, 28, 28), dense(128) + RELU + dense(128) + RELU + dense(10)),
    "mnist-cnn": Network(
        (1, 28, 28),
        convolution(16, 5) + MAX_POOL + convolution(16, 5) + MAX_POOL + dense(100) + RELU + dense(10),
    ),
    "cifar10-minionn": Network(
        (3, 32, 32),
        2 * convolution(64, 3, 1) + MEAN_POOL
        + 2 * convolution(64, 3, 1) + MEAN_POOL
        + convolution(64, 3, 1) + convolution(64, 1) + convolution(16, 1) + dense(10),
    ),
}


# ---- The networks in JAX


def apply(layer, values, weights):
    """One layer on a batch of one."""
    import jax.numpy as jnp
    from jax import lax

    window = (1, 1, layer.size, layer.size)
    if layer.kind == "convolution":
        padding = 2 * [2 * (layer.padding,)]
        values = lax.conv_general_dilated(values, weights[0], (1, 1), padding)
        return values + weights[1].reshape(1, -1, 1, 1)
    if layer.kind == "dense":
        return values.reshape(1, -1) @ weights[0] + weights[1]
    if layer.kind == "relu":
        return jnp.maximum(values, 0)
    if layer.kind == "max pool":
        return lax.reduce_window(values, -jnp.inf, lax.max, window, window, "VALID")
    return lax.reduce_window(values, 0.0, lax.add, window, window, "VALID") / layer.size**2


def forward(network, image, *weights):
    values, weights = image, list(weights)
    for layer in network.layers:
        count = 2 if layer.kind in ("convolution", "dense") else 0
        values, weights = apply(layer, values, weights[:count]), weights[count:]
    return values


def random_weights(network, generator):
    """Weights and bias per layer that has them, of a size that keeps values in range."""
    (channels, side, _), weights = network.image, []
    for layer in network.layers:
        if layer.kind == "convolution":
            shape, inputs = (layer.size, channels, layer.kernel, layer.kernel), channels * layer.kernel**2
            channels, side = layer.size, side + 2 * layer.padding - layer.kernel + 1
        elif layer.kind == "dense":
            inputs = channels * side**2
            shape, channels, side = (inputs, layer.size), layer.size, 1
        elif layer.kind == "relu":
            continue
        else:
            side //= layer.size
            continue
        weights += [generator.normal(0, (2 / inputs) ** 0.5, shape), generator.normal(0, 0.05, layer.size)]
    return [weight.astype("float32") for weight in weights]


# ---- A slow link


class Line:
    """One direction of a link, which all connections of that direction share."""

    def __init__(self, megabits, round_trip_ms):
        self.byte, self.latency = 8e-6 / megabits, round_trip_ms / 2000
        self.free, self.lock = 0.0, threading.Lock()

    def arrival(self, length):
        """When bytes that are handed over now will arrive."""
        with self.lock:
            self.free = max(self.free, time.monotonic()) + length * self.byte
            return self.free + self.latency


def carry(source, destination, line):
    """Carries bytes along a line until the source ends, or a party hangs up."""
    # As many as may be under way, in pieces of at most 16 KiB.
    under_way = queue.Queue(maxsize=64 + int(line.latency / line.byte) // (16 << 10))

    def deliver():
        with contextlib.suppress(OSError):
            while (packet := under_way.get())[1]:
                time.sleep(max(0, packet[0] - time.monotonic()))
                destination.sendall(packet[1])
            destination.shutdown(socket.SHUT_WR)

    threading.Thread(target=deliver, daemon=True).start()
    data = True
    while data:
        try:
            data = source.recv(16 << 10)
        except OSError:
            data = b""
        under_way.put((line.arrival(len(data)), data))


def connect(port):
    """A connection with a party, once it listens."""
    while True:
        try:
            return socket.create_connection((HOST, port))
        except ConnectionRefusedError:
            time.sleep(0.01)


def proxy(listener, target, there, back):
    """Connects whoever comes with `target`."""
    while True:
        near, _ = listener.accept()
        far = connect(target)
        for end in (near, far):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for direction in ((near, far, there), (far, near, back)):
            threading.Thread(target=carry, args=direction, daemon=True).start()


def start_proxies(link):
    """Between the parties: each reaches the other through the other's proxy."""
    to = [Line(*link), Line(*link)]
    for rank in range(2):
        listener = socket.create_server((HOST, PROXIES[rank]))
        arguments = (listener, PORTS[rank], to[rank], to[1 - rank])
        threading.Thread(target=proxy, args=arguments, daemon=True).start()


# ---- SPU


def loopback_bytes():
    with open("/proc/net/dev") as devices:
        received = next(line.split(":")[1] for line in devices if line.strip().startswith("lo:"))
    return int(received.split()[0])


def party(rank, shaped, job, runs, together, results):
    """One party's process: a session, and what the clock and the network's counter said after each inference."""
    import spu

    link = spu.link.Desc()
    # The other party may listen a little later; a second's wait would count as its time.
    link.connect_retry_interval_ms, link.connect_retry_times = 20, 500
    link.recv_timeout_ms = link.http_timeout_ms = 600_000
    for other in range(2):
        port = PROXIES[other] if shaped and other != rank else PORTS[other]
        link.add_party(f"party{other}", f"{HOST}:{port}")
    program, config, shares = job
    together.wait()
    readings = [(time.monotonic(), loopback_bytes())]
    link = spu.link.create_brpc(link, rank)
    runtime = spu.Runtime(link, config)
    for _ in range(1 + runs):
        for name, share in zip(program.input_names, shares):
            runtime.set_var(name, share)
        runtime.run(program)
        # Takes as long as telling the other party one's share of the answer.
        link.barrier()
        readings.append((time.monotonic(), loopback_bytes()))
    results.put((rank, readings, runtime.get_var(program.output_names[0])))
    together.wait()


def compile_network(network, threads):
    """The program, SPU's configuration, each party's shares of the inputs, and how to judge shares of the output."""
    import jax
    import numpy
    import spu
    from spu.utils import frontend

    config = spu.RuntimeConfig(
        protocol=spu.ProtocolKind.CHEETAH, field=spu.FieldType.FM64, fxp_fraction_bits=18
    )
    config.max_concurrency = threads
    # Each input stays with the party that holds it, as it does in Popcorn.
    config.experimental_enable_colocated_optimization = True
    generator, secret = numpy.random.default_rng(1), spu.Visibility.VIS_SECRET
    image = generator.random((1, *network.image), dtype="float32")
    inputs = [image, *random_weights(network, generator)]
    names = [f"input{i}" for i in range(len(inputs))]
    function = lambda *values: forward(network, *values)
    program, _ = frontend.compile(
        frontend.Kind.JAX, function, inputs, {}, names, [secret] * len(inputs), lambda outputs: ["logits"]
    )
    io = spu.Io(2, config)
    # Party 0 holds the weights, party 1 the image.
    shares = [io.make_shares(value, secret, int(value is image)) for value in inputs]
    expected = numpy.asarray(jax.jit(function)(*inputs))

    def check(shares):
        error = numpy.abs(io.reconstruct(shares) - expected).max()
        if not error < 0.01:
            sys.exit(f"SPU's logits are wrong by {error}")

    return program, config, list(zip(*shares)), check


def collect(parties, results):
    """What the parties found, if both did."""
    found = []
    while len(found) < len(parties):
        try:
            found.append(results.get(timeout=1))
        except queue.Empty:
            if any(process.exitcode for process in parties):
                for process in parties:
                    process.kill()
                sys.exit("one of SPU's parties failed")
    for process in parties:
        process.join()
    return found


def session(name, link, runs, threads):
    """Seconds and bytes of each inference of an SPU session, in this network namespace."""
    program, config, shares, check = compile_network(NETWORKS[name], threads)
    if link:
        start_proxies(link)
    processes = multiprocessing.get_context("spawn")
    together, results = processes.Barrier(2), processes.Queue()
    jobs = [(program, config, held) for held in shares]
    parties = [
        processes.Process(target=party, args=(rank, bool(link), job, runs, together, results))
        for rank, job in enumerate(jobs)
    ]
    for process in parties:
        process.start()
    results = sorted(collect(parties, results), key=lambda result: result[0])
    check([share for _, _, share in results])
    latest = [tuple(map(max, zip(*readings))) for readings in zip(*(readings for _, readings, _ in results))]
    # Through the proxies, every byte passes the interface twice.
    hops = 2 if link else 1
    steps = zip(latest, latest[1:])
    return [{"seconds": after[0] - before[0], "bytes": (after[1] - before[1]) // hops} for before, after in steps]


def alone(command):
    """The command in a network namespace of its own, where the loopback interface counts its bytes alone."""
    as_user = [] if os.geteuid() == 0 else ["--map-root-user"]
    return ["unshare", "--net", *as_user, "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *command]


def spu_figures(name, options):
    """Runs `session` in a network namespace of its own."""
    command = [sys.executable, os.path.abspath(__file__), "--session", name]
    command += ["--runs", str(options.runs), "--threads", str(options.threads)]
    command += ["--link", options.link] if options.link else []
    # SPU logs to standard output, too; the last line is ours.
    output = subprocess.run(alone(command), check=True, stdout=subprocess.PIPE, text=True).stdout
    first, *later = json.loads(output.splitlines()[-1])
    median = lambda what: statistics.median(inference[what] for inference in later)
    return {
        "network": name,
        "system": "SPU Cheetah",
        "first": first,
        "later": {"seconds": median("seconds"), "bytes": median("bytes")},
        "runs": later,
    }


# ---- Popcorn


def popcorn_reports(plan, arguments, options):
    """What `popcorn run` prints of each image."""
    command = [options.popcorn, "run", plan, "--json", "--kernel", options.kernel] + arguments
    command += ["--link", options.link] if options.link else []
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [json.loads(line) for line in output.splitlines()]


def popcorn_figures(name, plan, image, options):
    first, *later = popcorn_reports(plan, ["--input", image] * (1 + options.runs), options)
    seconds = lambda report: report["offline"]["seconds"] + report["online"]["seconds"]
    in_all = lambda part: part["sent"] + part["received"]
    median = lambda of: statistics.median(map(of, later))
    return {
        "network": name,
        "system": f"Popcorn {first['suite']}, {first['key_bits']} bits",
        "first": {"seconds": seconds(first), "bytes": in_all(first["bytes"])},
        "later": {"seconds": median(seconds), "bytes": median(lambda report: in_all(report["bytes"]))},
        "online": {
            "seconds": median(lambda report: report["online"]["seconds"]),
            "bytes": median(lambda report: in_all(report["online"])),
        },
        "runs": [first, *later],
    }


def together_figures(name, plan, image, options):
    """So many images prepared and asked about together: of each an equal part. The first batch has the session's tables."""
    count = options.together
    reports = popcorn_reports(plan, ["--together", str(count)] + ["--input", image] * (2 * count), options)
    part = lambda report, phase: {
        "seconds": report[phase]["seconds"],
        "bytes": report[phase]["sent"] + report[phase]["received"],
    }
    both = lambda report: {
        what: part(report, "offline")[what] + part(report, "online")[what] for what in ("seconds", "bytes")
    }
    return {
        "network": name,
        "system": f"Popcorn, {count} together, each",
        "first": both(reports[0]),
        "later": both(reports[count]),
        "online": part(reports[count], "online"),
        "runs": [reports[0], reports[count]],
    }


def parse_link(text):
    megabits, round_trip_ms = map(float, text.split("/"))
    return megabits, round_trip_ms


def row(figures):
    parts = [figures["first"], figures["later"], figures.get("online", figures["later"])]
    seconds = [f" {part['seconds']:>9.3f}" for part in parts]
    megabytes = [f" {part['bytes'] / 1e6:>9.2f}" for part in parts]
    return f"{figures['network']:<16} {figures['system']:<28}" + "".join(seconds + megabytes)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS), help="by default all three")
    parser.add_argument("--plans", nargs="+", default=[], help="Popcorn's plans, one for each network")
    parser.add_argument("--inputs", nargs="+", default=[], help="an image for each plan")
    parser.add_argument("--popcorn", default="target/release/popcorn", help="the program")
    parser.add_argument("--link", metavar="MBIT/MS", help="megabits per second and milliseconds of round trip")
    parser.add_argument("--runs", type=int, default=5, help="later inferences of a session (5)")
    kernel = "Popcorn computes with this kernel, and SPU as always: for figures of processors without AVX-512 (auto)"
    parser.add_argument("--kernel", choices=["auto", "ifma", "adx", "portable"], default="auto", help=kernel)
    together = "also measure N images that are prepared and asked about together, of each an equal part"
    parser.add_argument("--together", type=int, default=0, metavar="N", help=together)
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of each of SPU's parties (all cores)")
    parser.add_argument("--json", action="store_true", help="print one line of JSON instead of the table")
    parser.add_argument("--session", choices=NETWORKS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.plans and not len(options.networks) == len(options.plans) == len(options.inputs):
        parser.error("give a plan and an input for each network")
    if options.plans and not shutil.which(options.popcorn):
        parser.error(f"{options.popcorn} is no program: cargo build --release, or --popcorn")
    return options


def main():
    options = arguments()
    link = parse_link(options.link) if options.link else None
    if options.session:
        print("\n" + json.dumps(session(options.session, link, options.runs, options.threads)))
        return
    print_row = (lambda text: None) if options.json else (lambda text: print(text, flush=True))
    print_row(f"{os.cpu_count()} cores, {options.link or 'loopback'}")
    headings = ["first s", "later s", "online s", "first MB", "later MB", "online MB"]
    print_row(f"{'network':<16} {'system':<28}" + "".join(f" {heading:>9}" for heading in headings))
    table = []
    for index, name in enumerate(options.networks):
        measured = [spu_figures(name, options)]
        if options.plans:
            measured.append(popcorn_figures(name, options.plans[index], options.inputs[index], options))
        if options.plans and options.together:
            measured.append(together_figures(name, options.plans[index], options.inputs[index], options))
        for figures in measured:
            print_row(row(figures))
        table += measured
    if options.json:
        print(json.dumps({"cores": os.cpu_count(), "link": options.link, "figures": table}))


if __name__ == "__main__":
    main()
