"""Clients' keys."""

from __future__ import annotations

from . import _native
from ._images import PathLike


class Key:
    """A client's Paillier key pair: whoever has it can decrypt what was sent under it, so it stays with the client. One key
    serves any number of sessions.

    >>> import popcorn, tempfile
    >>> key = popcorn.Key.generate()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     key.save(f"{folder}/me.key")
    ...     popcorn.Key.load(f"{folder}/me.key").bits
    3072
    """

    def __init__(self, native: _native.Key) -> None:
        self._native = native

    @staticmethod
    def generate(bits: int = 3072) -> Key:
        """A new key of 2048, 3072 or 4096 bits; takes about half a second."""
        return Key(_native.Key.generate(bits))

    @staticmethod
    def load(path: PathLike) -> Key:
        """The key in a file."""
        return Key(_native.Key.load(path))

    def save(self, path: PathLike) -> None:
        """Writes a new file that only its owner can read; one that exists is not written over."""
        self._native.save(path)

    @property
    def bits(self) -> int:
        """Length of the modulus."""
        return self._native.bits

    def __repr__(self) -> str:
        return f"<popcorn.Key of {self.bits} bits>"
