"""From a trained model to a plan."""

from __future__ import annotations

import contextlib
import os
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from . import _native
from ._images import PathLike, data_set
from ._plan import Plan
from .errors import InvalidInput

Numbers = float | Sequence[float]


def compile(
    model: Any,
    *,
    calibration: Any = None,
    example: Any = None,
    suite: str = "shared",
    reveal: str | None = None,
    labels: Sequence[str] = (),
    input_scale: float = 1.0,
    input_mean: Numbers = 0.0,
    input_std: Numbers = 1.0,
    input_range: tuple[float, float] | None = None,
    input_colours: str = "rgb",
    max_accuracy_drop: float | None = None,
    evaluation: Any = None,
    evaluation_images: int = 10_000,
    model_output: str | Sequence[str] = (),
    key_bits: int = 3072,
    machine: str = "ifma",
    weight_bits: int = 8,
    activation_bits: int = 8,
    margin_bits: int | None = None,
    sparsity: float = 0.0,
    channel_sparsity: float = 0.0,
    activation_pieces: int | None = None,
    calibration_images: int = 512,
    max_batch: int = 64,
    silent_transfers: bool = True,
    max_error: float = 0.1,
    accept_error: bool = False,
    reproducible: bool = False,
) -> Plan:
    """Compiles a model to a plan, which holds its weights and says who computes what.

    >>> import numpy, popcorn
    >>> images = numpy.random.default_rng(1).integers(0, 256, (64, 1, 28, 28), dtype=numpy.uint8)
    >>> plan = popcorn.compile("testdata/mnist-mlp.onnx", calibration=images, input_scale=1 / 255)
    >>> plan.input_shape
    (1, 28, 28)

    model: an ONNX file's path, its bytes, an `onnx.ModelProto`, or a `torch.nn.Module`, which is exported with `example`, a
        tensor of one image or the tuple of the arguments.
    calibration: raw images like those of the customers, an array (N, C, H, W), an .npz file with `images`, or a folder of
        pictures; without them synthetic ones are used, and rings may be too narrow for real images.
    suite: "shared", which tells nothing of any value, or "blinded", the paper's.
    reveal: "logits", or "label" for the class alone (suite "shared"); by default as the model ends.
    labels: what the classes are called.
    input_scale, input_mean, input_std: the model takes (pixel * scale - mean) / std; numbers, or one per channel.
    input_range: the smallest and the largest raw pixel, by default 0 and 255.
    input_colours: the order of a picture's channels, "rgb" or "bgr".
    max_accuracy_drop: finds the cheapest plan that loses at most so many percentage points on `evaluation`, labelled images: a
        pair of arrays (images, labels), an .npz file with both, or a folder of pictures with a folder for each class. Takes
        minutes; Ctrl-C returns at once, and the search ends in the background.

    The others are those of `popcornc compile`, which its `--help` describes.

    Warns of what its user should know, as `plan.warnings` does. Raises `Unsupported` with a diagnostic for each node that cannot
    be compiled, `Inaccurate` where the plan would be too far from the model, `InvalidInput` for options and files.
    """
    if (max_accuracy_drop is None) != (evaluation is None):
        raise InvalidInput("an accuracy budget takes both max_accuracy_drop and evaluation")
    options = {
        "suite": suite,
        "reveal": reveal,
        "labels": list(labels),
        "input_scale": input_scale,
        "input_mean": _list(input_mean),
        "input_std": _list(input_std),
        "input_range": input_range,
        "input_colours": input_colours,
        "max_accuracy_drop": max_accuracy_drop,
        "evaluation_images": evaluation_images,
        "model_output": [model_output] if isinstance(model_output, str) else list(model_output),
        "key_bits": key_bits,
        "machine": machine,
        "weight_bits": weight_bits,
        "activation_bits": activation_bits,
        "margin_bits": margin_bits,
        "sparsity": sparsity,
        "channel_sparsity": channel_sparsity,
        "activation_pieces": activation_pieces,
        "calibration_images": calibration_images,
        "max_batch": max_batch,
        "silent_transfers": silent_transfers,
        "max_error": max_error,
        "accept_error": accept_error,
        "reproducible": reproducible,
    }
    with _file(model, example) as path, data_set(calibration) as images, data_set(evaluation) as labelled:
        plan = _native.compile(path, {**options, "calibration": images, "evaluation": labelled})
    for warning in plan.warnings:
        warnings.warn(warning, stacklevel=2)
    return Plan(plan)


def _list(numbers: Numbers) -> list[float]:
    return [float(numbers)] if isinstance(numbers, (int, float)) else [float(number) for number in numbers]


@contextlib.contextmanager
def _file(model: Any, example: Any) -> Iterator[PathLike]:
    """The path of an ONNX file with this model."""
    if isinstance(model, (str, os.PathLike)):
        yield model
        return
    with tempfile.TemporaryDirectory(prefix="popcorn-") as folder:
        path = Path(folder) / "model.onnx"
        if isinstance(model, (bytes, bytearray, memoryview)):
            path.write_bytes(model)
        elif hasattr(model, "SerializeToString"):
            path.write_bytes(model.SerializeToString())
        elif hasattr(model, "state_dict"):
            _export(model, example, path)
        else:
            raise InvalidInput(f"a model is a path, bytes, an onnx.ModelProto or a torch.nn.Module, not {type(model)}")
        yield path


def _export(module: Any, example: Any, path: Path) -> None:
    """Writes a module of PyTorch in evaluation mode, which it is left in as it was."""
    import torch

    if example is None:
        raise InvalidInput("a torch.nn.Module takes example=, a tensor of one image")
    arguments = example if isinstance(example, tuple) else (example,)
    training = module.training
    module.eval()
    try:
        with torch.no_grad():
            torch.onnx.export(module, arguments, str(path))
    finally:
        module.train(training)
