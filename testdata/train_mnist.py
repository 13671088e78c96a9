#!/usr/bin/env python3
"""Train the two MNIST test networks and export them to ONNX.

    mnist-mlp.onnx   784-128-128-10, ReLU
    mnist-cnn.onnx   conv 5x5x16, ReLU, max-pool 2, conv 5x5x16, ReLU, max-pool 2, dense 256-100, ReLU, dense 100-10

Input `image` (batch, 1, 28, 28) holds grey values divided by 255; output `logits` is (batch, 10), no softmax.

Data are read from $POPCORN_DATA/data (default: the folder `shared` beside the repository):
mnist-train-60000.npz and mnist-test-10000.npz, each with `images` uint8 (N, 1, 28, 28) and `labels`.
The test images are used for the printed accuracies only: there is no early stopping or choice of epoch.

    python train_mnist.py            train both, write them beside this script, then check them
    python train_mnist.py --check    only check the files that are there (needs no torch)

requires: Python 3.10, torch==1.12.1 (training only), onnx==1.23.2, onnxruntime==1.23.2, numpy==1.26.4, Pillow==12.3.0
"""

import argparse
import math
import os
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("POPCORN_DATA", HERE.parent.parent / "shared")) / "data"
EPOCHS = {"mlp": 150, "cnn": 40}
BATCH = 128
SEED = 1


def load(name):
    with np.load(DATA / name) as f:
        return f["images"].astype(np.float32) / 255, f["labels"].astype(np.int64)


# ---------------------------------------------------------------- training


def network(name):
    from torch import nn

    if name == "mlp":
        return nn.Sequential(
            nn.Flatten(),
            nn.Linear(784, 128), nn.ReLU(),
            nn.Linear(128, 128), nn.ReLU(),
            nn.Linear(128, 10),
        )  # fmt: skip
    return nn.Sequential(
        nn.Conv2d(1, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(256, 100), nn.ReLU(),
        nn.Linear(100, 10),
    )  # fmt: skip


def augment(x):
    """Random small affine map (rotation, scale, shear, shift) and stroke thickness, one draw per image."""
    import torch
    from torch.nn import functional as F

    def uniform(limit):
        return (torch.rand(len(x)) * 2 - 1) * limit

    thickness = uniform(0.6).view(-1, 1, 1, 1)
    thick, thin = F.max_pool2d(x, 3, 1, 1), -F.max_pool2d(-x, 3, 1, 1)
    x = x + thickness.clamp(min=0) * (thick - x) - thickness.clamp(max=0) * (thin - x)

    angle, shear = uniform(math.radians(12)), uniform(0.15)
    scale_x, scale_y = 1 + uniform(0.12), 1 + uniform(0.12)
    shift_x, shift_y = uniform(2 / 14), uniform(2 / 14)  # 14 pixels are 1.0 in grid coordinates
    cos, sin = angle.cos(), angle.sin()
    rows = [
        torch.stack([scale_x * cos, scale_x * (shear * cos - sin), shift_x], 1),
        torch.stack([scale_y * sin, scale_y * (shear * sin + cos), shift_y], 1),
    ]
    grid = F.affine_grid(torch.stack(rows, 1), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, align_corners=False)


def train(name):
    """AdamW with one linear warm-up epoch and a cosine decay to zero; returns the trained network."""
    import torch
    from torch.nn import functional as F

    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    images, labels = map(torch.from_numpy, load("mnist-train-60000.npz"))
    net = network(name)
    per_epoch = len(images) // BATCH
    total = EPOCHS[name] * per_epoch
    optimiser = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda i: min((i + 1) / per_epoch, 0.5 + 0.5 * math.cos(math.pi * i / total))
    )
    for epoch in range(EPOCHS[name]):
        order, loss_sum = torch.randperm(len(images)), 0.0
        for i in range(per_epoch):
            batch = order[i * BATCH : (i + 1) * BATCH]
            loss = F.cross_entropy(net(augment(images[batch])), labels[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            loss_sum += loss.item()
        print(f"mnist-{name}: epoch {epoch + 1}/{EPOCHS[name]}, training loss {loss_sum / per_epoch:.4f}", flush=True)
    return net


def export(net, name):
    """The Sequential as an ONNX model, written out by hand so that names are stable and nothing else gets in."""
    counts, nodes, weights, value = {}, [], [], "image"
    for layer in net:
        op, attributes = {
            "Flatten": ("Flatten", {"axis": 1}),
            "Linear": ("Gemm", {"transB": 1}),
            "Conv2d": ("Conv", {"kernel_shape": [5, 5]}),
            "MaxPool2d": ("MaxPool", {"kernel_shape": [2, 2], "strides": [2, 2]}),
            "ReLU": ("Relu", {}),
        }[type(layer).__name__]
        kind = {"Gemm": "dense", "MaxPool": "pool"}.get(op, op.lower())
        counts[kind] = counts.get(kind, 0) + 1
        node = f"{kind}{counts[kind]}"
        inputs = [value]
        for key, tensor in layer.state_dict().items():
            inputs.append(f"{node}.{key}")
            weights.append(numpy_helper.from_array(tensor.numpy(), inputs[-1]))
        value = "logits" if layer is net[-1] else f"{node}.out"
        nodes.append(helper.make_node(op, inputs, [value], name=node, **attributes))
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, 28, 28])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 10])
    graph = helper.make_graph(nodes, f"mnist-{name}", [image], [logits], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], producer_name="train_mnist.py")
    model.ir_version = 8
    onnx.checker.check_model(model, full_check=True)
    return model


