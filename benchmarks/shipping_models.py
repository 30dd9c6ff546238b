"""Real models in every format: the digits demo and stories260K, bytes claimed and shipped, agreement and latency.

Claim: each model is shipped and proved or refused by name in every format that is installed.
Run from the repository root: ``python benchmarks/shipping_models.py [--digits PROJECT] [--data FOLDER]``. Without a
project of the demo it is run first; without the folder with models/ the language model is left out. Ends with exit code
1 when a model is neither proved nor refused. The table is that of docs/shipping.md.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import torch
from cifar import DATA
from reference_compressions import architectures
from safetensors.torch import load_file
from shipping_table import Table, begin
from torch import nn

import compress_compare as cc
from compress_compare.operations import BaseOperation, MagnitudePrune, Palettize, Quantize
from compress_compare.recipes import Task

DIGITS = ("cnn", "cnn-w8", "cnn-w4", "cnn-palette4", "cnn-magnitude70-finetuned")
LINEAR = (r"re:model\.layers\..*_proj",)
STORIES: dict[str, BaseOperation | None] = {
    "float": None,
    "w8": Quantize(8, targets=LINEAR),
    "w4": Quantize(4, targets=LINEAR),
    "palettized": Palettize(4, targets=LINEAR),
    "pruned": MagnitudePrune(0.5, targets=LINEAR),
}
CLOSE = 1e-3


def main() -> int:
    parser = begin(__doc__)
    parser.add_argument("--digits", type=Path, help="a project that compress-compare demo digits made")
    parser.add_argument("--data", type=Path, default=DATA, help="folder with models/ and architectures.py")
    parser.add_argument("--only", choices=["digits", "stories"], help="one of the two")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        table = Table(Path(folder), given.formats)
        if given.only != "stories":
            digits(given.digits, table)
        if given.only != "digits" and given.data.is_dir():
            stories(given.data, table)
    table.end()
    return int(bool(table.broken))


def digits(project: Path | None, table: Table) -> None:
    from compress_compare.demos.digits import run_digits, task
    from compress_compare.demos.digits.experiments import experiments

    place = table.place / "digits"
    if project is None:
        nodes = {node.id: node for node in experiments(0)}
        needed = set(DIGITS)
        while more := {nodes[id].base for id in needed if nodes[id].base} - needed:
            needed |= more
        run_digits(place, nodes=[node for id, node in nodes.items() if id in needed]).close()
    else:
        shutil.copytree(project, place)
    with cc.open(place) as opened:
        for id in DIGITS:
            table.rows(opened, id, task(), label=id)


def stories(data: Path, table: Table) -> None:
    net = llama(data)
    random = torch.Generator().manual_seed(0)
    batches = [({"input_ids": torch.randint(0, 512, (8, 64), generator=random)}, torch.zeros(8)) for _ in range(2)]
    task = Task(lambda: net, lambda _: {}, batches=batches)
    with cc.open(table.place / "stories") as opened:
        opened.log_model("stories260K", checkpoint=net)
        for name, operation in STORIES.items():
            id = "stories260K"
            if operation is not None:
                id = f"stories260K, {name}"
                opened.log_model(id, base="stories260K", operation=operation, checkpoint=operation(net))
            table.rows(opened, id, task, label=f"stories260K, {name}")


def llama(data: Path) -> nn.Module:
    """stories260K as a model of transformers: the rows of queries and keys alternate there, and lie in halves here."""
    from transformers import LlamaConfig, LlamaForCausalLM

    own = load_file(data / "models" / "stories260K.safetensors")
    config = LlamaConfig(
        vocab_size=512, hidden_size=64, intermediate_size=172, num_hidden_layers=5, num_attention_heads=8,
        num_key_value_heads=4, max_position_embeddings=512, rms_norm_eps=1e-5, tie_word_embeddings=True,
        use_cache=False,
    )  # fmt: skip
    names = {
        "q_proj": "wq", "k_proj": "wk", "v_proj": "wv", "o_proj": "wo", "gate_proj": "w1", "down_proj": "w2",
        "up_proj": "w3",
    }  # fmt: skip
    state = {"model.embed_tokens.weight": own["tok.weight"], "model.norm.weight": own["rms_final"]}
    for layer in range(5):
        start = f"model.layers.{layer}"
        state[f"{start}.input_layernorm.weight"] = own[f"layers.{layer}.rms_att"]
        state[f"{start}.post_attention_layernorm.weight"] = own[f"layers.{layer}.rms_ffn"]
        for name, theirs in names.items():
            part = "self_attn" if theirs in ("wq", "wk", "wv", "wo") else "mlp"
            weight = own[f"layers.{layer}.{theirs}.weight"]
            if theirs in ("wq", "wk"):
                weight = weight.reshape(-1, 4, 2, 64).transpose(1, 2).reshape(weight.shape)
            state[f"{start}.{part}.{name}.weight"] = weight.contiguous()
    net = LlamaForCausalLM(config).eval()
    net.load_state_dict(state, strict=False)
    net.tie_weights()
    reference = architectures(data).Llama()
    reference.load_state_dict(own)
    tokens = torch.arange(32)[None]
    with torch.no_grad():
        gap = float((net(input_ids=tokens).logits - reference.eval()(tokens)).abs().max())
    if gap > CLOSE:
        raise SystemExit(f"The model of transformers differs from the reference by {gap:.2g}.")
    return net


if __name__ == "__main__":
    sys.exit(main())
