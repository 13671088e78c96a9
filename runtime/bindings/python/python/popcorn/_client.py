"""Sessions with servers."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from types import TracebackType
from typing import Any, overload

from . import _native
from ._address import require_this_machine
from ._images import Batch, Image, PathLike, is_batch, packed
from ._key import Key
from ._plan import Plan
from ._prediction import Description, Output, Prediction
from ._progress import listener
from .errors import InvalidInput, PopcornError


class Client:
    """A session with a server: images go in, predictions come out, and the server sees neither. A context manager.

    Calls let other threads run; Ctrl-C ends a call, and the session with it, as `cancel` from another thread does.
    """

    def __init__(self, native: _native.Client) -> None:
        self._native = native
        self._description = Description(native.description)

    @overload
    def infer(self, image: Image) -> Prediction: ...
    @overload
    def infer(self, image: Batch) -> list[Prediction]: ...
    def infer(self, image: Image | Batch) -> Prediction | list[Prediction]:
        """The network's answer to an image: an array of raw pixels (C, H, W), (H, W, C) or, of one channel, (H, W), or a picture
        of Pillow's. Of a batch, which is a list of these or an array with an axis for the images first, a list of answers, as
        `infer_all` gives. Raises `InvalidInput` where an image does not fit; then nothing is sent, and the session goes on."""
        return self.infer_all(image) if is_batch(image) else self.infer_all([image])[0]

    def infer_all(self, images: Batch) -> list[Prediction]:
        """The answers to several images, which take less together than one after the other. Where that fails, the exception's
        `answers` are those to the images before."""
        raw, count = packed(images, self._description)
        if count == 0:
            return []
        answers, error = self._native.infer_all(raw, count)
        predictions = [self._description.prediction(answer) for answer in answers]
        if error is not None:
            error.answers = predictions
            raise error
        return predictions

    def prepare(self, count: int = 1) -> int:
        """Does ahead what does not depend on images, until `count` inferences are ready, or as many as the server allows; how
        many are. In suite `blinded` nothing can be prepared."""
        return self._native.prepare(count)

    def stock(self, count: int) -> int:
        """Prepares for later sessions, until the store holds `count` inferences of this key and plan or the server keeps no more; how
        many it holds. Later sessions with the same key and store use them, each once."""
        return self._native.stock(count)

    @property
    def stored(self) -> int:
        """Inferences of this key and plan that the store holds; 0 without one."""
        return self._native.stored()

    @property
    def prepared(self) -> int:
        """Inferences that are ready and not used."""
        return self._native.prepared()

    @property
    def plan_id(self) -> str:
        """The digest of the server's plan."""
        return self._description.id

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
        return self._description.input_shape

    @property
    def outputs(self) -> list[Output]:
        """The model's outputs."""
        return list(self._description.outputs)

    def spending(self) -> dict[str, dict[str, Any]]:
        """Seconds and bytes of the session so far: `offline` and `online`, each with `seconds`, `bytes_sent`,
        `bytes_received`."""
        return json.loads(self._native.spending())

    def cancel(self) -> None:
        """Ends calls in other threads, which raise `Cancelled`, and the session."""
        self._native.cancel()

    def close(self) -> None:
        """Ends the session once all that was sent is written; what is prepared and not used goes to the store, where there is one."""
        self._native.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        except PopcornError:
            if kind is None:  # what ended the block counts
                raise

    def __repr__(self) -> str:
        return f"<popcorn.Client of plan {self.plan_id[:12]}>"


def connect(
    address: str,
    *,
    tls: bool | PathLike | None = None,
    pin: str | None = None,
    identity: tuple[PathLike, PathLike] | None = None,
    key: Key | PathLike | None = None,
    token: str | None = None,
    plan: Plan | str | None = None,
    timeout: float | None = None,
    retry: float = 0.0,
    store: PathLike | None = None,
    store_key: PathLike | None = None,
    progress: bool | Callable[[int, int, str], object] = False,
    plaintext: bool = False,
) -> Client:
    """Opens a session with the server at `address`, HOST:PORT.

    >>> import popcorn
    >>> plan = popcorn.Plan.load("testdata/mnist-mlp.plan")
    >>> with popcorn.serve(plan) as server, popcorn.connect(server.address) as client:
    ...     client.prepare(1)
    1

    tls: `True` for a certificate of an authority that this system trusts, or a PEM file of authorities; `pin` is the SHA-256 of
        the certificate alone that is trusted. Without both only this machine is spoken to, or anybody with `plaintext=True`.
    identity: PEM files of the client's own certificate and of its key, where the server wants one.
    key: a key or a file of one; otherwise one is made for the session and forgotten after it.
    token: 64 hexadecimal digits by which a server that asks for tokens knows this client; it is sent inside TLS, or to this machine.
    plan: insists on this plan, or on the one with this digest; or asks for the one that the server calls so.
    timeout: seconds that the server may take over a message (600).
    retry: for so many seconds after a failure try again, where the server cannot be reached, has no place, or was lost; what was
        prepared is then prepared anew, unless both parties have stores.
    store: the folder in which inferences lie that `stock` prepared, each for one image; it takes `key`. Never copy it, and never
        bring it back from a backup: an inference that is used twice gives both images away.
    store_key: the file of the bytes under which the folder is sealed; by default it lies in the folder.
    progress: `True` for a bar of tqdm's, where that is installed, or a function that is called with the steps done, all steps,
        and the name of the last one.
    """
    trust = _trust(tls, pin, identity)
    if trust is None and not plaintext:
        require_this_machine(address, "give tls=True, tls=FILE or pin=SHA256")
    if isinstance(key, (str, os.PathLike)):
        key = Key.load(key)
    if token is not None and trust is None and plaintext:
        raise InvalidInput("whoever is on the way would learn the token: give tls=True, tls=FILE or pin=SHA256")
    if store is not None and key is None:
        raise InvalidInput("what lies in a store belongs to a key: give key=, the same each time")
    if store_key is not None and store is None:
        raise InvalidInput("store_key= is the key of a store: give store=, too")
    kept = None if store is None else (store, store_key)
    wanted = plan.id if isinstance(plan, Plan) else plan
    own = key._native if key else None
    return Client(
        _native.connect(
            address, own, wanted, timeout, retry, trust, identity, token, kept, plaintext, listener(progress)
        )
    )


def _trust(tls: bool | PathLike | None, pin: str | None, identity: Any) -> tuple[str, str | None] | None:
    """How the native half is told whom to trust."""
    if pin is not None and tls not in (None, False, True):
        raise InvalidInput("either a file of authorities or a pin is given")
    if pin is not None:
        return "pin", pin
    if tls is True or (not tls and identity is not None):
        return "system", None
    return ("file", os.fspath(tls)) if tls else None
