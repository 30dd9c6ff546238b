"""Node data for Model Explorer, against the names that torch.export gives and the fields that its package declares."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
import torch
from torch import nn

import compress_compare as cc
from compress_compare.analysis.layers.measures import MEASURES
from compress_compare.errors import InvalidValue, NotFound
from compress_compare.exporters import model_explorer

# The fields of GraphNodeData, NodeDataResult and GradientItem in ai-edge-model-explorer 0.1.34.
GRAPH_FIELDS = {"results", "name", "thresholds", "gradient"}
RESULT_FIELDS = {"value", "bgColor", "textColor"}
STOP_FIELDS = {"stop", "bgColor", "textColor"}


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.Stem = nn.Conv2d(1, 2, 3)
        self.layer1 = nn.Sequential(nn.Sequential(nn.BatchNorm2d(2)), nn.ReLU())
        self.scale = nn.Parameter(torch.ones(2, 1, 1))
        self.fc = nn.Linear(2, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc((self.layer1(self.Stem(x)) * self.scale).mean((2, 3)))


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    base, other = Network(), Network()
    with torch.no_grad():
        other.fc.weight.zero_()
    with cc.open(tmp_path_factory.mktemp("overlay") / "p") as project:
        project.log_model("base", checkpoint=base)
        project.log_model("other", base="base", operation=cc.Operation("x"), checkpoint=other)
        return project.layers("base", ["other"], "sparsity").table.arrow


def test_every_parameter_of_an_exported_network_has_its_number(table: pa.Table) -> None:
    found = json.loads(model_explorer.overlay(table, model="other", measure="zeros"))
    exported = torch.export.export(Network().eval(), (torch.zeros(1, 1, 8, 8),))
    parameters = exported.graph_signature.inputs_to_parameters
    assert len(parameters) == 7
    for node, name in parameters.items():
        assert found["results"][node] == found["results"][name]
    assert found["results"]["fc.weight"] == {"value": 1.0}
    assert found["results"]["scale"] == {"value": 0.0}


def test_only_fields_that_model_explorer_knows(table: pa.Table) -> None:
    found = json.loads(model_explorer.overlay(table, model="other", measure="num_zeros"))
    assert set(found) <= GRAPH_FIELDS
    assert all(set(one) <= RESULT_FIELDS and "value" in one for one in found["results"].values())
    assert [one["stop"] for one in found["gradient"]] == [0, 1]
    assert all(set(one) <= STOP_FIELDS for one in found["gradient"])


def test_what_is_not_finite_is_left_out() -> None:
    names = ["a", "b", "c", "d"]
    table = pa.table(
        {
            "module": ["", "", "", ""],
            "parameter": names,
            "model": ["m"] * 4,
            "num_parameters": [1, 1, 1, 1],
            "sqnr_db": pa.array([np.inf, np.nan, None, 3.5]),
        }
    )
    found = json.loads(model_explorer.overlay(table, model="m", measure="sqnr_db"))
    assert found["results"] == {"d": {"value": 3.5}, "p_d": {"value": 3.5}}


def test_an_unknown_measure_or_model_is_named(table: pa.Table) -> None:
    with pytest.raises(InvalidValue, match="no measure 'sqnr_db'"):
        model_explorer.overlay(table, model="other", measure="sqnr_db")
    with pytest.raises(InvalidValue, match="no measure 'module'"):
        model_explorer.overlay(table, model="other", measure="module")
    with pytest.raises(NotFound, match="no layers of 'nobody'"):
        model_explorer.overlay(table, model="nobody", measure="zeros")


def test_activations_stand_at_the_weight_of_their_module() -> None:
    rows = {"module": ["", "fc"], "parameter": [None, None], "model": ["m", "m"], "relative_error": [0.5, 0.25]}
    table = pa.table(
        {name: pa.array(values, pa.string()) if name == "parameter" else values for name, values in rows.items()}
    )
    found = model_explorer.node_data(table, model="m", measure="relative_error")["results"]
    assert found == {"fc.weight": {"value": 0.25}, "p_fc_weight": {"value": 0.25}}


WEIGHT = np.arange(1, 13, dtype=np.float64).reshape(3, 4)
PRUNED = np.where(WEIGHT < 5, 0, WEIGHT)
INPUTS = np.array([[1, 0, 2, -1], [0, 1, -3, 1], [2, 1, 0, 1], [-1, -1, 1, 3], [1, 2, 1, 0]], dtype=np.float64)
"""Examples; the network has one layer, so that what it adds is all there is."""
BEFORE, AFTER = INPUTS @ WEIGHT.T, INPUTS @ PRUNED.T


def _ratio(base: np.ndarray, other: np.ndarray) -> float:
    return float(np.sqrt(((base - other) ** 2).sum() / (base**2).sum()))


def _cosine(base: np.ndarray, other: np.ndarray) -> float:
    return float((base * other).sum() / np.sqrt((base**2).sum() * (other**2).sum()))


def _cka(base: np.ndarray, other: np.ndarray) -> float:
    one, two = base - base.mean(0), other - other.mean(0)
    return float(((one.T @ two) ** 2).sum() / np.linalg.norm(one.T @ one) / np.linalg.norm(two.T @ two))


# Four of twelve weights are zero, the others differ: the entropy is that of 4/12 and eight times 1/12.
ENTROPY = -(1 / 3) * np.log2(1 / 3) - 8 * (1 / 12) * np.log2(1 / 12)
PACKED = 12 * 4
"""Twelve numbers of four bytes, as no operation says that zeros are left out; the three biases take twelve."""
ENDS = (AFTER.min() == AFTER) | (AFTER.max() == AFTER)
EXPECTED = {
    "sparsity": {"zeros": 4 / 12, "new_zeros": 4 / 12, "filled_zeros": 0, "kept_zeros": 0},
    "weights": {
        **{"sqnr_db": -20 * np.log10(_ratio(WEIGHT, PRUNED)), "relative_error": _ratio(WEIGHT, PRUNED)},
        **{"mean_abs_change": 10 / 12, "cosine": _cosine(WEIGHT, PRUNED), "entropy_bits": ENTROPY, "num_distinct": 9},
        **{"channel_norm_change": 1, "num_dead_channels": 1, "mean_abs": 68 / 12, "num_nonfinite": 0},
    },
    "storage": {
        **{"bytes": PACKED, "share": PACKED / (PACKED + 12), "bits_per_parameter": PACKED * 8 / 12, "file_bytes": 48},
    },
    "activations": {
        **{"local_relative_error": _ratio(BEFORE, AFTER), "relative_error": _ratio(BEFORE, AFTER), "repair": 1},
        **{"sqnr_db": -20 * np.log10(_ratio(BEFORE, AFTER)), "local_sqnr_db": -20 * np.log10(_ratio(BEFORE, AFTER))},
        **{"cosine": _cosine(BEFORE, AFTER), "cka": _cka(BEFORE, AFTER), "mean_abs": np.abs(AFTER).mean()},
        **{"clipped": (ENDS & (AFTER != 0)).mean(), "num_nonfinite": 0},
    },
}


def _network(weight: np.ndarray) -> nn.Module:
    network = nn.Sequential()
    network.add_module("fc", nn.Linear(4, 3))
    network.fc.weight.data = torch.tensor(weight, dtype=torch.float32)
    network.fc.bias.data.zero_()
    return network


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pa.Table]:
    """The layers of a small network in each mode."""
    with cc.open(tmp_path_factory.mktemp("modes") / "p") as project:
        project.log_model("base", checkpoint=_network(WEIGHT))
        project.log_model("other", base="base", operation=cc.Operation("x"), checkpoint=_network(PRUNED))
        found = {
            what: project.layers("base", ["other"], what).table.arrow for what in EXPECTED if what != "activations"
        }
        data = [torch.tensor(INPUTS, dtype=torch.float32)]
        sampled = project.layers("base", ["other"], "activations", network=_network(WEIGHT), data=data)
        return {**found, "activations": sampled.table.arrow}


def test_every_mode_and_measure_is_expected() -> None:
    assert {what: {one.id for one in ones} for what, ones in MEASURES.items()} == {
        what: set(numbers) for what, numbers in EXPECTED.items()
    }


@pytest.mark.parametrize(("what", "measure"), [(what, one) for what, ones in EXPECTED.items() for one in ones])
def test_every_measure_of_every_mode_is_laid_over_the_graph(
    tables: dict[str, pa.Table], what: str, measure: str
) -> None:
    found = json.loads(model_explorer.overlay(tables[what], model="other", measure=measure))
    assert found["results"]["p_fc_weight"] == found["results"]["fc.weight"]
    assert found["results"]["fc.weight"]["value"] == pytest.approx(EXPECTED[what][measure], rel=1e-5, abs=1e-9)
    assert found["name"] == f"other: {measure}"


@pytest.mark.parametrize("what", EXPECTED)
def test_model_explorer_takes_the_file_as_its_own(tables: dict[str, pa.Table], what: str) -> None:
    """What is read into its classes is written as the same file."""
    builder = pytest.importorskip("model_explorer.node_data_builder", reason="ai-edge-model-explorer is not installed")
    for measure in EXPECTED[what]:
        content = json.loads(model_explorer.overlay(tables[what], model="other", measure=measure))
        data = builder.GraphNodeData(
            results={key: builder.NodeDataResult(**one) for key, one in content["results"].items()},
            gradient=[builder.GradientItem(**one) for one in content["gradient"]],
            name=content["name"],
        )
        assert {key: one for key, one in json.loads(data.to_json_string()).items() if one not in ([], False)} == content
