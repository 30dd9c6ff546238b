"""Python's documentation topics: a small transformer that writes like them, compressed and repaired."""

from .run import run_pydoc, task

__all__ = ["run_pydoc", "task"]
