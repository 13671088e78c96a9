"""Servers in the background."""

from __future__ import annotations

from types import TracebackType

from . import _native
from ._address import require_this_machine
from ._images import PathLike
from ._plan import Plan
from .errors import InvalidInput


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
    plan: Plan,
    address: str = "127.0.0.1:0",
    *,
    tls: tuple[PathLike, PathLike] | None = None,
    client_ca: PathLike | None = None,
    max_clients: int = 16,
    plaintext: bool = False,
) -> Server:
    """Serves a plan in the background.

    >>> import popcorn
    >>> plan = popcorn.Plan.load("testdata/mnist-mlp.plan")
    >>> with popcorn.serve(plan) as server:
    ...     server.address.startswith("127.0.0.1:")
    True

    address: HOST:PORT; port 0 lets the system choose.
    tls: PEM files of the server's certificate and of its key; without them only this machine is served, or anybody with
        `plaintext=True`.
    client_ca: lets in only clients with a certificate of an authority in this PEM file.
    max_clients: how many are served at the same time; further ones are told so.
    """
    if client_ca is not None and tls is None:
        raise InvalidInput("clients show certificates in TLS alone: give tls=(certificate, key), too")
    if tls is None and not plaintext:
        require_this_machine(address, "give tls=(certificate, key)")
    return Server(_native.serve(plan._native, address, tls, client_ca, max_clients))
