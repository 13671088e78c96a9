"""What fails, and who is to blame.

>>> import popcorn
>>> try:
...     popcorn.Plan.load("nowhere.plan")
... except popcorn.PopcornError as error:
...     print(type(error).__name__)
SystemFailure
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ._prediction import Prediction


class PopcornError(Exception):
    """Any failure of this package."""

    answers: Sequence[Prediction] = ()
    """What a call about several images had for the first of them before it failed."""


class InvalidInput(PopcornError, ValueError):
    """An image, an option or a file of the caller's cannot be used."""


class PeerError(PopcornError, ConnectionError):
    """The peer sent something that the protocol does not allow, was silent, or hung up. The session is over."""


class Refused(PopcornError, ConnectionError):
    """The server said that it will not go on, and why. The session is over."""


class SessionOver(PopcornError):
    """The session lasted as long as sessions may, was closed, or has failed before; another one can be opened."""


class Cancelled(PopcornError):
    """Another thread ended the call, and the session with it."""


class SystemFailure(PopcornError, OSError):
    """The operating system refused a file, a socket or randomness."""


class Inaccurate(PopcornError):
    """No plan is as close to the model as was asked for; the message says how far the best is."""


class Diagnostic(NamedTuple):
    """What is wrong with one node of a model."""

    node: str
    """Its name in the model."""
    op: str
    """Its operator."""
    what: str
    """What is wrong and why."""
    hint: str
    """What to do about it; may be empty."""


class Unsupported(PopcornError):
    """The model has parts that cannot be compiled."""

    diagnostics: list[Diagnostic]
    """All of them."""

    def __init__(self, message: str, diagnostics: list[tuple[str, str, str, str]] = ()) -> None:
        super().__init__(message)
        self.diagnostics = [Diagnostic(*found) for found in diagnostics]


class InternalError(PopcornError, RuntimeError):
    """A defect of this package."""
