"""The command line: one command per file, no logic."""

from .main import main

__all__ = ["main"]
