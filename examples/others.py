#!/usr/bin/env python3
"""One system beside Popcorn on one network, in the Python environment where that system is installed; `peers.py` runs it.

    others.py crypten|concrete|tenseal NETWORK RUNS

The last line that it prints is JSON: seconds and bytes of a session's first inference and of each later one, both parties on this machine.
Weights and images are random: times and bytes do not depend on them, and the answer is compared with numpy's.
"""

import json
import os
import pathlib
import sys
import tempfile
import time

import numpy as np
from cheetah import NETWORKS, loopback_bytes, random_weights


def held_and_asked(name):
    """The network, its weights, and an image: the same for every system."""
    generator = np.random.default_rng(1)
    image = generator.random((1, *NETWORKS[name].image), dtype="float32")
    return NETWORKS[name], random_weights(NETWORKS[name], generator), image


def forward(network, image, weights, apply):
    """Runs `apply(layer, values, its weights)` for each layer."""
    values, weights = image, list(weights)
    for layer in network.layers:
        count = 2 if layer.kind in ("convolution", "dense") else 0
        values, weights = apply(layer, values, weights[:count]), weights[count:]
    return values


def plain(layer, values, weights):
    """A layer on floats, in torch."""
    from torch.nn import functional

    if layer.kind == "convolution":
        return functional.conv2d(values, weights[0], weights[1], padding=layer.padding)
    if layer.kind == "dense":
        return values.flatten(1) @ weights[0] + weights[1]
    if layer.kind == "relu":
        return values.relu()
    pool = functional.max_pool2d if layer.kind == "max pool" else functional.avg_pool2d
    return pool(values, layer.size)


def compare(found, expected, tolerance):
    error = np.abs(np.asarray(found).ravel() - np.asarray(expected).ravel()).max()
    if not error < tolerance:
        sys.exit(f"the scores are wrong by {error}")


# ---- CrypTen: secret sharing, with a dealer that both parties trust


def crypten_layer(layer, values, weights):
    if layer.kind == "convolution":
        return values.conv2d(weights[0], padding=layer.padding) + weights[1].reshape(1, -1, 1, 1)
    if layer.kind == "dense":
        return values.reshape(1, -1).matmul(weights[0]) + weights[1]
    if layer.kind == "relu":
        return values.relu()
    return values.max_pool2d(layer.size) if layer.kind == "max pool" else values.avg_pool2d(layer.size)


def crypten_party(rank, rendezvous, name, runs, results):
    os.environ.update(
        RANK=str(rank), WORLD_SIZE="2", RENDEZVOUS=rendezvous, DISTRIBUTED_BACKEND="gloo", GLOO_SOCKET_IFNAME="lo",
        BACKEND="gloo",
    )
    import crypten
    import torch
    from crypten import communicator

    torch.set_num_threads(os.cpu_count())
    network, weights, image = held_and_asked(name)
    crypten.init()
    readings = [(time.monotonic(), loopback_bytes())]
    held = [crypten.cryptensor(torch.tensor(weight), src=0) for weight in weights]
    for _ in range(1 + runs):
        asked = crypten.cryptensor(torch.tensor(image), src=1)
        found = forward(network, asked, held, crypten_layer).get_plain_text()
        communicator.get().barrier()
        readings.append((time.monotonic(), loopback_bytes()))
    tensors = [torch.tensor(weight) for weight in weights]
    compare(found, forward(network, torch.tensor(image), tensors, plain), 0.05)
    results.put(readings)


def crypten(name, runs):
    import multiprocessing

    processes = multiprocessing.get_context("spawn")
    results = processes.Queue()
    with tempfile.TemporaryDirectory() as folder:
        arguments = (f"file://{folder}/meeting", name, runs, results)
        parties = [processes.Process(target=crypten_party, args=(rank, *arguments)) for rank in range(2)]
        for party in parties:
            party.start()
        readings = [results.get(timeout=1800) for _ in parties]
        for party in parties:
            party.join()
    latest = [tuple(map(max, zip(*pair))) for pair in zip(*readings)]
    return [(after[0] - before[0], after[1] - before[1]) for before, after in zip(latest, latest[1:])]


# ---- TenSEAL: CKKS, whose networks have squares where these have ReLUs


def tenseal(name, runs):
    import tenseal as ts

    network, weights, image = held_and_asked(name)
    if any(layer.kind not in ("dense", "relu") for layer in network.layers):
        sys.exit("only networks of dense layers are written for TenSEAL here")
    inferences = []
    start = time.monotonic()
    context = ts.context(ts.SCHEME_TYPE.CKKS, 16384, coeff_mod_bit_sizes=[60, 40, 40, 40, 40, 40, 60])
    context.global_scale = 2**40
    context.generate_galois_keys()
    keys = len(context.serialize(save_secret_key=False))
    # Products expect the vector again and again in the slots, which takes a power of two of rows, and no biases: these are added to the
    # first copy alone.
    pixels = image.size
    padded = 1 << (pixels - 1).bit_length()
    dense = [weights[i] for i in range(0, len(weights), 2)]
    dense[0] = np.pad(dense[0], ((0, padded - pixels), (0, 0)))
    question_of = np.pad(image.ravel(), (0, padded - pixels))
    for run in range(1 + runs):
        question = ts.ckks_vector(context, question_of.tolist())
        answer = question
        for index, matrix in enumerate(dense):
            answer = answer.mm(matrix.tolist())
            if index + 1 < len(dense):
                answer = answer * answer
        found = answer.decrypt()
        sent = len(question.serialize()) + len(answer.serialize()) + (0 if run else keys)
        inferences.append((time.monotonic() - start, sent))
        start = time.monotonic()
    values = question_of.reshape(1, -1)
    for index, matrix in enumerate(dense):
        values = values @ matrix
        values = values**2 if index + 1 < len(dense) else values
    compare(found, values, 0.05 * np.abs(values).max())
    return inferences


# ---- Concrete ML: TFHE on a quantised network


def concrete(name, runs):
    import torch
    from concrete.ml.torch.compile import compile_torch_model

    network, weights, image = held_and_asked(name)

    class Module(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.held = torch.nn.ParameterList([torch.nn.Parameter(torch.tensor(weight)) for weight in weights])

        def forward(self, values):
            return forward(network, values, list(self.held), plain)

    examples = np.random.default_rng(2).random((50, *network.image), dtype="float32")
    quantised = compile_torch_model(Module(), examples, n_bits=4, rounding_threshold_bits=6)
    circuit = quantised.fhe_circuit
    inferences = []
    start = time.monotonic()
    circuit.keygen()
    keys = len(circuit.client.evaluation_keys.serialize())
    for run in range(1 + runs):
        question = circuit.encrypt(quantised.quantize_input(image))
        answer = circuit.run(question)
        circuit.decrypt(answer)
        sent = len(question.serialize()) + len(answer.serialize()) + (0 if run else keys)
        inferences.append((time.monotonic() - start, sent))
        start = time.monotonic()
    return inferences


SYSTEMS = {"crypten": crypten, "tenseal": tenseal, "concrete": concrete}


def main():
    system, name, runs = sys.argv[1:]
    sys.path.insert(0, str(pathlib.Path(__file__).parent))
    inferences = SYSTEMS[system](name, int(runs))
    print("\n" + json.dumps([{"seconds": seconds, "bytes": count} for seconds, count in inferences]))


if __name__ == "__main__":
    main()
