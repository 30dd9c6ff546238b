"""What 20 variants of one model take: adapters beside its weights for one half, other norms for the other.

Claim: a variant costs the tensors that it changes, not a copy of the model. Run: python benchmarks/variants.py [MB]
"""

import os
import sys
import tempfile
import time

import numpy as np

import compress_compare as cc

VARIANTS, WIDTH, RANK = 20, 1024, 8
LIMIT = 1.2
"""Of the size of one model, with all of them."""


def model(layers):
    draw = np.random.default_rng(0)
    found = {}
    for layer in range(layers):
        found[f"layers.{layer}.weight"] = draw.standard_normal((WIDTH, WIDTH), dtype=np.float32)
        found[f"layers.{layer}.norm"] = np.ones(WIDTH, np.float32)
    return found


def variant(base, number):
    draw = np.random.default_rng(number)
    if number % 2:
        return base | {name: draw.random(WIDTH, np.float32) for name in base if name.endswith("norm")}
    adapters = {
        f"{name}.{side}": draw.standard_normal((RANK, WIDTH), dtype=np.float32)
        for name in base
        if name.endswith("weight")
        for side in ("lora_A", "lora_B")
    }
    return base | adapters


def stored(project):
    return sum(path.stat().st_size for path in (project.path / "objects").rglob("*") if path.is_file())


def main():
    base = model((int(sys.argv[1]) if len(sys.argv) > 1 else 400) * 10**6 // (4 * WIDTH * WIDTH))
    print(f"load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder, cc.open(folder) as project:
        project.log_model("base", checkpoint=base)
        one, start = stored(project), time.perf_counter()
        for number in range(VARIANTS):
            operation = cc.Operation("tune", number=number)
            project.log_model(f"v{number}", base="base", operation=operation, checkpoint=variant(base, number))
        took = (time.perf_counter() - start) / VARIANTS
        logical = sum(project.model(f"v{n}").checkpoint.num_bytes for n in range(VARIANTS)) + one
        found = stored(project)
        print(f"one model {one / 1e6:.1f} MB; with {VARIANTS} variants {found / 1e6:.1f} MB of {logical / 1e6:.1f} MB")
        print(f"{found / one:.3f} times one model (limit {LIMIT}); {took:.1f} s to log a variant")
        start = time.perf_counter()
        damage = project.damage()
        print(f"all read and compared with their hashes in {time.perf_counter() - start:.1f} s; damage: {len(damage)}")
    return 0 if found <= LIMIT * one and not damage else 1


if __name__ == "__main__":
    sys.exit(main())
