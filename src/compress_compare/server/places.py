"""Where a server is reached: by its loopback address, and by the addresses that a proxy or a tunnel gives it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..errors import InvalidValue

Origins = Mapping[str, frozenset[str]]
"""Each Host value that a server answers to, with the origins of its own pages there."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class PublicURL:
    """An address under which others reach the server.

    Args:
        scheme: ``https``, or ``http`` for the end of a tunnel on the caller's own machine.
        host: as a browser writes it in the Host header: with the port, unless it is the scheme's own.
    """

    scheme: str
    host: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}"


def public_url(text: str) -> PublicURL:
    """Read an address that was given as ``--public-url``.

    Raises:
        InvalidValue: ``url.public``.
    """
    try:
        parts = urlsplit(text.strip())
        name, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise _wrong(text, "It is no address.") from error
    if parts.scheme not in ("http", "https") or not name or parts.username is not None:
        raise _wrong(text, "It must begin with https:// and name a host.")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise _wrong(text, "It must end after the host: the server has the whole of it.")
    if parts.scheme == "http" and name not in LOOPBACK:
        raise _wrong(text, "Tokens would be readable on the way: only https://, or http://localhost of a tunnel.")
    shown = f"[{name}]" if ":" in name else name
    usual = port is None or port == {"http": 80, "https": 443}[parts.scheme]
    return PublicURL(parts.scheme, shown if usual else f"{shown}:{port}")


def origins(port: int, public: Iterable[PublicURL] = ()) -> Origins:
    """The only Host values that this server answers to, each with the origins of its own pages."""
    own = [f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}"]
    local = frozenset(f"http://{host}" for host in own)
    return {**{one.host: frozenset({str(one)}) for one in public}, **dict.fromkeys(own, local)}


def _wrong(text: str, why: str) -> InvalidValue:
    return InvalidValue("url.public", f"{text[:80]!r} cannot be a public address.", detail=why)
