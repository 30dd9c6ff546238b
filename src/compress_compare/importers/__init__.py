"""Importers of experiments from other tools: one file per format, listed in ``registry``."""

from .asked import ImportHow, read
from .base import Correction, Imported, Importer, direct
from .files import yaml_document
from .places import Place, json_document, other_format, text
from .preview import ImportPreview, preview
from .registry import IMPORTERS, Recognized, added, available, load, load_all, recognize
from .rules import Rules
from .write import ImportReport, write

__all__ = [
    "IMPORTERS",
    "Correction",
    "ImportHow",
    "ImportPreview",
    "ImportReport",
    "Imported",
    "Importer",
    "Place",
    "Recognized",
    "Rules",
    "added",
    "available",
    "direct",
    "json_document",
    "load",
    "load_all",
    "other_format",
    "preview",
    "read",
    "recognize",
    "text",
    "write",
    "yaml_document",
]
