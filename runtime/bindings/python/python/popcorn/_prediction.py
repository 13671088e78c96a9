"""Answers to images."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Output:
    """One output of a model."""

    name: str
    """As the model calls it."""
    shape: tuple[int, ...]
    """Its axes, the batch left out."""
    classes: tuple[int, ...]
    """The axes along which it has scores of classes; empty where it has none."""
    postprocessing: str
    """What the model ends in: `None`, `Softmax` or `LogSoftmax`."""
    names: list[str]
    """What its classes are called; empty where that is not known."""

    def probabilities(self, scores: np.ndarray) -> np.ndarray | None:
        """The probabilities that the model's scores stand for; `None` without classes."""
        if not self.classes:
            return None
        if self.postprocessing == "Softmax":
            return scores
        powers = np.exp(scores - scores.max(axis=self.classes, keepdims=True))
        return powers / powers.sum(axis=self.classes, keepdims=True)


@dataclass(frozen=True, eq=False)
class Prediction:
    """The answer to one image.

    >>> import numpy, popcorn
    >>> plan = popcorn.Plan.load("testdata/mnist-mlp.plan")
    >>> prediction = plan.predict(numpy.zeros((1, 28, 28)))
    >>> prediction.label == int(prediction.scores.argmax())
    True
    >>> round(float(prediction.probabilities.sum()), 6)
    1.0
    """

    label: int
    """The class with the largest score; of a map the first position's, and 0 where there are no classes."""
    labels: np.ndarray
    """The class of each position of the first output."""
    ranking: list[int]
    """The classes of the first position, likeliest first; the label alone where only that is revealed."""
    name: str | None
    """What the class is called, where that is known."""
    outputs: dict[str, np.ndarray] = field(repr=False)
    """Each output's scores, as the model gives them; none where only labels are revealed."""
    probabilities: np.ndarray | None = field(repr=False)
    """Of the first output's classes; `None` without classes or scores."""

    @property
    def scores(self) -> np.ndarray | None:
        """The first output's scores; `None` where only labels are revealed."""
        return next(iter(self.outputs.values()), None)


class Description:
    """What clients are told of a plan."""

    def __init__(self, text: str) -> None:
        told: dict[str, Any] = json.loads(text)
        self.id: str = told["id"]
        self.suite: str = told["suite"]
        self.key_bits: int = told["key_bits"]
        self.input_shape: tuple[int, int, int] = tuple(told["input"]["shape"])
        self.preprocessing: dict[str, Any] = told["input"]["preprocessing"]
        self.revealed: str = told["output"]["revealed"]
        self.outputs = [_output(part) for part in told["output"]["parts"]]

    def prediction(self, answer: tuple[list[int], list[int], bytes]) -> Prediction:
        """What the native half's answer says."""
        labels, ranking, raw = answer
        first = self.outputs[0]
        label_shape = [size for axis, size in enumerate(first.shape) if axis not in first.classes]
        values = np.frombuffer(raw, dtype=np.float64)
        outputs: dict[str, np.ndarray] = {}
        for output in self.outputs if values.size else []:
            size = int(np.prod(output.shape))
            outputs[output.name] = values[:size].reshape(output.shape)
            values = values[size:]
        label = ranking[0] if ranking else 0
        return Prediction(
            label=label,
            labels=np.array(labels, dtype=np.int64).reshape(label_shape if labels else 0),
            ranking=ranking,
            name=first.names[label] if first.names else None,
            outputs=outputs,
            probabilities=first.probabilities(outputs[first.name]) if outputs else None,
        )


def _output(part: dict[str, Any]) -> Output:
    classes = part["classes"]
    return Output(
        name=part["name"],
        shape=tuple(part["axes"]),
        classes=tuple(range(classes["first"], classes["end"])) if classes else (),
        postprocessing=part["postprocessing"],
        names=part["names"],
    )
