"""What client and server must agree about, and what a client says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NUMBER = 1
"""Of what this version speaks; it grows when a call changes its meaning."""
OLDEST = 1
"""The oldest that this version still understands."""
_TEXTS = {"host": 256, "commit": 64, "command": 4000}
MAX_PACKAGES = 50


def claimed(origin: Mapping[str, Any]) -> dict[str, Any]:
    """What a program says of where it runs, as far as it has the form of ``records.Origin``; the rest is left out."""
    found: dict[str, Any] = {
        name: origin[name]
        for name, longest in _TEXTS.items()
        if isinstance(origin.get(name), str) and len(origin[name]) <= longest and origin[name].isprintable()
    }
    if found or origin:
        found = {"host": "", "commit": None, "command": "", **found}
    if isinstance(origin.get("dirty"), bool):
        found["dirty"] = origin["dirty"]
    elif origin:
        found["dirty"] = None
    packages = origin.get("packages")
    if isinstance(packages, dict) and len(packages) <= MAX_PACKAGES:
        found["packages"] = {
            name: value
            for name, value in packages.items()
            if isinstance(value, str) and len(name) + len(value) <= 200 and (name + value).isprintable()
        }
    return found
