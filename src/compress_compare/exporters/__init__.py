"""Formats of other tools: whole projects, in the table ``EXPORTERS``, and plans, each format in a file of its own."""

from .registry import EXPORTERS, format_of

__all__ = ["EXPORTERS", "format_of"]
