"""GPTQ, AWQ and round-to-nearest beside llm-compressor's, on the same model and calibration data.

Claim: at 4 bits in groups of 128, layers differ no more from the original's than with llm-compressor, by a paired
interval, and the work takes no more processor time. The model is a Llama of random numbers, so that nothing is fetched;
calibration and test data are random tokens. It needs an environment of its own, since llm-compressor pins other
versions: one with ``llmcompressor`` and this package. Run from the repository root:
``python benchmarks/peers_llm_compressor.py --blocks 4``.
"""

from __future__ import annotations

import argparse
import copy
import math
import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from compress_compare.operations import AWQQuantize, GPTQQuantize, Quantize

VOCABULARY = 512


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blocks", type=int, default=4)
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--texts", type=int, default=32, help="calibration texts of 64 tokens")
    parser.add_argument("--models", type=int, default=1, help="random models to compare over")
    parser.add_argument("--only", nargs="*", default=["nearest", "GPTQ", "AWQ"], help="methods")
    given = parser.parse_args()
    torch.set_num_threads(1)
    without_pinning()
    ratios: dict[str, list[float]] = {}
    for seed in range(given.models):
        with tempfile.TemporaryDirectory() as folder:
            for method, each in compare(given, folder, seed).items():
                ratios.setdefault(method, []).extend(each if given.models == 1 else [sum(each) / len(each)])
    for method, each in ratios.items():
        units = "layers" if given.models == 1 else f"{given.models} models"
        print(f"{method}: error of layers, ours {interval(each)} times theirs, 95% over {units}")


def compare(given: argparse.Namespace, folder: str, seed: int) -> dict[str, list[float]]:
    """Print a table; by method, the logarithm of our error over theirs of each layer."""
    model = llama(given.blocks, given.hidden, seed)
    model.save_pretrained(folder)
    model.config._name_or_path = folder  # where llm-compressor looks for the configuration
    random = torch.Generator().manual_seed(seed + 1)
    texts = torch.randint(3, VOCABULARY, (given.texts, 64), generator=random)
    held = torch.randint(3, VOCABULARY, (16, 64), generator=random)
    data = [({"input_ids": batch}, batch) for batch in texts.split(1)]
    how: dict[str, Any] = {"scheme": "W4A16", "ignore": ("lm_head", "Embedding")}
    print(f"{given.blocks} blocks of {given.hidden}, {given.texts} texts, load {os.getloadavg()[0]:.1f}")
    print(f"{'':>24}{'processor':>12}{'outputs':>10}{'layers':>10}")
    rows: dict[str, Callable[[nn.Module], nn.Module]] = {
        "nearest, ours": lambda m: Quantize(**how, full_range=True)(m),
        "nearest, theirs": lambda m: theirs(m, texts, "QuantizationModifier"),
        "GPTQ, ours": lambda m: GPTQQuantize(**how, full_range=True, by_activation=True)(m, data=data),
        "GPTQ, theirs": lambda m: theirs(m, texts, "GPTQModifier"),
        "AWQ, ours": lambda m: AWQQuantize(**how, full_range=True)(m, data=data),
        "AWQ, theirs": lambda m: theirs(m, texts, "AWQModifier"),
    }
    found: dict[str, list[float]] = {}
    for name, run in rows.items():
        if name.partition(",")[0] not in given.only:
            continue
        start = time.process_time()
        child = run(copy.deepcopy(model))
        took = time.process_time() - start
        found[name] = layers(model, child, held)
        mean = sum(found[name]) / len(found[name])
        print(f"{name:>24}{took:>10.2f} s{outputs(model, child, held):>10.4f}{mean:>10.4f}", flush=True)
    both = {method: (found[f"{method}, ours"], found[f"{method}, theirs"]) for method in given.only}
    return {
        method: [math.log(ours / theirs) for ours, theirs in zip(*errors, strict=True)]
        for method, errors in both.items()
    }


def interval(logarithms: list[float]) -> str:
    """The geometric mean and Student's interval."""
    from scipy import stats

    mean = sum(logarithms) / len(logarithms)
    low, high = stats.ttest_1samp(logarithms, 0).confidence_interval()
    return f"{math.exp(mean):.4f} ({math.exp(low):.4f} to {math.exp(high):.4f})"


def llama(blocks: int, hidden: int, seed: int = 0) -> nn.Module:
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=blocks,
        num_attention_heads=4,
        tie_word_embeddings=False,
    )
    return LlamaForCausalLM(config).eval()


def without_pinning() -> None:
    """Let llm-compressor's AWQ, which pins memory for copies to an accelerator, run where there is none."""
    if not torch.accelerator.is_available():
        torch.Tensor.pin_memory = lambda self, *_, **__: self  # type: ignore[method-assign]


W4A16: dict[str, Any] = {"targets": ["Linear"], "scheme": "W4A16", "ignore": ["lm_head"]}


def theirs(model: nn.Module, texts: Tensor, kind: str, levels: dict[str, Any] = W4A16) -> nn.Module:
    """llm-compressor's modifier of this name on a model; ``levels`` are arguments of its modifiers."""
    from llmcompressor import oneshot
    from llmcompressor.modifiers import quantization
    from llmcompressor.modifiers.gptq import GPTQModifier
    from llmcompressor.modifiers.transform.awq import AWQModifier

    nearest = quantization.QuantizationModifier
    recipe: list[Any] = [GPTQModifier(**levels) if kind == "GPTQModifier" else nearest(**levels)]
    if kind == "AWQModifier":
        recipe.insert(0, AWQModifier())
    rows: Any = [{"input_ids": row, "attention_mask": torch.ones_like(row)} for row in texts]
    oneshot(
        model=model,
        processor=tokenizer(),
        dataset=DataLoader(rows, batch_size=1),
        recipe=recipe,
        num_calibration_samples=len(rows),
    )
    return model


def tokenizer() -> Any:
    """Asked for, though the data are tokens."""
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel({"a": 0}, unk_token="a")), pad_token="a")


@torch.no_grad()
def outputs(model: nn.Module, child: nn.Module, held: Tensor) -> float:
    """Relative change of the logits on held-out tokens."""
    before, after = model(input_ids=held).logits, child(input_ids=held).logits
    return float((after - before).norm() / before.norm())


@torch.no_grad()
def layers(model: nn.Module, child: nn.Module, held: Tensor) -> list[float]:
    """Of each linear layer, the relative change of its outputs, given the original's inputs."""
    children, found = dict(child.named_modules()), list[float]()

    def note(name: str, _layer: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> None:
        found.append(float((children[name](*args) - output).norm() / output.norm()))

    hooks = [
        module.register_forward_hook(partial(note, name))
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and name != "lm_head"
    ]
    model(input_ids=held)
    for hook in hooks:
        hook.remove()
    return found


if __name__ == "__main__":
    main()
