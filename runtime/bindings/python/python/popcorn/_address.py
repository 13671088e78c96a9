"""Where plaintext may be spoken."""

from __future__ import annotations

import ipaddress
import socket

from .errors import InvalidInput


def require_this_machine(address: str, advice: str) -> None:
    """Refuses addresses of other machines; what a name does not stand for is reported by whoever uses it."""
    host, _, _ = address.rpartition(":")
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(host.strip("[]") or None, None)}
    except OSError:
        return
    if not all(ipaddress.ip_address(ip.partition("%")[0]).is_loopback for ip in found):
        raise InvalidInput(
            f"{address} is not this machine, and without TLS whoever is on the way can read which messages are exchanged, and "
            f"change them: {advice}, or plaintext=True"
        )
