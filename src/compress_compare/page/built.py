"""Where the built page lies in the package."""

from __future__ import annotations

from pathlib import Path

STATIC = Path(__file__).parent.parent / "server" / "static"
