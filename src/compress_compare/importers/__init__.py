"""Experiments written by other tools. One format per file; the table in ``registry`` is all there is."""

from .base import Correction, Imported, Importer, direct
from .places import Place, json_document, other_format, text
from .registry import IMPORTERS, added, available, load
from .write import Report, write

__all__ = [
    "IMPORTERS",
    "Correction",
    "Imported",
    "Importer",
    "Place",
    "Report",
    "added",
    "available",
    "direct",
    "json_document",
    "load",
    "other_format",
    "text",
    "write",
]
