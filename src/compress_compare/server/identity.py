"""Who calls: whoever has the server's own token, a named one, or is named by an authenticating proxy."""

from __future__ import annotations

import getpass
import hmac
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from starlette.datastructures import Headers
from starlette.types import Scope

from ..errors import InvalidValue, UserError
from ..records import MAX_NAME
from .roles import Role, includes, role

MIN_SECRET = 22
KEYS = ("header", "secret_header", "secret", "from", "roles", "otherwise")


class Unauthorized(UserError):
    """The request does not show who calls."""

    status = 401


class WrongRole(UserError):
    """Who calls may not do this."""

    status = 403


@dataclass(frozen=True)
class Identity:
    """Who calls.

    Args:
        user: the name of a person or a machine.
        token: the name of the token; empty for the server's own, ``proxy`` for one that a proxy has named.
        role: what they may do.
        sha256: of a named token, to look at it again.
    """

    user: str
    token: str
    role: Role
    sha256: str = ""

    def check(self, needed: Role) -> None:
        """Pass if the role is enough.

        Raises:
            WrongRole: ``auth.role``.
        """
        if not includes(self.role, needed):
            raise WrongRole(
                "auth.role",
                f"This needs the role {needed!r}; you have {self.role!r}.",
                detail=f"You are {self.user!r}" + (f", by the token {self.token!r}." if self.token else "."),
                hint="Ask whoever runs the server for a token with that role.",
            )


def owner() -> Identity:
    """Whoever started the server."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):
        name = ""
    return Identity(name, "", "admin")


def caller(scope: Scope) -> Identity:
    """Who sent a request, as the token gate found out.

    Raises:
        Unauthorized: ``auth.required`` if no gate did.
    """
    found: Identity | None = scope.get("identity")
    if found is None:
        raise Unauthorized("auth.required", "This needs a token.")
    return found


@dataclass(frozen=True)
class ProxyIdentity:
    """How an authenticating proxy says who calls.

    Args:
        header: in which it names the user.
        secret_header: in which it shows that it is the proxy.
        secret: what stands there.
        addresses: from which it may come.
        roles: of users by name.
        otherwise: the role of all other users; ``None`` refuses them.
    """

    header: str
    secret_header: str
    secret: str = field(repr=False)
    addresses: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]
    roles: Mapping[str, Role] = field(default_factory=dict)
    otherwise: Role | None = None

    def identify(self, scope: Scope) -> Identity | None:
        """The user that the proxy names; ``None`` for a request in which nobody is named.

        Raises:
            Unauthorized: ``auth.proxy`` if the request does not come from the proxy, or names nobody that is known.
        """
        headers = Headers(scope=scope)
        names, secrets = headers.getlist(self.header), headers.getlist(self.secret_header)
        if not names and not secrets:
            return None
        shown = len(secrets) == 1 and hmac.compare_digest(secrets[0].encode("utf-8", "replace"), self.secret.encode())
        if not (len(names) == 1 and self._is_listed(scope) and shown):
            raise Unauthorized(
                "auth.proxy",
                "The identity in this request does not come from the proxy.",
                hint="Go through the proxy, or send a token and no identity.",
            )
        user = names[0]
        kind = self.roles.get(user, self.otherwise)
        if kind is None or not (0 < len(user) <= MAX_NAME and user.isprintable()):
            raise Unauthorized(
                "auth.unknown_user",
                "The proxy names a user that has no role here.",
                hint="Ask whoever runs the server.",
            )
        return Identity(user, "proxy", kind)

    def _is_listed(self, scope: Scope) -> bool:
        try:
            address = ipaddress.ip_address((scope.get("client") or ("",))[0])
        except ValueError:
            return False
        return any(address in network for network in self.addresses)


def read_proxy(path: Path) -> ProxyIdentity:
    """Read how a proxy says who calls from a YAML file.

    Raises:
        InvalidValue: ``config.identity`` naming the key that is wrong, or ``config.private`` if others may read it.
    """
    try:
        private = not path.stat().st_mode & 0o077
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InvalidValue("config.identity", f"The file {path.name!r} cannot be read as YAML.") from error
    if not private:
        hint = f"Make it private with: chmod 600 {path.name}"
        raise InvalidValue("config.private", f"Others may read {path.name!r}, which has a secret in it.", hint=hint)
    if not isinstance(content, dict) or set(content) - set(KEYS):
        raise _wrong("the file", f"it has {', '.join(KEYS)}")
    users = content.get("roles", {})
    if not isinstance(users, dict):
        raise _wrong("roles", "it maps names of users to roles")
    otherwise = content.get("otherwise")
    return ProxyIdentity(
        header=_text(content, "header"),
        secret_header=_text(content, "secret_header"),
        secret=_text(content, "secret", least=MIN_SECRET),
        addresses=_networks(content.get("from")),
        roles={str(user): role(str(kind)) for user, kind in users.items()},
        otherwise=None if otherwise is None else role(str(otherwise)),
    )


def _text(content: Mapping[str, Any], key: str, *, least: int = 1) -> str:
    value = content.get(key)
    if not isinstance(value, str) or len(value) < least:
        raise _wrong(key, f"it is text of at least {least} characters")
    return value


def _networks(value: Any) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    try:
        found = tuple(ipaddress.ip_network(str(one)) for one in value)
    except (TypeError, ValueError) as error:
        raise _wrong("from", "it lists addresses or networks, e.g. [127.0.0.1]") from error
    if not found or isinstance(value, str):
        raise _wrong("from", "it lists addresses or networks, e.g. [127.0.0.1]")
    return found


def _wrong(key: str, rule: str) -> InvalidValue:
    return InvalidValue("config.identity", f"{key} is not as it should be: {rule}.", hint="See docs/guide/team.md.")
