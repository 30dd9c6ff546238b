"""Libraries that talk about what nobody here can act on."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


@contextmanager
def quiet(loggers: Sequence[str]) -> Iterator[None]:
    """Without warnings, and without the lines of these loggers below the gravest."""
    found = [logging.getLogger(name) for name in loggers]
    levels = [logger.level for logger in found]
    for logger in found:
        logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(found, levels, strict=True):
            logger.setLevel(level)


@contextmanager
def without_printed_graphs() -> Iterator[None]:
    """Inside, torch.export prints no graph of a model that it gives up on; all else that is printed stays.

    It prints the graph so far by the one ``print`` of its module, where a model branches on the values of tensors.
    """
    from torch.export import _trace

    names = vars(_trace)
    names["print"] = lambda *_, **__: None
    try:
        yield
    finally:
        names.pop("print", None)
