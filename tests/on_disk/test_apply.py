from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from compress_compare import on_disk
from compress_compare.errors import InvalidValue
from compress_compare.on_disk.halves import Halves
from compress_compare.on_disk.source import Shard
from compress_compare.on_disk.uncached import UncachedFile
from compress_compare.operations import LowRank, MagnitudePrune, NMPrune, Palettize, Quantize, RandomPrune
from compress_compare.readers import safetensors
from compress_compare.readers.safetensors_header import read_header
from compress_compare.schemes import scheme

transformers = pytest.importorskip("transformers")

OPERATIONS = [
    Quantize(bits=4),
    Quantize(bits=4, strategy="group", group_size=12),
    Quantize(bits=3, strategy="tensor", symmetric=False),
    Quantize(bits=8, targets=("Embedding", "re:.*mlp.*")),
    MagnitudePrune(amount=0.5),
    MagnitudePrune(amount=0.3, scope="local"),
    NMPrune(),
    RandomPrune(amount=0.4, scope="local", seed=7),
    Palettize(bits=2),
    Palettize(bits=3, cluster_dim=2, seed=3),
    LowRank(ratio=0.4),
    LowRank(rank=3, targets=("re:.*mlp.*",)),
]


def llama(dtype: torch.dtype) -> nn.Module:
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=99, hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4
    )
    config.tie_word_embeddings = True
    return transformers.LlamaForCausalLM(config).to(dtype)


def gpt2(dtype: torch.dtype) -> nn.Module:
    torch.manual_seed(1)
    config = transformers.GPT2Config(vocab_size=61, n_embd=24, n_head=4, n_layer=2, n_positions=32)
    return transformers.GPT2LMHeadModel(config).to(dtype)


def everything(folder: Path) -> dict[str, torch.Tensor]:
    return {name: values for path in folder.glob("*.safetensors") for name, values in load_file(path).items()}


def schemes(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path in folder.glob("*.safetensors"):
        with path.open("rb") as file:
            found |= safetensors.notes(read_header(file, path.name)).get("scheme", {})
    return scheme.from_json(found)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: json.dumps(operation.record().parameters))
@pytest.mark.parametrize("build", [llama, gpt2])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_folder_becomes_what_the_operation_makes_of_the_module(
    tmp_path: Path, build: Any, operation: Any, dtype: torch.dtype
) -> None:
    model = build(dtype)
    if build is gpt2 and operation.parameters["targets"]:
        pytest.skip("its patterns are for the other model")
    model.save_pretrained(tmp_path / "base", max_shard_size="10KB")
    done = on_disk.apply(operation, tmp_path / "base", out=tmp_path / "out")
    wanted = operation(model)
    found, state = everything(tmp_path / "out"), wanted.state_dict()
    assert found.keys() <= state.keys()
    tied = {name for name in state if name == "lm_head.weight"}
    assert state.keys() - found.keys() <= tied
    for name, values in found.items():
        assert values.dtype == state[name].dtype
        assert torch.equal(values, state[name]), name
    assert schemes(tmp_path / "out") == scheme.of(wanted)
    assert done.num_bytes == sum(values.nbytes for values in found.values())
    assert len(list((tmp_path / "base").glob("*.safetensors"))) > 2


@pytest.mark.parametrize("operation", [Quantize(4), MagnitudePrune(0.5), Palettize(bits=2)], ids=lambda one: one.name)
def test_memory_is_not_used_again_before_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operation: Any
) -> None:
    write, turns = UncachedFile.write, list[int]()

    def slowly(file: UncachedFile, content: memoryview) -> None:
        time.sleep(0.002)
        write(file, content)

    def turned(memory: Halves) -> None:
        turns.append(memory._used)
        turn(memory)

    turn = Halves.turn
    monkeypatch.setattr(UncachedFile, "write", slowly)
    monkeypatch.setattr(Halves, "turn", turned)
    monkeypatch.setattr("compress_compare.on_disk.run.LARGE", 4096)
    model = llama(torch.bfloat16)
    model.save_pretrained(tmp_path / "base", max_shard_size="20KB")
    on_disk.apply(operation, tmp_path / "base", out=tmp_path / "out")
    state = operation(model).state_dict()
    assert len(turns) > 2
    for name, values in everything(tmp_path / "out").items():
        assert torch.equal(values, state[name]), name


