"""Formats of other tools: whole projects, in the table ``EXPORTERS``, each format in a file of its own."""

from .registry import EXPORTERS, Exporter, added, available, choose

__all__ = ["EXPORTERS", "Exporter", "added", "available", "choose"]
