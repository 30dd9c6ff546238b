"""Time and peak memory of a training step through DKM: unrolled, jfb, in chunks, and the plain layer.

Claim: at five iterations, ``jfb`` takes at most a third of the memory that ``unrolled`` takes above the plain layer.
A linear layer of 1,048,576 weights, 16 clusters, batch of 32, one thread; every case in a process of its own, whose
peak resident memory is looked at every 2 ms.
Run from the repository root: ``python benchmarks/dkm_memory.py``. Ends with exit code 1 when a limit is missed.
"""

from __future__ import annotations

import subprocess
import sys
import time

from peaks import Peak

CASES: dict[str, dict[str, object]] = {
    "plain": {},
    "unrolled": {"gradient": "unrolled"},
    "jfb": {"gradient": "jfb"},
    "unrolled, chunks": {"gradient": "unrolled", "chunk": 65_536},
}
MOST = 1 / 3
WIDTH, BITS, ITERATIONS = 1024, 4, 5


def main() -> int:
    print(f"{'case':<20}{'MiB above start':>16}{'seconds':>9}")
    memory = {}
    for name in CASES:
        command = [sys.executable, __file__, name]
        found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        memory[name] = float(found[0])
        print(f"{name:<20}{memory[name]:>16.0f}{float(found[1]):>9.2f}", flush=True)
    ratio = (memory["jfb"] - memory["plain"]) / (memory["unrolled"] - memory["plain"])
    print(f"jfb takes {ratio:.2f} of what unrolled takes, allowed {MOST:.2f}")
    return int(ratio > MOST)


def step(name: str) -> tuple[float, float]:
    """MiB at the peak above those before the step, and seconds of the step."""
    import torch

    from compress_compare.operations.dkm.attention import CentroidAttention, ClusteredRows, cluster
    from compress_compare.operations.dkm.modules import ClusterPlan, Palette
    from compress_compare.operations.parts.substituted import Substituted

    torch.set_num_threads(1)
    torch.manual_seed(0)
    layer, inputs = torch.nn.Linear(WIDTH, WIDTH), torch.randn(32, WIDTH)
    model: torch.nn.Module = layer
    if CASES[name]:
        attention = CentroidAttention(0.04, max_iter=ITERATIONS, tolerance=0.0, **CASES[name])  # type: ignore[arg-type]
        plan = ClusterPlan(BITS, 1, axis=0, keep_zeros=False)
        model = Substituted(
            layer, {"weight": Palette(layer.weight, plan, attention=attention, generator=torch.Generator())}
        )
    small = torch.randn(100, 1, requires_grad=True)  # what the first step loads is not the layer's
    warm = CentroidAttention(0.04, gradient="jfb", chunk=10)
    cluster(ClusteredRows(small), small[:4], attention=warm).mixtures.sum().backward()
    start = time.perf_counter()
    with Peak() as peak:
        model(inputs).square().sum().backward()
    return peak.above / 2**20, time.perf_counter() - start


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(*step(sys.argv[1]))
    else:
        sys.exit(main())