def test_transformers_loads_the_new_folder_and_finds_the_tokenizer_beside_it(tmp_path: Path) -> None:
    model = llama(torch.bfloat16)
    model.save_pretrained(tmp_path / "base", max_shard_size="20KB")
    (tmp_path / "base" / "tokenizer.json").write_text("{}")
    (tmp_path / "base" / "pytorch_model.bin").write_bytes(b"0")
    done = on_disk.apply(Quantize(bits=4), tmp_path / "base", out=tmp_path / "out")
    loaded = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "out", dtype="auto")
    ids = torch.arange(12)[None]
    with torch.no_grad():
        torch.testing.assert_close(loaded(ids).logits, Quantize(bits=4)(model)(ids).logits)
    assert (tmp_path / "out" / "tokenizer.json").read_text() == "{}"
    assert done.not_copied == ("pytorch_model.bin",)
    record = json.loads((tmp_path / "out" / "compress_compare.json").read_text())
    assert record == {"from": "base", "steps": [{"operation": "quantize", "parameters": {"bits": 4}}]}


def test_pruned_and_then_quantized_keeps_its_zeros_and_its_mark(tmp_path: Path) -> None:
    model = llama(torch.float32)
    model.save_pretrained(tmp_path / "base")
    on_disk.apply(MagnitudePrune(amount=0.5), tmp_path / "base", out=tmp_path / "pruned")
    on_disk.apply(Quantize(bits=4), tmp_path / "pruned", out=tmp_path / "both")
    wanted = Quantize(bits=4)(MagnitudePrune(amount=0.5)(model))
    assert schemes(tmp_path / "both") == scheme.of(wanted)
    steps = json.loads((tmp_path / "both" / "compress_compare.json").read_text())["steps"]
    assert [step["operation"] for step in steps] == ["magnitude prune", "quantize"]


def test_equal_magnitudes_go_in_the_order_of_the_model(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(6, 5), nn.Linear(5, 4))
    for number, layer in enumerate(model):
        layer.weight.data = (
            torch.tensor([-0.5, 0.25, 0.5, 1.0]).repeat(8)[: layer.weight.numel()].reshape_as(layer.weight)
        )
        layer.bias.data.fill_(float(number))
    folder = tmp_path / "base"
    folder.mkdir()
    save_file(model.state_dict(), folder / "model.safetensors")
    for amount in (0.0, 0.1, 0.26, 0.5, 1.0):
        on_disk.apply(MagnitudePrune(amount=amount), folder, out=tmp_path / str(amount), model=model)
        found, wanted = everything(tmp_path / str(amount)), MagnitudePrune(amount=amount)(model).state_dict()
        assert all(torch.equal(found[name], wanted[name]) for name in wanted)


def test_odd_tensors_of_several_formats_stay_on_their_boundaries(tmp_path: Path) -> None:
    folder = tmp_path / "base"
    folder.mkdir()
    torch.manual_seed(2)
    tensors = {
        "a.weight": torch.randn(3, 5).bfloat16(),
        "b.weight": torch.randn(3, 3),
        "c": torch.tensor([True, False, True]),
        "d.weight": torch.randn(7, 3).half(),
        "e": torch.arange(3),
    }
    save_file(tensors, folder / "model.safetensors")
    done = on_disk.apply(Quantize(bits=8), folder, out=tmp_path / "out")
    found = everything(tmp_path / "out")
    assert sorted(done.plan.weights) == ["a.weight", "b.weight", "d.weight"]
    for name in ("c", "e"):
        assert torch.equal(found[name], tensors[name])
    for name in done.plan.weights:
        assert torch.equal(found[name], Quantize(bits=8).rounded(tensors[name]))


def test_a_file_that_became_shorter_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_file({"a": torch.arange(4096.0)}, path)
    shard = Shard(path)
    place = torch.zeros(4 * 4096, dtype=torch.uint8)
    assert torch.equal(shard.read("a", place), torch.arange(4096.0))
    os.truncate(path, path.stat().st_size - 8)
    with pytest.raises(InvalidValue, match="became shorter"):
        shard.read("a", place)


