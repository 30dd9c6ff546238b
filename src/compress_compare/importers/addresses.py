"""The addresses of servers that experiments are read from over HTTP."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from ..errors import InvalidValue

CLOUD = "https://wandb.ai"
CLOUD_HOSTS = ("wandb.ai", "www.wandb.ai", "api.wandb.ai")
"""Of Weights & Biases; ``wandb://`` is the server of its client's own settings: this one unless they differ."""
PORTS = {"http": 80, "https": 443}
LONGEST = 2000
_HOST = re.compile(r"[a-z0-9_.-]{1,253}|[0-9a-f:.]{2,45}")


def server_of(address: str) -> str:
    """The server that an address names, as scheme, host and port: ``http://host:5000``, ``https://host:443``.

    Args:
        address: of an experiment tracker, beginning with ``http://``, ``https://`` or ``wandb://``.

    Raises:
        InvalidValue: ``import.address`` for any other scheme, a user or password in it, or a host that is none.
    """
    if len(address) > LONGEST or not re.fullmatch(r"[!-\[\]-~]+", address):
        raise _wrong(address, f"It must have 1 to {LONGEST:,} printable ASCII characters without blanks and \\.")
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise _wrong(address, "Its host or port is none.") from error
    if parts.scheme == "wandb":
        return server_of(CLOUD)
    if parts.scheme not in PORTS:
        raise _wrong(address, "It must begin with http://, https:// or wandb://.")
    if parts.username is not None or parts.password is not None:
        raise _wrong(address, "It must not carry a user or a password.")
    if not _HOST.fullmatch(host) or port == 0:
        raise _wrong(address, "Its host or port is none.")
    if host in CLOUD_HOSTS:
        return f"{CLOUD}:443"
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}:{port or PORTS[parts.scheme]}"


def _wrong(address: str, why: str) -> InvalidValue:
    title = f"{address[:80]!r} is not the address of a server to import from."
    return InvalidValue("import.address", title, detail=why, hint="Give one such as http://127.0.0.1:5000.")
