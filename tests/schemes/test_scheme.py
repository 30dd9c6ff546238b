from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import pytest
import torch
from torch import nn

from compress_compare.operations import magnitude_prune, palettize, quantize
from compress_compare.schemes import scheme
from compress_compare.schemes.scheme import TensorScheme

QUANTIZED = TensorScheme(kind="quantized", bits=4, strategy="channel")


def test_a_fresh_model_has_none() -> None:
    assert scheme.of(nn.Linear(2, 2)) == {}


@pytest.mark.parametrize(
    ("entry", "shape", "expected"),
    [
        (TensorScheme(), (8, 4), 0),
        (TensorScheme(kind="quantized", bits=4), (8, 4), 1),
        (QUANTIZED, (8, 4, 3, 3), 8),
        (TensorScheme(kind="quantized", bits=4, strategy="channel", channel_axis=1), (8, 4, 3, 3), 4),
        (TensorScheme(kind="quantized", bits=4, strategy="group", group_size=32), (8, 64), 16),
        (TensorScheme(kind="quantized", bits=4, strategy="group", group_size=32), (8, 65), 24),
        (TensorScheme(kind="palettized", bits=2, codebook_size=4), (8, 4), 1),
    ],
)
def test_number_of_tables(entry: TensorScheme, shape: tuple[int, ...], expected: int) -> None:
    assert entry.num_tables(shape) == expected


def test_survives_copying_and_pickling_and_stays_out_of_the_state_dict() -> None:
    model = quantize(nn.Linear(4, 4), 4)
    assert scheme.of(copy.deepcopy(model)) == scheme.of(pickle.loads(pickle.dumps(model))) == scheme.of(model)
    assert list(model.state_dict()) == ["weight", "bias"]


def test_json_round_trip_leaves_out_defaults() -> None:
    entries = {"a": QUANTIZED, "b": TensorScheme(pruned=True)}
    data = scheme.to_json(entries)
    assert data == {
        "a": {"kind": "quantized", "bits": 4, "strategy": "channel"},
        "b": {"kind": "dense", "pruned": True},
    }
    assert scheme.from_json(data) == entries


def test_pruning_a_quantized_model_keeps_the_grid() -> None:
    entry = scheme.of(magnitude_prune(quantize(nn.Linear(8, 8), 4), 0.5))["weight"]
    assert (entry.kind, entry.bits, entry.pruned) == ("quantized", 4, True)


def test_the_last_of_two_compressions_counts() -> None:
    entry = scheme.of(palettize(quantize(nn.Linear(8, 8), 8), 2))["weight"]
    assert (entry.kind, entry.bits) == ("palettized", 2)


def test_other_tensors_keep_their_entries() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    child = palettize(quantize(model, 4, targets=["0"]), 2, targets=["1"])
    assert {name: entry.kind for name, entry in scheme.of(child).items()} == {
        "0.weight": "quantized",
        "1.weight": "palettized",
    }


def test_values_off_the_grid_lose_their_entry() -> None:
    before = quantize(nn.Linear(4, 4), 4)
    after = copy.deepcopy(before)
    with torch.no_grad():
        after.weight[0, 0] += 0.01
    scheme.detach(after)
    scheme.settle(before, after)
    assert scheme.of(after) == {}


def test_importing_operations_and_listing_their_schemas_needs_no_torch() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from compress_compare import errors, operations\n"
        "assert all(cls.json_schema()['title'] == name for name, cls in operations.available().items())\n"
        "assert operations.MagnitudePrune(0.3).record().parameters == {'amount': 0.3}\n"
        "try: operations.magnitude_prune(None)\n"
        "except errors.UserError as error: print(error.code)\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.stdout.strip() == "extra.missing", result.stderr


def test_large_tensors_are_looked_at_in_pieces_with_the_same_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    layer = nn.Linear(6, 50)
    pruned = magnitude_prune(layer, 0.5, targets=["re:weight", "Linear"])
    entries = []
    for piece in (1 << 20, 7):
        monkeypatch.setattr(scheme, "_PIECE", piece)
        last = copy.deepcopy(pruned)
        scheme.detach(last)
        with torch.no_grad():
            last.weight[-1, -1] = 1.5  # what differs, and is not zero, stands in the last piece alone
        scheme.settle(layer, last)
        scheme.settle(layer, again := copy.deepcopy(pruned))
        entries.append((scheme.of(last), scheme.of(again)))
    assert entries[0] == entries[1]
    assert entries[0][1]["weight"].pruned
    assert "weight" not in entries[0][0]