def test_a_system_that_cannot_read_at_places_copies_mapped_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "preadv")
    path = tmp_path / "model.safetensors"
    save_file({"a": torch.arange(6.0).bfloat16()}, path)
    found = Shard(path).read("a", torch.zeros(12, dtype=torch.uint8))
    assert torch.equal(found, torch.arange(6.0).bfloat16())


def test_what_is_not_known_is_left_alone_and_said(tmp_path: Path) -> None:
    folder = tmp_path / "base"
    folder.mkdir()
    save_file({"fc.weight": torch.randn(4, 4), "conv.weight": torch.randn(4, 4, 3, 3)}, folder / "model.safetensors")
    done = on_disk.apply(Quantize(bits=4), folder, out=tmp_path / "out")
    assert done.plan.weights == ("fc.weight",) and done.plan.unknown == ("conv.weight",)
    conv = nn.ModuleDict({"fc": nn.Linear(4, 4, bias=False), "conv": nn.ConvTranspose2d(4, 4, 3, bias=False)})
    told = on_disk.plan(Quantize(bits=4), folder, model=conv.to("meta"))
    assert told.weights == ("fc.weight", "conv.weight") and not told.unknown


def test_a_matrix_whose_bias_counts_columns_is_not_taken_for_a_linear_layer(tmp_path: Path) -> None:
    folder = tmp_path / "base"
    folder.mkdir()
    tensors = {"a.weight": torch.randn(4, 6), "a.bias": torch.randn(6), "b.weight": torch.randn(4, 4)}
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(InvalidValue, match="not known what the tensors"):
        on_disk.apply(Quantize(bits=4), folder, out=tmp_path / "out")


def test_position_tables_are_spared_and_told(tmp_path: Path) -> None:
    gpt2(torch.float32).save_pretrained(tmp_path / "base")
    told = on_disk.plan(Quantize(bits=4), tmp_path / "base")
    assert list(told.spared) == ["transformer.wpe.weight"]
    assert "transformer.wpe.weight" not in told.weights


@pytest.mark.parametrize(
    ("operation", "said"),
    [(RandomPrune(), "Choose the scope local"), (MagnitudePrune(targets=("nothing",)), "matches no module")],
)
def test_what_cannot_be_done_is_refused_before_anything_is_written(tmp_path: Path, operation: Any, said: str) -> None:
    llama(torch.float32).save_pretrained(tmp_path / "base")
    with pytest.raises(InvalidValue, match=said):
        on_disk.apply(operation, tmp_path / "base", out=tmp_path / "out")
    assert [each.name for each in tmp_path.iterdir()] == ["base"]


def test_weights_that_are_not_finite_are_refused_by_name_and_nothing_is_left(tmp_path: Path) -> None:
    model = llama(torch.float32)
    model.model.layers[1].mlp.up_proj.weight.data[0, 0] = float("nan")
    model.save_pretrained(tmp_path / "base")
    with pytest.raises(InvalidValue, match=r"layers\.1\.mlp\.up_proj\.weight' is not finite"):
        on_disk.apply(Quantize(bits=4), tmp_path / "base", out=tmp_path / "out")
    assert [each.name for each in tmp_path.iterdir()] == ["base"]


def test_whoever_watches_can_stop_it(tmp_path: Path) -> None:
    llama(torch.float32).save_pretrained(tmp_path / "base")

    class Stopped(Exception):
        pass

    def stop(share: float, text: str) -> None:
        if share > 0.3:
            raise Stopped

    with pytest.raises(Stopped):
        on_disk.apply(Quantize(bits=4), tmp_path / "base", out=tmp_path / "out", progress=stop)
    assert [each.name for each in tmp_path.iterdir()] == ["base"]


def test_integers_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "base"
    folder.mkdir()
    save_file({"fc.weight": torch.ones(4, 4, dtype=torch.int8)}, folder / "model.safetensors")
    with pytest.raises(InvalidValue, match="stored as I8"):
        on_disk.apply(
            Quantize(bits=4), folder, out=tmp_path / "out", model=nn.ModuleDict({"fc": nn.Linear(4, 4, bias=False)})
        )
