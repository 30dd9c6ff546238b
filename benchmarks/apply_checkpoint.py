"""Operations on a checkpoint folder beside a plain copy of it: time and memory.

Claim: rounding a bf16 checkpoint to nearest, tensor by tensor, takes at most twice as long as copying its files, and no
operation needs more than four times the largest tensor and 300 MB above a process that has its libraries loaded. Each
figure is the best of some runs, taken in turns with the copy, each in a process of its own. Files are in the cache of
the system, and both flush what they write. Run from the repository root:
``python benchmarks/apply_checkpoint.py --millions 300``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from peaks import Peak

from compress_compare import on_disk, operations

OPERATIONS: dict[str, dict[str, Any]] = {
    "quantize": {"bits": 4},
    "quantize grouped": {"bits": 4, "strategy": "group", "group_size": 128},
    "magnitude prune": {"amount": 0.5},
    "nm prune": {},
    "palettize": {"bits": 4},
    "low rank": {"ratio": 0.5},
}
ALLOWED = 300_000_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--millions", type=int, default=100, help="parameters of the model, of random numbers")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=list(OPERATIONS), help="operations to run")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(once(given.one, given.folder)))
        return 0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "base"
        largest = written(folder, given.millions * 1_000_000)
        size = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
        print(f"{size / 1e6:,.0f} MB in files, largest tensor {largest / 1e6:,.1f} MB, load {os.getloadavg()[0]:.1f}")
        failed = False
        for name in given.only:
            copies, runs = [], []
            for _ in range(given.runs if name.startswith("quantize") else 1):
                copies.append(measured("copy", folder))
                runs.append(measured(name, folder))
            took, copied = min(run["seconds"] for run in runs), min(run["seconds"] for run in copies)
            peak, limit = max(run["peak"] for run in runs), 4 * largest + ALLOWED
            failed |= peak > limit or (name == "quantize" and took > 2 * copied)
            print(
                f"{name:18} {took:7.2f} s, copy {copied:6.2f} s, ratio {took / copied:6.2f}"
                f"; processor {min(run['processor'] for run in runs):6.2f} s"
                f"; peak {peak / 1e6:6.0f} MB (limit {limit / 1e6:,.0f})"
            )
    return int(failed)


def written(folder: Path, parameters: int) -> int:
    """Write a folder of random bf16 numbers with the shapes of a Llama; the bytes of its largest tensor."""
    from transformers import LlamaConfig, LlamaForCausalLM

    hidden = 512 if parameters < 200_000_000 else 1024
    each = 4 * hidden**2 + 3 * hidden * 4 * hidden
    config = LlamaConfig(
        vocab_size=32_000,
        hidden_size=hidden,
        intermediate_size=4 * hidden,
        num_attention_heads=8,
        num_hidden_layers=max((parameters - 64_000 * hidden) // each, 1),
    )
    torch.manual_seed(0)
    torch.set_default_dtype(torch.bfloat16)
    model = LlamaForCausalLM(config)
    model.save_pretrained(folder, max_shard_size="300MB")
    return max(parameter.nbytes for parameter in model.parameters())


def measured(name: str, folder: Path) -> dict[str, float]:
    """Run one in a process of its own."""
    command = [sys.executable, __file__, "--one", name, "--folder", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def once(name: str, folder: Path) -> dict[str, float]:
    target = folder.with_name("new")
    operation = None
    if name != "copy":
        kind = operations.get(name.removesuffix(" grouped"))
        operation = kind.from_parameters(OPERATIONS[name])
        on_disk.plan(operation, folder)  # imports what it needs
    try:
        with Peak() as peak:
            start, work = time.perf_counter(), time.process_time()
            if operation is None:
                copy(folder, target)
            else:
                on_disk.apply(operation, folder, out=target)
            took, work = time.perf_counter() - start, time.process_time() - work
    finally:
        shutil.rmtree(target, ignore_errors=True)
    return {"seconds": took, "processor": work, "peak": peak.above}


def copy(folder: Path, target: Path) -> None:
    target.mkdir()
    for path in folder.iterdir():
        shutil.copyfile(path, target / path.name)
        with (target / path.name).open("rb+") as file:
            os.fsync(file.fileno())


if __name__ == "__main__":
    sys.exit(main())
