"""Sparsity and weights of a ResNet-18 and a 100 M-parameter transformer with four variants each.

The limits are for two idle cores; processor time is printed beside, since it depends less on who else is running, and
as a multiple of one read: mapping the same checkpoints and summing their numbers with NumPy.

Run: python benchmarks/layers_weights.py
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from peaks import Peak

import compress_compare as cc

LIMITS_S = {("resnet18", "weights"): 0.6, ("resnet18", "sparsity"): 0.2}
LIMITS_S |= {("transformer", "weights"): 4.0, ("transformer", "sparsity"): 1.0}
CACHED_S = 0.05
LIMIT_MB = 500


def resnet18():
    shapes = {"conv1.weight": (64, 3, 7, 7), "bn1.weight": (64,), "bn1.bias": (64,)}
    width = 64
    for stage, size in enumerate((64, 128, 256, 512), 1):
        for block in (0, 1):
            at = f"layer{stage}.{block}"
            for i, (inputs, name) in enumerate(((width, "conv1"), (size, "conv2")), 1):
                shapes |= {f"{at}.{name}.weight": (size, inputs, 3, 3)}
                shapes |= {f"{at}.bn{i}.weight": (size,), f"{at}.bn{i}.bias": (size,)}
            if width != size:
                shapes |= {f"{at}.downsample.0.weight": (size, width, 1, 1)}
                shapes |= {f"{at}.downsample.1.weight": (size,), f"{at}.downsample.1.bias": (size,)}
            width = size
    return shapes | {"fc.weight": (1000, 512), "fc.bias": (1000,)}


def transformer():
    shapes = {"embedding.weight": (20_000, 768)}
    for layer in range(12):
        at = f"layers.{layer}"
        shapes |= {f"{at}.attention.{name}.weight": (768, 768) for name in "qkvo"}
        shapes |= {f"{at}.mlp.up.weight": (3072, 768), f"{at}.mlp.down.weight": (768, 3072)}
        shapes |= {f"{at}.{norm}.weight": (768,) for norm in ("norm1", "norm2")}
    return shapes


def variants(weights):
    """As compression leaves them: pruned by half, rounded to eight and four bits, moved a little."""
    rng = np.random.default_rng(1)
    yield "pruned", {k: np.where(np.abs(v) < np.median(np.abs(v)), np.float32(0), v) for k, v in weights.items()}
    for bits in (8, 4):
        steps = {k: np.float32(max(np.abs(v).max(), 1e-9) / (2 ** (bits - 1) - 1)) for k, v in weights.items()}
        yield f"int{bits}", {k: np.round(v / steps[k]) * steps[k] for k, v in weights.items()}
    yield "tuned", {k: v + np.float32(0.01) * rng.normal(size=v.shape).astype(np.float32) for k, v in weights.items()}


def log(path, shapes):
    rng = np.random.default_rng(0)
    weights = {name: rng.normal(size=shape, scale=0.05).astype(np.float32) for name, shape in shapes.items()}
    with cc.open(path) as project:
        project.log_model("base", checkpoint=weights)
        for id, tensors in variants(weights):
            project.log_model(id, base="base", operation=cc.Operation(id), checkpoint=tensors)
    return sum(tensor.size for tensor in weights.values())


def one_read(path):
    """The processor time of summing every number of a project's checkpoints once, each mapped into memory."""
    files = [file for file in (Path(path) / "objects").rglob("*") if file.is_file() and file.stat().st_size > 1e6]
    before = time.process_time()
    for file in files:
        # the header is summed with the numbers, as if it were some of them
        with np.errstate(all="ignore"):
            np.memmap(file, np.float32, mode="r").sum()
    return time.process_time() - before


def measure(path, what):
    """In a fresh process, so that nothing is kept from before."""
    with cc.open(path) as project:
        ids = [id for id in project.models()["id"].to_pylist() if id != "base"]
        project.layers("base", ids[:1], "storage")
        wall, cpu = time.perf_counter(), time.process_time()
        with Peak() as peak:
            project.layers("base", ids, what)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        cached = time.perf_counter()
        project.layers("base", ids, what)
        cached = time.perf_counter() - cached
        print(wall, cpu, cached, peak.above / 2**20, one_read(path))


def main():
    for name, shapes in (("resnet18", resnet18()), ("transformer", transformer())):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "project"
            count = log(path, shapes)
            for what in ("sparsity", "weights"):
                runs = [
                    list(map(float, subprocess.check_output([sys.executable, __file__, path, what]).split()))
                    for _ in range(3)
                ]
                wall, cpu, cached, memory, read = min(runs)
                limit = LIMITS_S[name, what]
                print(
                    f"{name} ({count / 1e6:.1f} M + 4), {what}: {wall:.2f} s, {wall / limit:.2f} × limit; processor "
                    f"{cpu:.2f} s, {cpu / read:.1f} × one read; again {cached * 1e3:.1f} ms, "
                    f"{cached / CACHED_S:.2f} × limit; +{memory:.0f} MB, {memory / LIMIT_MB:.2f} × limit"
                )


if __name__ == "__main__":
    measure(*sys.argv[1:]) if len(sys.argv) > 1 else main()
