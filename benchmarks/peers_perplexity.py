"""GPTQ, AWQ and round-to-nearest beside llm-compressor's on a language model that has learned something.

Claim: stories260K, as a Llama of transformers, has no higher perplexity on 21 stories after our method than after
llm-compressor's with the same scheme, calibrated on the same texts sampled from the model: the interval of the ratio,
a paired bootstrap over stories, reaches 1 or lies below it. It needs an environment of its own, as
``peers_llm_compressor.py``. Run from the repository root: ``python benchmarks/peers_perplexity.py``. Ends with exit
code 1 when an interval lies above 1.
"""

from __future__ import annotations

import argparse
import copy
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from cifar import DATA
from gptq_stories import interval, load, losses, perplexity, sampled
from peers_llm_compressor import layers, theirs, without_pinning
from torch import Tensor, nn

from compress_compare.operations import AWQQuantize, GPTQQuantize, Quantize

HEADS, KEY_HEADS = 8, 4
MODIFIERS = {"nearest": "QuantizationModifier", "GPTQ": "GPTQModifier", "AWQ": "AWQModifier"}


def main() -> int:
    """Print a table for 4 and 3 bits; 1 if a perplexity of ours is shown to be higher."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder with models/, datasets/ and architectures.py")
    parser.add_argument("--texts", type=int, default=64, help="calibration texts of 256 tokens")
    given = parser.parse_args()
    if not given.data.is_dir():
        print(f"No reference data at {given.data}; give its place with --data.")
        return 2
    torch.set_num_threads(1)
    without_pinning()
    original, stories = load(given.data)
    model, texts = llama(original), sampled(original, given.texts, length=256)
    print(f"Perplexity in floating point: {perplexity(losses(tokens_only(model), stories)):.3f}")
    titles = f"{'ours':>8}{'theirs':>8}{'ratio, 95 %':>24}{'layers':>8}{'theirs':>8}{'seconds':>14}"
    print(f"{'bits':>4} {'method':<10}{titles}")
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        model.config._name_or_path = folder  # where llm-compressor looks for the configuration
        worse = [compared(model, bits, texts=texts, stories=stories) for bits in (4, 3)]
        return int(any(worse))


def compared(model: nn.Module, bits: int, *, texts: Tensor, stories: list[Tensor]) -> bool:
    """Print the methods; whether one of ours is shown to be worse."""
    how: dict[str, Any] = {"bits": bits, "ignore": ("lm_head", "Embedding"), "full_range": True}
    data = [({"input_ids": batch}, batch) for batch in texts.split(1)]
    ours: dict[str, Callable[[nn.Module], nn.Module]] = {
        "nearest": Quantize(**how, strategy="channel"),
        "GPTQ": lambda one: GPTQQuantize(**how, strategy="channel", by_activation=True)(one, data=data),
        "AWQ": lambda one: AWQQuantize(**how, strategy="channel")(one, data=data),
    }
    weights = {"num_bits": bits, "type": "int", "symmetric": True, "strategy": "channel"}
    levels = {"config_groups": {"all": {"targets": ["Linear"], "weights": weights}}, "ignore": ["lm_head"]}
    worse, held = False, torch.stack([story[:64] for story in stories if len(story) >= 64])
    for name, method in ours.items():
        found, seconds = [], []
        for run in (method, lambda one, kind=MODIFIERS[name]: theirs(one, texts, kind, levels)):
            start = time.process_time()
            child = run(copy.deepcopy(model))
            seconds.append(time.process_time() - start)
            found.append((losses(tokens_only(child), stories), mean(layers(model, child, held))))
        (mine, mine_layers), (peer, peer_layers) = found
        low, high = interval(mine, peer)
        worse |= low > 1
        ratio = f"{perplexity(mine) / perplexity(peer):.3f} ({low:.3f} to {high:.3f})"
        took = f"{seconds[0]:.1f} and {seconds[1]:.1f}"
        sides = f"{perplexity(mine):>8.3f}{perplexity(peer):>8.3f}{ratio:>24}{mine_layers:>8.4f}{peer_layers:>8.4f}"
        print(f"{bits:>4} {name:<10}{sides}{took:>14}", flush=True)
    return worse


def tokens_only(model: nn.Module) -> Callable[[Tensor], Tensor]:
    """The model as what gives logits for tokens."""
    return lambda tokens: model(input_ids=tokens).logits


def llama(original: nn.Module) -> Any:
    """The same model as a Llama of transformers, which turns halves of a head where this one turns neighbors."""
    from transformers import LlamaConfig, LlamaForCausalLM

    given = original.state_dict()
    vocabulary, width = given["tok.weight"].shape
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        intermediate_size=len(given["layers.0.w1.weight"]),
        num_hidden_layers=sum(name.endswith("rms_att") for name in given),
        num_attention_heads=HEADS,
        num_key_value_heads=KEY_HEADS,
        max_position_embeddings=512,
        rms_norm_eps=1e-5,
        tie_word_embeddings=True,
    )
    made = LlamaForCausalLM(config).eval()
    attention, dense = "model.layers.{}.self_attn.", "model.layers.{}.mlp."
    places = {
        "wq.weight": f"{attention}q_proj.weight",
        "wk.weight": f"{attention}k_proj.weight",
        "wv.weight": f"{attention}v_proj.weight",
        "wo.weight": f"{attention}o_proj.weight",
        "w1.weight": f"{dense}gate_proj.weight",
        "w2.weight": f"{dense}down_proj.weight",
        "w3.weight": f"{dense}up_proj.weight",
        "rms_att": "model.layers.{}.input_layernorm.weight",
        "rms_ffn": "model.layers.{}.post_attention_layernorm.weight",
    }
    state = {"model.embed_tokens.weight": given["tok.weight"], "model.norm.weight": given["rms_final"]}
    state["lm_head.weight"] = given["tok.weight"]
    for name, values in given.items():
        if name.startswith("layers."):
            _, number, last = name.split(".", 2)
            heads = {"wq.weight": HEADS, "wk.weight": KEY_HEADS}.get(last)
            state[places[last].format(number)] = values if heads is None else halves(values, heads)
    made.load_state_dict(state)
    return made


def halves(values: Tensor, heads: int) -> Tensor:
    """Rows of pairs that lie side by side as rows of first and second halves, head by head."""
    return values.view(heads, -1, 2, values.shape[1]).transpose(1, 2).reshape(values.shape)


if __name__ == "__main__":
    sys.exit(main())
