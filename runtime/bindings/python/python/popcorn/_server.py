"""Servers in the background."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from . import _native
from ._address import require_this_machine
from ._images import PathLike
from ._plan import Plan
from .errors import InvalidInput, SystemFailure


class Server:
    """A server that accepts clients in threads of its own until it is closed, or dropped. A context manager."""

    def __init__(self, native: _native.Server) -> None:
        self._native = native

    @property
    def address(self) -> str:
        """Where it listens, HOST:PORT; the port is the one that the system chose, if it was asked for port 0."""
        return self._native.address

    def close(self) -> None:
        """Lets nobody else in. Sessions that have begun go on to their end."""
        self._native.close()

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<popcorn.Server at {self.address}>"


def serve(
    plan: Plan | Mapping[str, Plan],
    address: str = "127.0.0.1:0",
    *,
    tls: tuple[PathLike, PathLike] | None = None,
    client_ca: PathLike | None = None,
    tokens: PathLike | Mapping[str, str] | None = None,
    store: PathLike | None = None,
    store_key: PathLike | None = None,
    max_clients: int = 16,
    plaintext: bool = False,
) -> Server:
    """Serves a plan in the background, or several by the names that a mapping gives them.

    >>> import popcorn
    >>> plan = popcorn.Plan.load("testdata/mnist-mlp.plan")
    >>> with popcorn.serve(plan) as server:
    ...     server.address.startswith("127.0.0.1:")
    True

    address: HOST:PORT; port 0 lets the system choose.
    tls: PEM files of the server's certificate and of its key; without them only this machine is served, or anybody with
        `plaintext=True`.
    client_ca: lets in only clients with a certificate of an authority in this PEM file.
    tokens: lets in only clients with a token: a file of lines from `popcorn token`, or a mapping from clients' names to hashes
        (`new_token`).
    store: the folder in which is kept what clients prepare for later sessions (`Client.stock`). Never copy it, and never bring it
        back from a backup.
    store_key: the file of the bytes under which the folder is sealed; by default it lies in the folder.
    max_clients: how many are served at the same time; further ones are told so.
    """
    if client_ca is not None and tls is None:
        raise InvalidInput("clients show certificates in TLS alone: give tls=(certificate, key), too")
    if tls is None and not plaintext:
        require_this_machine(address, "give tls=(certificate, key)")
    if store_key is not None and store is None:
        raise InvalidInput("store_key= is the key of a store: give store=, too")
    named = list(plan.items()) if isinstance(plan, Mapping) else [(None, plan)]
    plans = [(name, each._native) for name, each in named]
    kept = None if store is None else (store, store_key)
    return Server(_native.serve(plans, address, tls, client_ca, max_clients, _lines(tokens), kept))


def _lines(tokens: PathLike | Mapping[str, str] | None) -> str | None:
    """A line with name and hash for each client."""
    if tokens is None:
        return None
    if isinstance(tokens, Mapping):
        return "\n".join(f"{name} {digest}" for name, digest in tokens.items())
    try:
        return Path(tokens).read_text(encoding="utf-8")
    except OSError as error:
        raise SystemFailure(f"cannot read {os.fspath(tokens)}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{os.fspath(tokens)} is no file of tokens") from error


def new_token() -> tuple[str, str]:
    """A token of 64 hexadecimal digits for a client to keep, and its hash for the server.

    >>> import popcorn
    >>> token, digest = popcorn.new_token()
    >>> plan = popcorn.Plan.load("testdata/mnist-mlp.plan")
    >>> with popcorn.serve({"digits": plan}, tokens={"alice": digest}) as server:
    ...     with popcorn.connect(server.address, token=token, plan="digits") as client:
    ...         client.plan_id == plan.id
    True
    """
    token = secrets.token_hex(32)
    return token, _native.token_hash(token)
