from __future__ import annotations

import json

import pyarrow as pa
import pytest
import torch
from torch import nn

from compress_compare.errors import InvalidValue
from compress_compare.evaluation.size import packed_size
from compress_compare.operations import Calibrate, GPTQQuantize, LowRank, MagnitudePrune, Quantize, magnitude_prune
from compress_compare.operations import quantize as quantized
from compress_compare.plans.sensitivity import SCHEMA, Study, sensitivity


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(8, 16), nn.LayerNorm(16), nn.ReLU(), nn.Linear(16, 4))


INPUTS = torch.randn(20, 8, generator=torch.Generator().manual_seed(1))


def distance(model: nn.Module) -> float:
    """From the outputs of the network; fails outside of evaluation mode and no_grad."""
    assert not model.training and not torch.is_grad_enabled()
    return float((model(INPUTS) - network()(INPUTS)).square().mean())


def test_each_row_is_one_layer_at_one_level() -> None:
    levels = [Quantize(8), Quantize(2), MagnitudePrune(0.5)]
    table = sensitivity(network(), levels, study=Study(distance))
    assert table.schema == SCHEMA
    keys = [(row["layer"], row["operation"], json.loads(row["parameters"])) for row in table.to_pylist()]
    assert keys[:3] == [
        ("0.weight", "quantize", {"bits": 8}),
        ("0.weight", "quantize", {"bits": 2}),
        ("0.weight", "magnitude prune", {"amount": 0.5}),
    ]
    assert [key[0] for key in keys[3:]] == ["3.weight"] * 3
    for row, make in zip(table.to_pylist()[:3], levels, strict=True):
        child = type(make).from_parameters({**make.parameters, "targets": ["0.weight"]})(network()).eval()
        with torch.no_grad():
            assert row["value"] == row["change"] == distance(child)
        base, after = packed_size(network()).value, packed_size(child).value
        assert row["layer_bytes"] == 4 * 128 + after - base and row["layer_bytes_before"] == 512
        assert row["model_bytes_before"] == base and row["weights"] == 128 and row["macs"] is None


def test_norms_are_in_it_when_asked_for() -> None:
    table = sensitivity(network(), [MagnitudePrune(0.1)], study=Study(distance, layers=(r"re:.*\.weight",)))
    assert table["layer"].to_pylist() == ["0.weight", "1.weight", "3.weight"]
    assert table["change"].to_pylist()[1] > 0


def test_an_interrupted_run_is_taken_up_again() -> None:
    levels = [Quantize(8), Quantize(4)]
    saved: list[pa.Table] = []
    calls: list[int] = []

    def failing(model: nn.Module) -> float:
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return distance(model)

    with pytest.raises(KeyboardInterrupt):
        sensitivity(network(), levels, study=Study(failing), save=saved.append)
    assert [table.num_rows for table in saved] == [1, 2]
    table = sensitivity(network(), levels, study=Study(failing), done=saved[-1], save=saved.append)
    assert len(calls) == 4 + 1 + 2 and [table.num_rows for table in saved] == [1, 2, 3, 4]
    assert table.equals(sensitivity(network(), levels, study=Study(distance)))
    assert sensitivity(network(), levels, study=Study(failing), done=table).equals(table) and len(calls) == 7


def test_operations_with_data_and_other_structure() -> None:
    data = [(INPUTS, torch.zeros(20, dtype=torch.long))]
    study = Study(distance, data=data, example=INPUTS[:1])
    rows = sensitivity(network(), [GPTQQuantize(3), LowRank(rank=1)], study=study).to_pylist()
    assert [row["macs"] for row in rows] == [192, 192 - 128 + 24, 192, 192 - 64 + 20]
    assert rows[1]["layer_bytes"] == 4 * 24 and rows[1]["macs_before"] == 192


def test_a_clock_times_every_child_in_evaluation_mode() -> None:
    def clock(model: torch.nn.Module) -> float:
        assert not model.training
        return float(sum(parameter.count_nonzero() for parameter in model.parameters()))

    rows = sensitivity(network(), [MagnitudePrune(1.0)], study=Study(distance, clock=clock)).to_pylist()
    assert [row["latency_before"] - row["latency"] for row in rows] == [row["weights"] for row in rows]


def test_the_model_stays_as_it_is_and_may_be_compressed_already() -> None:
    model = quantized(network(), bits=4)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    row = sensitivity(model, [MagnitudePrune(0.5)], study=Study(distance)).to_pylist()[0]
    assert row["layer_bytes_before"] == 128 // 2 + 16 * 4
    assert model.training and all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert magnitude_prune(model, 0.5) is not model


def test_operations_without_targets_and_unknown_layers_are_refused() -> None:
    with pytest.raises(InvalidValue, match="'calibrate' cannot be given a layer") as caught:
        sensitivity(network(), [Calibrate()], study=Study(distance))
    assert caught.value.code == "sensitivity.levels"
    with pytest.raises(InvalidValue, match="'Conv2d' matches no module"):
        sensitivity(network(), [Quantize()], study=Study(distance, layers=("Conv2d",)))


def test_only_the_layer_that_changes_is_copied() -> None:
    model = network()
    places = {name: tensor.data_ptr() for name, tensor in model.named_parameters()}
    apart: list[set[str]] = []

    def measure(child: nn.Module) -> float:
        apart.append({name for name, tensor in child.named_parameters() if tensor.data_ptr() != places.get(name)})
        return 0.0

    data = [(INPUTS, torch.zeros(20).long())]
    sensitivity(model, [Quantize(4), GPTQQuantize(4)], study=Study(measure, layers=("Linear",), data=data))
    assert apart == [set(), *[{"0.weight", "0.bias"}] * 2, *[{"3.weight", "3.bias"}] * 2]


def test_scores_of_examples_give_each_change_its_paired_standard_error() -> None:
    def scores(model: nn.Module) -> torch.Tensor:
        return (model(INPUTS).argmax(1) == network()(INPUTS).argmax(1)).double()

    study = Study(lambda model: float(scores(model).mean()), scores=scores)
    same, halved = sensitivity(network(), [Quantize(8), Quantize(2)], study=study).to_pylist()[:2]
    assert same["standard_error"] == 0 and same["change"] == 0
    child = quantized(network(), 2, targets=("0.weight",)).eval()
    with torch.no_grad():
        differences = scores(child) - scores(network().eval())
    assert halved["standard_error"] == pytest.approx(float(differences.std()) / 20**0.5) and halved["count"] == 20
    assert halved["standard_error"] > 0
    (unknown,) = sensitivity(network(), [Quantize(2)], study=Study(distance, layers=("0",))).to_pylist()
    assert unknown["standard_error"] is None
