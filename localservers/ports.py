"""Free loopback ports."""

from __future__ import annotations

import random
import socket

_BELOW_EPHEMERAL = range(20_000, 32_000)
_given: set[int] = set()


def free_port() -> int:
    """A free TCP port of 127.0.0.1, below the range from which the kernel takes ports for outgoing connections: a server
    that is killed and started again finds its port still free. None is given twice: many are asked for before any is used.
    """
    for port in random.sample(_BELOW_EPHEMERAL, len(_BELOW_EPHEMERAL)):
        if port in _given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            _given.add(port)
            return port
    raise OSError("no free port on 127.0.0.1")


def listens(port: int) -> bool:
    """True when somebody accepts connections on this port of 127.0.0.1."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
