"""Importers of experiments from other tools: one file per format, listed in ``registry``."""

from .base import Correction, Imported, Importer, direct
from .places import Place, json_document, other_format, text
from .registry import IMPORTERS, added, available, load
from .write import ImportReport, write

__all__ = [
    "IMPORTERS",
    "Correction",
    "ImportReport",
    "Imported",
    "Importer",
    "Place",
    "added",
    "available",
    "direct",
    "json_document",
    "load",
    "other_format",
    "text",
    "write",
]
