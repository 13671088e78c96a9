"""Compiled plans."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np

from . import _native
from ._images import Batch, Image, PathLike, is_batch, packed
from ._prediction import Description, Output, Prediction
from .errors import InvalidInput


@dataclass(frozen=True)
class Cost:
    """What one inference takes, as predicted; equal to what is counted when it runs."""

    products: int
    squarings: int
    inversions: int
    rerandomisations: int
    encryptions: int
    decryptions: int
    ots: int
    bytes_up: int
    """From client to server."""
    bytes_down: int
    """From server to client."""
    rounds: int
    """Times that the client sends and then waits."""

    @property
    def bytes(self) -> int:
        """Both ways."""
        return self.bytes_up + self.bytes_down


@dataclass(frozen=True, eq=False)
class Evaluation:
    """How a plan does on labelled images."""

    images: int
    """How many."""
    accuracy: float
    """Share of them whose class the plan names, 0 to 1."""
    labels: np.ndarray
    """The class that it names for each."""


class Plan:
    """A compiled network: for the server, with its weights.

    >>> import popcorn
    >>> plan = popcorn.Plan.load("testdata/mnist-mlp.plan")
    >>> plan.suite, plan.key_bits, plan.input_shape
    ('shared', 3072, (1, 28, 28))
    """

    def __init__(self, native: _native.Plan) -> None:
        self._native = native
        self._description = Description(native.description())

    @staticmethod
    def load(path: PathLike) -> Plan:
        """The plan in a file that `save` or `popcornc compile` made."""
        return Plan(_native.Plan.load(path))

    def save(self, path: PathLike) -> None:
        """Writes the plan to a file, over one that is there."""
        self._native.save(path)

    @property
    def id(self) -> str:
        """Its digest, in hexadecimal digits; `connect` can insist on it."""
        return self._description.id

    @property
    def suite(self) -> str:
        """`shared` or `blinded`."""
        return self._description.suite

    @property
    def key_bits(self) -> int:
        """Length of the key that clients need."""
        return self._description.key_bits

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
        return self._description.input_shape

    @property
    def outputs(self) -> list[Output]:
        """The model's outputs."""
        return list(self._description.outputs)

    @property
    def classes(self) -> list[str]:
        """What the classes of the first output are called; empty where that is not known."""
        return list(self._description.outputs[0].names)

    @property
    def warnings(self) -> list[str]:
        """What the compiler said of it; empty for a plan from a file."""
        return list(self._native.warnings)

    def cost(self, phase: str = "total") -> Cost:
        """What one inference takes in all, or in the phase "offline" (before the image is known) or "online".

        >>> import popcorn
        >>> plan = popcorn.Plan.load("testdata/mnist-mlp.plan")
        >>> plan.cost("online").bytes < plan.cost().bytes
        True
        """
        costs = json.loads(self._native.cost())
        if phase not in costs:
            raise InvalidInput(f"a phase is total, offline or online, not {phase!r}")
        return Cost(**costs[phase])

    def report(self, path: PathLike, profile: PathLike | None = None, link: str | None = None) -> None:
        """Writes a page of HTML about the plan: what it is, who learns what, where time and bytes go, the network as a picture.

        Seconds are predicted for a core of 2023 with AVX-512 IFMA and a network of 40 Mbit/s and 20 ms, or for the machine whose profile
        `popcorn bench --profile` wrote; `link` is another network, such as "100/20".
        """
        self._native.report(path, profile, link)

    @overload
    def predict(self, image: Image) -> Prediction: ...
    @overload
    def predict(self, image: Batch) -> list[Prediction]: ...
    def predict(self, image: Image | Batch) -> Prediction | list[Prediction]:
        """What encrypted runs give for an image, computed here in the clear; of a batch a list."""
        return self.predict_all(image) if is_batch(image) else self.predict_all([image])[0]

    def predict_all(self, images: Batch) -> list[Prediction]:
        """The same for several images, on all processors."""
        raw, _ = packed(images, self._description)
        return [self._description.prediction(answer) for answer in self._native.predict(raw)]

    def evaluate(self, images: Batch, labels: Sequence[int] | np.ndarray) -> Evaluation:
        """How often the plan names the label of an image.

        >>> import numpy, popcorn
        >>> plan = popcorn.Plan.load("testdata/mnist-mlp.plan")
        >>> digits = numpy.load("testdata/digits/all.npz")
        >>> plan.evaluate(digits["images"], range(10)).accuracy
        1.0
        """
        expected = np.asarray(labels)
        if len(images) != len(expected) or len(images) == 0:
            raise InvalidInput(f"{len(images)} images with {len(expected)} labels")
        named = np.array([prediction.label for prediction in self.predict_all(images)])
        return Evaluation(len(named), float((named == expected).mean()), named)

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.input_shape))
        return f"<popcorn.Plan {self.id[:12]}: suite {self.suite}, images of {shape}>"

    def __reduce__(self) -> Any:
        raise TypeError("a plan goes to another process as a file: save and load it")
