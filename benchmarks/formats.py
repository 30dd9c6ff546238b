"""Checkpoints that the field's own tools write, read here and compared with the numbers those tools give.

    python benchmarks/formats.py [NAME …]

Each case runs if its tool is installed (an environment of its own for each is best) and prints a row of the table in
``docs/formats.md``: the format, the tool, whether every number is the tool's, bits, bytes, and by which rule the weight
was paired with the base. A number may differ by the rounding of the tool's own arithmetic, as the last column says.
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from format_writers import folders, graphs, onnx_graphs, weights
from format_writers.written import Written, base
from ml_dtypes import bfloat16
from safetensors.numpy import save_file

from compress_compare.comparisons.files import opened
from compress_compare.readers.pair import ModelPair

CASES = {**weights.CASES, **folders.CASES, **onnx_graphs.CASES, **graphs.CASES}


def row(name: str, package: str, write: Callable[[Path], Written]) -> str:
    """A row of the table."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "scratch").mkdir()
        written = write(folder)
        start = written.start if written.start is not None else base().T if written.turned else base()
        save_file({written.name: np.ascontiguousarray(start)}, folder / "base.safetensors")
        first, (second, _) = opened(folder / "base.safetensors", folder)[0], opened(written.path, folder / "scratch")
        pair = ModelPair.of(first, second, buffers=False)
        match = pair.matches[written.name]
        values = pair.values(match)[1]
        stored = next(iter(pair.model_tensors(match).values()), None)
        bits = stored.packing.bits if stored is not None and stored.packing is not None else ""
        told = f"{name} | {package} {importlib.metadata.version(package)}"
        if values is None or stored is None:
            return f"| {told} | not read: {json.dumps(pair.model.unread)} | | | |"
        expected = written.numbers[written.name]
        scale = float(np.abs(expected[np.isfinite(expected)]).max())
        found = values.whole().reshape(expected.shape)
        wrong = float(np.nanmax(np.abs(found - expected))) / scale
        rounded = {kind: found.astype(kind).astype(np.float32) for kind in (bfloat16, np.float16)}
        exact = (
            "every number"
            if wrong == 0
            else next((f"every number in {np.dtype(one)}" for one in rounded if _same(rounded[one], expected)), None)
            or (f"within {wrong:.0e}" if wrong <= written.tolerance else f"WRONG {wrong:.2g}")
        )
        return f"| {told} | {exact} | {bits} | {stored.num_bytes:,} | {match.how} |"


def _same(found: np.ndarray, expected: np.ndarray) -> bool:
    return bool(np.array_equal(found, expected, equal_nan=True))


def main() -> None:
    """Print the table."""
    wanted = sys.argv[1:]
    print("| format | written by | exact | bits | bytes | paired by |\n|---|---|---|---|---|---|")
    for name, (module, package, write) in CASES.items():
        if wanted and not any(part.lower() in name.lower() for part in wanted):
            continue
        try:
            importlib.import_module(module)
        except ImportError:
            print(f"| {name} | {package} is not installed | | | | |")
            continue
        try:
            print(row(name, package, write), flush=True)
        except Exception as error:  # the tool's own, which the next case may not have
            said = (str(error).splitlines() or [""])[0]
            print(f"| {name} | {package} could not write it: {type(error).__name__}: {said} | | | | |", flush=True)


if __name__ == "__main__":
    main()
