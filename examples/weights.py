"""Weights for the networks of families.py: fitted to CIFAR-10, or trained on it."""

import os
import pathlib
import sys

import numpy as np
import torch
from networks import CLASSES, NETWORKS
from torch import nn

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATA = pathlib.Path(os.environ.get("POPCORN_DATA", ROOT.parent / "shared")) / "data"

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
FITTING_IMAGES, STATISTICS_IMAGES, BATCH = 2000, 1024, 64


# ---- Images


def load(name, size):
    """Images, enlarged to `size`, and labels."""
    with np.load(DATA / name) as file:
        images, labels = file["images"], file["labels"].astype(np.int64)
    times = size // images.shape[-1]
    return images.repeat(times, axis=2).repeat(times, axis=3), labels


def training_data(size):
    return load("cifar10-train-5000.npz", size)


def test_data(size):
    return load("cifar10-test-1000.npz", size)


def prepared(images):
    """What the networks take: (pixel / 255 - mean) / std."""
    mean, std = (np.array(numbers, np.float32).reshape(3, 1, 1) for numbers in (MEAN, STD))
    return (images.astype(np.float32) / 255 - mean) / std


def batches(images):
    for start in range(0, len(images), BATCH):
        yield torch.from_numpy(prepared(images[start : start + BATCH]))


# ---- Untrained networks


def measure_statistics(model, images):
    """Gives every BatchNormalization the mean and the variance of these images."""
    for layer in model.modules():
        if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d)):
            # With 0, as at the start of training, deep networks are chaotic: they blow up whatever is rounded.
            layer.bias.fill_(1)
            layer.train()
            layer.momentum = None  # the plain average over all batches
    for batch in batches(images):
        model(batch)
    model.eval()


def last_layer(model):
    return [layer for layer in model.modules() if isinstance(layer, (nn.Linear, nn.Conv2d))][-1]


def features(model, images):
    """What the last layer reads, averaged over the pixels where it is a convolution."""
    found = []
    hook = last_layer(model).register_forward_pre_hook(lambda _, inputs: found.append(inputs[0]))
    for batch in batches(images):
        model(batch)
    hook.remove()
    found = torch.cat(found)
    return found.mean((2, 3)) if found.ndim == 4 else found


def fit_last_layer(model, images, labels):
    """Ridge regression of what the logits should be on what the last layer reads."""
    layer, read = last_layer(model), features(model, images).double()
    wanted = nn.functional.one_hot(torch.from_numpy(labels), CLASSES).double()
    mean, centred = read.mean(0), read - read.mean(0)
    # Leaves out what hardly varies, and would be lost in rounding.
    ridge = centred.square().sum() / len(mean) * torch.eye(len(mean), dtype=torch.float64)
    weights = torch.linalg.solve(centred.T @ centred + ridge, centred.T @ (wanted - wanted.mean(0))).T
    layer.weight.copy_(weights.reshape(layer.weight.shape))
    # SqueezeNet's last layer, a convolution, has a ReLU behind it, which should cut off nothing.
    level = 1 if isinstance(layer, nn.Conv2d) else 0
    layer.bias.copy_(level - weights @ mean)


@torch.no_grad()
def fit(model, network):
    images, labels = (array[:FITTING_IMAGES] for array in training_data(network.size))
    model.eval()
    measure_statistics(model, images[:STATISTICS_IMAGES])
    if not network.map:
        fit_last_layer(model, images, labels)


# ---- Trained networks


def augmented(images, generator):
    """Shifted by up to four pixels, and flipped, at random."""
    size = images.shape[-1]
    padded = nn.functional.pad(images, (4, 4, 4, 4))
    shifts = torch.randint(9, (len(images), 2), generator=generator).tolist()
    shifted = torch.stack([image[:, y : y + size, x : x + size] for image, (y, x) in zip(padded, shifts)])
    flips = torch.rand(len(images), generator=generator) < 0.5
    return torch.where(flips.reshape(-1, 1, 1, 1), shifted.flip(3), shifted)


def train(model, size, rate, epochs):
    images, labels = training_data(size)
    images, labels = torch.from_numpy(prepared(images)), torch.from_numpy(labels)
    generator = torch.Generator().manual_seed(1)
    steps = len(images) // BATCH
    optimiser = torch.optim.SGD(model.parameters(), rate, 0.9, weight_decay=5e-4, nesterov=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, epochs * steps)
    for epoch in range(epochs):
        model.train()
        for chosen in torch.randperm(len(images), generator=generator).split(BATCH)[:steps]:
            loss = nn.functional.cross_entropy(model(augmented(images[chosen], generator)), labels[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        print(f"  epoch {epoch + 1} of {epochs}: loss {loss.item():.2f}", file=sys.stderr, flush=True)
    model.eval()


def with_weights(name, work, quick):
    """The network; its weights are made once and kept in the folder `work`."""
    torch.manual_seed(1)
    network = NETWORKS[name]
    model, checkpoint = network.build(), work / f"{name}{'-quick' if quick else ''}.pt"
    if checkpoint.exists():
        model.load_state_dict(torch.load(checkpoint))
        return model.eval()
    if network.training:
        print(f"{name}: training", file=sys.stderr, flush=True)
        train(model, network.size, network.training.rate, 2 if quick else network.training.epochs)
    else:
        print(f"{name}: fitting statistics and the last layer", file=sys.stderr, flush=True)
        fit(model, network)
    torch.save(model.state_dict(), checkpoint)
    return model
