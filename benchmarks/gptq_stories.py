"""GPTQ against rounding to nearest: a 260,032-parameter language model with 3-bit and 4-bit weights.

Claim: with 3 bits per weight, the same scales and no training, ``gptq_quantize`` gives stories260K a clearly lower
perplexity on 21 stories than ``quantize``. The calibration texts are sampled from the model itself; the interval is a
paired bootstrap over stories. Run from the repository root: ``python benchmarks/gptq_stories.py``. Ends with exit code
1 when the interval of the ratio at 3 bits reaches 1.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from cifar import DATA
from reference_compressions import architectures
from safetensors.torch import load_file
from torch import Tensor, nn

from compress_compare.operations import gptq_quantize, quantize

RESAMPLES = 10_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder with models/, datasets/ and architectures.py")
    parser.add_argument("--texts", type=int, default=64, help="calibration texts of 256 tokens")
    given = parser.parse_args()
    if not given.data.is_dir():
        print(f"No reference data at {given.data}; give its place with --data.")
        return 2
    torch.set_num_threads(1)
    model, stories = load(given.data)
    data = [(batch, batch) for batch in sampled(model, given.texts, length=256).split(16)]
    base = losses(model, stories)
    print(f"Perplexity in floating point: {perplexity(base):.3f}")
    print(f"{'bits':>4}{'nearest':>10}{'GPTQ':>8}{'GPTQ / nearest, 95 %':>26}{'seconds':>9}")
    above = 0.0
    for bits in (4, 3):
        nearest = losses(quantize(model, bits), stories)
        start = time.perf_counter()
        child = gptq_quantize(model, bits, data=data)
        seconds = time.perf_counter() - start
        found = losses(child, stories)
        low, above = interval(found, nearest)
        ratio = perplexity(found) / perplexity(nearest)
        text = f"{ratio:.3f} ({low:.3f} to {above:.3f})"
        print(f"{bits:>4}{perplexity(nearest):>10.3f}{perplexity(found):>8.3f}{text:>26}{seconds:>9.1f}")
    return int(above >= 1)


def load(data: Path) -> tuple[nn.Module, list[Tensor]]:
    """The language model in evaluation mode, and the stories as tokens."""
    made = architectures(data)
    model = made.Llama()
    model.load_state_dict(load_file(data / "models" / "stories260K.safetensors"))
    tokenizer = made.Tok512(data / "models" / "tok512.bin")
    lines = (data / "datasets" / "tinystories_eval.jsonl").read_text(encoding="utf-8").splitlines()
    return model.eval(), [torch.tensor(tokenizer.encode(json.loads(line)["text"])[:512]) for line in lines]


@torch.no_grad()
def sampled(model: nn.Module, count: int, *, length: int) -> Tensor:
    """Texts drawn from the model, token by token: [count, length]."""
    random = torch.Generator().manual_seed(0)
    tokens = torch.ones(count, 1, dtype=torch.long)
    while tokens.shape[1] < length:
        chances = model(tokens)[:, -1].softmax(-1)
        tokens = torch.cat([tokens, torch.multinomial(chances, 1, generator=random)], 1)
    return tokens


@torch.no_grad()
def losses(model: Callable[[Tensor], Tensor], stories: list[Tensor]) -> np.ndarray:
    """Per story: summed loss in nats, and number of tokens."""
    pairs = [(model(story[None, :-1])[0], story[1:]) for story in stories]
    return np.array([(float(nn.functional.cross_entropy(x, y, reduction="sum")), len(y)) for x, y in pairs])


def perplexity(found: np.ndarray) -> float:
    return math.exp(found[..., 0].sum() / found[..., 1].sum())


def interval(found: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """95 % of the ratio of perplexities when the stories are drawn again, the same for both."""
    drawn = np.random.default_rng(0).integers(0, len(found), (RESAMPLES, len(found)))
    difference = (found[drawn, 0].sum(1) - other[drawn, 0].sum(1)) / found[drawn, 1].sum(1)
    low, high = np.exp(np.quantile(difference, [0.025, 0.975]))
    return float(low), float(high)


if __name__ == "__main__":
    sys.exit(main())
