"""Images as the native half takes them, and data sets as files."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Union

import numpy as np

from ._prediction import Description
from .errors import InvalidInput

Image = Union[np.ndarray, "PIL.Image.Image", Sequence[Any]]  # noqa: F821 (Pillow is not needed)
# Several images: a list, or an array with an axis for them first.
Batch = Union[np.ndarray, "list[Image]"]
PathLike = Union[str, "os.PathLike[str]"]


def pixels(image: Image, plan: Description) -> np.ndarray:
    """One image in the order channels, height, width; of a picture the channels that the plan takes, in its order."""
    channels, height, width = plan.input_shape
    if hasattr(image, "convert"):
        mode = {1: "L", 3: "RGB"}.get(channels)
        if mode is None:
            raise InvalidInput(f"the model takes {channels} channels, which a picture does not have")
        array = np.asarray(image.convert(mode), dtype=np.float32).reshape(image.height, image.width, channels)
        if plan.preprocessing["colours"] == "Bgr":
            array = array[..., ::-1]
    else:
        array = np.asarray(image, dtype=np.float32)
        while array.ndim > 3 and array.shape[0] == 1:
            array = array[0]
    shape = array.shape
    if shape == (height, width, channels) and shape != (channels, height, width):
        array = array.transpose(2, 0, 1)
    elif shape not in [(channels, height, width), (height, width), (channels * height * width,)]:
        raise InvalidInput(f"the model takes images of {channels}x{height}x{width}, this one has the shape {shape}")
    if array.size != channels * height * width:
        raise InvalidInput(f"the model takes {channels * height * width} pixels, this image has {array.size}")
    return np.ascontiguousarray(array)


def is_batch(image: Any) -> bool:
    """Whether these are several images: a list of arrays or pictures, or an array of four axes."""
    if isinstance(image, (list, tuple)) and (not image or hasattr(image[0], "convert")):
        return True
    if isinstance(image, (list, tuple)) and hasattr(image[0], "ndim"):
        return image[0].ndim >= 2
    return np.ndim(image) == 4


def packed(images: Sequence[Image] | np.ndarray, plan: Description) -> tuple[bytes, int]:
    """Several images, one after the other, and how many they are."""
    parts = [pixels(image, plan).tobytes() for image in images]
    return b"".join(parts), len(parts)


@contextlib.contextmanager
def data_set(images: Any, labels: Any = None) -> Iterator[Path | None]:
    """A path of images: a file or folder as it is, an array or a pair (images, labels) in a file for a while."""
    if images is None or isinstance(images, (str, os.PathLike)):
        yield None if images is None else Path(images)
        return
    if isinstance(images, tuple):
        images, labels = images
    arrays = {"images": _exact(np.asarray(images))}
    if labels is not None:
        arrays["labels"] = np.asarray(labels, dtype=np.int64)
    with tempfile.TemporaryDirectory(prefix="popcorn-") as folder:
        path = Path(folder) / "images.npz"
        np.savez(path, **arrays)
        yield path


def _exact(images: np.ndarray) -> np.ndarray:
    """Bytes stay bytes; other numbers become float32. Grey images get their axis of channels."""
    if images.ndim == 3:
        images = images[:, None]
    return images if images.dtype == np.uint8 else images.astype(np.float32)
