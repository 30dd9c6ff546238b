"""Exporters of whole projects to the formats of other tools: one file per format, listed in ``EXPORTERS``."""

from .registry import EXPORTERS, Exporter, added, available, choose, left_out

__all__ = ["EXPORTERS", "Exporter", "added", "available", "choose", "left_out"]
