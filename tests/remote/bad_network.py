"""A proxy between a client and a server that does what bad networks do."""

from __future__ import annotations

import random
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

PIECE = 16_384


@dataclass
class BadNetwork:
    """What the proxy does to what passes through it; all of it can be changed while it runs.

    Args:
        target: port of the server.
        cut: nobody answers.
        half_open: connections are taken, and nothing ever comes through.
        reset: share of pieces at which a connection is reset.
        delay: seconds that each piece waits.
        rate: bytes in a second; 0 for no limit.
        seed: of what is drawn.
        resets: how many there were.
        sent: bytes that clients have sent.
    """

    target: int
    cut: bool = False
    half_open: bool = False
    reset: float = 0.0
    delay: float = 0.0
    rate: int = 0
    seed: int = 0
    resets: int = 0
    sent: int = 0
    port: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._draw = random.Random(self.seed)
        self._ended = threading.Event()
        self._counting = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """End all connections."""
        self._ended.set()
        self._listener.close()

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                ready, _, _ = select.select([self._listener], [], [], 0.1)
                if ready:
                    client, _ = self._listener.accept()
                    threading.Thread(target=self._pass, args=(client,), daemon=True).start()
            except (OSError, ValueError):
                return

    def _pass(self, client: socket.socket) -> None:
        with client:
            if self.cut:
                return
            server = socket.create_connection(("127.0.0.1", self.target))
            with server, suppress(OSError):
                self._between(client, server)

    def _between(self, client: socket.socket, server: socket.socket) -> None:
        while not self._ended.is_set() and not self.cut:
            ready, _, _ = select.select([client, server], [], [], 0.1)
            for one in ready:
                if self.half_open:
                    time.sleep(0.05)
                    continue
                data = one.recv(PIECE)
                if not data:
                    return
                with self._counting:
                    self.sent += len(data) if one is client else 0
                if self._draw.random() < self.reset:
                    self.resets += 1
                    return
                time.sleep(self.delay + (len(data) / self.rate if self.rate else 0))
                (server if one is client else client).sendall(data)


@contextmanager
def between(target: int, **how: float) -> Iterator[BadNetwork]:
    """A proxy in front of a port of this machine."""
    made = BadNetwork(target, **how)  # type: ignore[arg-type]
    try:
        yield made
    finally:
        made.close()
