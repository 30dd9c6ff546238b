"""Operations, an evaluator and activations on the accelerator of a machine, against the same on its processor.

Claim: with ``device="auto"`` everything runs, the results come back to where the model was, and they are those of the
processor within what other rounding does. Without an accelerator both sides are the processor, which shows no more than
that the script works. Run from the repository root: ``python -m benchmarks.gpu [models of the zoo …]``. Ends with exit
code 1 where an operation runs on one device only, or a result is on the wrong device.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Sequence

import torch
from torch import nn

from compress_compare import operations
from compress_compare.comparisons.layers.hooks import activations
from compress_compare.errors import UserError
from compress_compare.evaluation.evaluators.perplexity import Perplexity
from compress_compare.operations import gptq_quantize
from compress_compare.operations.parts.devices import device_of, find_device
from compress_compare.operations.types import Given
from tests.operations.zoo import FAST, given, make, outputs, parameters

LARGE = {"hidden_size": 512, "intermediate_size": 1408, "num_hidden_layers": 4, "num_attention_heads": 8}


def main(models: Sequence[str]) -> int:
    """Print each operation on each model, then what is measured on a decoder of 21 million parameters."""
    warnings.simplefilter("ignore")
    print(f"auto is {find_device('auto')}; times are of the processor, then of the device")
    broken = sum(each(name, model) for model in models or FAST for name in operations.OPERATIONS)
    larger()
    print(f"{broken} operations do not do the same on both")
    return int(broken > 0)


def each(name: str, model_name: str) -> bool:
    """Print how far the answers of both results are apart, relative to their size; whether something is wrong."""
    (cpu, cpu_s), (auto, auto_s) = (applied(name, model_name, device) for device in ("cpu", "auto"))
    said = [found if isinstance(found, str) else "runs" for found in (cpu, auto)]
    line = f"{model_name:<20}{name:<22}{cpu_s:>7.2f} s{auto_s:>7.2f} s  "
    if isinstance(cpu, str) or isinstance(auto, str):
        print(line + (f"refused on both: {said[0]}" if said[0] == said[1] else f"DIFFERS: {said[0]} | {said[1]}"))
        return said[0] != said[1]
    _, (inputs, _) = make(model_name)
    pairs = list(zip(outputs(cpu, inputs), outputs(auto, inputs), strict=True))
    apart = sum(float((one - other).double().norm()) for one, other in pairs)
    size = sum(float(one.double().norm()) for one, _ in pairs)
    home = device_of(auto) == torch.device("cpu")
    print(line + f"apart by {apart / max(size, 1e-12):.1e}" + ("" if home else "  LEFT ON THE DEVICE"))
    return not home


def applied(name: str, model_name: str, device: str) -> tuple[nn.Module | str, float]:
    """The result, or the sentence of a refusal, and the seconds."""
    model, batch = make(model_name)
    operation = operations.get(name)(**parameters(name))
    start = time.perf_counter()
    try:
        found: nn.Module | str = operation.given(model, Given(**given(operation, model, batch), device=device))
    except UserError as error:
        found = error.title
    return found, time.perf_counter() - start


def larger() -> None:
    """GPTQ, perplexity and activations, with their times."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    model = LlamaForCausalLM(LlamaConfig(vocab_size=8192, tie_word_embeddings=False, **LARGE)).eval()
    data = [({"input_ids": text}, text) for text in torch.randint(3, 8000, (8, 128)).split(2)]
    for title, work in (
        ("GPTQ", lambda device: gptq_quantize(model, 4, data=data, device=device)),
        ("perplexity", lambda device: Perplexity([inputs for inputs, _ in data], device=device).measure(model)),
        ("activations", lambda device: activations(model, {"same": model}, data=data, device=device)),
    ):
        taken = []
        for device in ("cpu", "auto"):
            start = time.perf_counter()
            found = work(device)
            taken.append(time.perf_counter() - start)
            if title == "perplexity":
                print(f"perplexity on {device}: {next(iter(found.values())).value:.6g}")
        print(f"{title:<12}{taken[0]:>8.2f} s{taken[1]:>8.2f} s  {taken[1] / taken[0]:.2f} ×")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
