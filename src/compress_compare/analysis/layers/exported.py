"""Names in graphs that ``torch.export`` makes of a network."""

from __future__ import annotations


def placeholder(name: str) -> str:
    """What it calls the input that a parameter becomes."""
    return "p_" + name.replace(".", "_").lower()
