"""Forks workers from one process that has imported what they need, which takes longer than many a step:
``python -m compress_compare.engines.launcher --fork FD``.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

from ..store.forked import forked
from . import worker


def main() -> None:
    """Import, and fork a worker for each message; in the worker, do its step."""
    said = forked(int(sys.argv[2]), _import)
    if said is not None:
        worker.run(Path(said["name"]))


def _import() -> None:
    """What steps import; each of them is there or is not needed."""
    from . import steps  # noqa: F401

    with suppress(ImportError):
        import torch  # noqa: F401

        from .. import evaluation, operations  # noqa: F401
        from ..evaluation import evaluate  # noqa: F401
        from ..recipes import rebuild  # noqa: F401


if __name__ == "__main__":
    main()
