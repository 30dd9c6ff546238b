"""Memory and time of operations on decoders of random bf16 numbers, of 100 million parameters and more.

Claim: the most that is held above the given model is at most 1.5 times its size: the new model, and beside it what one
block or weight needs, such as the second moments of its inputs. Each size in a process of its own, on one thread; GPTQ
and AWQ see 4 texts of 64 tokens. Run from the repository root: ``python benchmarks/operations_memory.py``. Ends with
exit code 1 when a limit is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time

import torch
from peaks import Peak
from torch import nn

from compress_compare.operations import (
    AWQQuantize,
    GPTQQuantize,
    LowRank,
    MagnitudePrune,
    NMPrune,
    Palettize,
    Quantize,
)
from compress_compare.operations.base import BaseOperation

SHAPES = {100: (768, 12), 300: (1024, 22), 1000: (2048, 19)}
"""Millions of parameters → width, number of blocks."""
LEFT = ("lm_head", "Embedding")
OPERATIONS: dict[str, BaseOperation] = {
    "gptq": GPTQQuantize(scheme="W4A16", ignore=LEFT),
    "awq": AWQQuantize(scheme="W4A16", ignore=LEFT),
    "quantize": Quantize(bits=4),
    "magnitude": MagnitudePrune(amount=0.5),
    "nm": NMPrune(),
    "palettize": Palettize(bits=4),
    "low rank": LowRank(ratio=0.5),
}
ALLOWED = 1.5


def main() -> int:
    """Print each size, and whether the limit holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--millions", type=int, nargs="*", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--operation", choices=OPERATIONS, default="gptq")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(one(given.one, OPERATIONS[given.operation])))
        return 0
    print(f"load {os.getloadavg()[0]:.1f}")
    print(f"{'parameters':>12}{'model':>10}{'above it':>10}{'times':>7}{'seconds a block':>17}")
    missed = False
    for millions in given.millions:
        command = [sys.executable, __file__, "--operation", given.operation, "--one", str(millions)]
        found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1])
        times = found["above"] / found["size"]
        missed |= times > ALLOWED
        sizes = f"{found['size'] / 1e6:>7,.0f} MB{found['above'] / 1e6:>7,.0f} MB"
        print(f"{found['parameters'] / 1e6:>10,.0f} M{sizes}{times:>7.2f}{found['block']:>17.1f}", flush=True)
    print(f"at most {ALLOWED} times the model above it: {'missed' if missed else 'kept'}")
    return int(missed)


def one(millions: int, operation: BaseOperation) -> dict[str, float]:
    """Bytes of the model and of the most above it; seconds of processor time for a block."""
    torch.set_num_threads(1)
    width, blocks = SHAPES[millions]
    model = llama(width, blocks)
    data = [({"input_ids": text}, text) for text in torch.randint(3, 500, (4, 64)).split(1)]
    data = data if operation.data_requirement == "calibration" else None
    operation(llama(64, 2), data=data)  # what libraries load is not the model's
    size = sum(parameter.nbytes for parameter in model.parameters())
    count = sum(parameter.numel() for parameter in model.parameters())
    with Peak() as peak:
        start = time.process_time()
        operation(model, data=data)
        took = time.process_time() - start
    return {"parameters": count, "size": size, "above": peak.above, "block": took / blocks}


def llama(width: int, blocks: int) -> nn.Module:
    """A decoder with random weights."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=1024 * 16,
        hidden_size=width,
        intermediate_size=width * 8 // 3 // 128 * 128,
        num_hidden_layers=blocks,
        num_attention_heads=width // 64,
        num_key_value_heads=width // 64,
        tie_word_embeddings=False,
    )
    return LlamaForCausalLM(config).to(torch.bfloat16).eval()


if __name__ == "__main__":
    sys.exit(main())
