"""Node data for Model Explorer, against the names that torch.export gives and the fields that its package declares."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
import torch
from torch import nn

import compress_compare as cc
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
    assert found["fc.weight"] == found["p_fc_weight"] == {"value": 0.25}
