"""All weight statistics of two large bf16 checkpoints against one plain pass that reads both and sums |a − b|.

Run: python benchmarks/layers_stream.py [MILLIONS OF PARAMETERS, default 1000]
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from peaks import Peak

from compress_compare.comparisons.layers.compare import compare
from compress_compare.readers import safetensors

LIMIT = 3.0
LIMIT_MB = 600
WIDTH = 4096
CHUNK = 1 << 18


def write(path, millions, seed):
    """A safetensors file by hand, a matrix of 16.8 M numbers at a time."""
    import json

    count = max(round(millions * 1e6 / WIDTH**2), 1)
    num_bytes = 2 * WIDTH**2
    header = {
        f"layers.{i}.weight": {
            "dtype": "BF16",
            "shape": [WIDTH, WIDTH],
            "data_offsets": [i * num_bytes, (i + 1) * num_bytes],
        }
        for i in range(count)
    }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    rng, noise = np.random.default_rng(0), np.random.default_rng(seed)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for _ in header:
            numbers = rng.standard_normal(WIDTH**2, np.float32)
            if seed:
                numbers += np.float32(0.02) * noise.standard_normal(WIDTH**2, np.float32)
            file.write((numbers.view(np.uint32) >> 16).astype(np.uint16))
    return count * WIDTH**2


def plain(a, b):
    total = 0.0
    for name, stored in a.tensors.items():
        first, second = stored.values, b.tensors[name].values
        for start in range(0, first.count, CHUNK):
            stop = start + CHUNK
            total += float(np.abs(first.numbers(start, stop) - second.numbers(start, stop)).sum(dtype=np.float64))
        a.forget()
        b.forget()
    return total


def timed(run):
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - wall, time.process_time() - cpu


def measure(folder):
    a, b = (safetensors.read(Path(folder) / name) for name in ("a", "b"))
    simple = min(timed(lambda: plain(a, b)) for _ in range(2))
    with Peak() as peak:
        ours = min(timed(lambda: compare(a, {"b": b}, what="weights", base_id="a")) for _ in range(2))
    memory = peak.above / 2**20
    print(
        f"plain pass {simple[0]:.2f} s (processor {simple[1]:.2f}); all statistics {ours[0]:.2f} s (processor "
        f"{ours[1]:.2f}): {ours[0] / simple[0]:.2f} × the pass, {ours[0] / simple[0] / LIMIT:.2f} × limit; "
        f"+{memory:.0f} MB, {memory / LIMIT_MB:.2f} × limit"
    )


def main(millions):
    with tempfile.TemporaryDirectory() as folder:
        for seed, name in enumerate("ab"):
            count = write(Path(folder) / name, millions, seed)
        print(f"2 × {count / 1e6:.0f} M bf16: ", end="", flush=True)
        subprocess.run([sys.executable, __file__, "measure", folder], check=True)


if __name__ == "__main__":
    measure(sys.argv[2]) if sys.argv[1:2] == ["measure"] else main(float(sys.argv[1]) if sys.argv[1:] else 1000)
