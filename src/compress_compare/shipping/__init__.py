"""Models written in forms that runtimes load, read back, run and held against the model: one file per format."""

from .base import Format, Source
from .manifest import check
from .registry import FORMATS, added, available, choose
from .ship import How, Shipped, ship

__all__ = ["FORMATS", "Format", "How", "Shipped", "Source", "added", "available", "check", "choose", "ship"]