# ---------------------------------------------------------------- checking the exported files


def logits(model, images):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(None, {"image": part})[0] for part in np.split(images, 10)])


def quantise(model, bits=8):
    """A copy whose weights are rounded to signed integers times one scale per output channel; biases stay."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for tensor in copy.graph.initializer:
        w = numpy_helper.to_array(tensor)
        if w.ndim > 1:
            scale = np.abs(w).max(axis=tuple(range(1, w.ndim)), keepdims=True) / (2 ** (bits - 1) - 1)
            tensor.CopyFrom(numpy_helper.from_array((np.round(w / scale) * scale).astype(np.float32), tensor.name))
    return copy


def drawn_digits():
    from PIL import Image

    files = [HERE / "digits" / f"{d}.png" for d in range(10)]
    return np.stack([np.asarray(Image.open(f), np.float32)[None] / 255 for f in files])


def check(path):
    """Print the accuracies of one exported file, float and 8-bit, and its logits for the drawn digits."""
    model = onnx.load(path)
    images, labels = load("mnist-test-10000.npz")
    for what, variant in [("float", model), ("8 bits per channel", quantise(model))]:
        right = (logits(variant, images).argmax(1) == labels).mean()
        print(f"{path.name}: {what}: {100 * right:.2f} % of {len(labels)} test images")
    if not (HERE / "digits").is_dir():
        return
    for digit, row in enumerate(logits(model, drawn_digits())):
        margin = row[digit] - np.delete(row, digit).max()
        print(f"  digits/{digit}.png -> {row.argmax()}, margin {margin:5.2f}, logits", np.round(row, 2))


def main():
    parser = argparse.ArgumentParser(description="Train, export and check the MNIST test networks.")
    parser.add_argument("--out", type=Path, default=HERE, help="folder for the .onnx files (default: this one)")
    parser.add_argument("--net", choices=["mlp", "cnn"], help="only this network (default: both)")
    parser.add_argument("--check", action="store_true", help="do not train, check the files in --out")
    args = parser.parse_args()
    np.set_printoptions(linewidth=160, suppress=True)
    for name in [args.net] if args.net else ["mlp", "cnn"]:
        path = args.out / f"mnist-{name}.onnx"
        if not args.check:
            args.out.mkdir(parents=True, exist_ok=True)
            path.write_bytes(export(train(name), name).SerializeToString(deterministic=True))
        check(path)


if __name__ == "__main__":
    main()
