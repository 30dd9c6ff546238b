"""Handwritten digits: a small batch-norm network, pruned, quantized and palettized in every way, and repaired."""

from .run import run_digits, ship_digits, task

__all__ = ["run_digits", "ship_digits", "task"]
