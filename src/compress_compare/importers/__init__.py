"""Experiments written by other tools. One format per file; the table below is all there is."""

from .base import Imported, Report, direct, write
from .registry import IMPORTERS, load

__all__ = ["IMPORTERS", "Imported", "Report", "direct", "load", "write"]
