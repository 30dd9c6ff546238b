"""`POST /api/v1/layers` on a server that runs."""

import numpy as np
import pyarrow as pa
import pytest
import torch

import compress_compare as cc

from .running import running


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    torch.manual_seed(3)
    base = torch.nn.Sequential(torch.nn.Linear(5, 7), torch.nn.LayerNorm(7), torch.nn.Linear(7, 3))
    with cc.open(tmp_path_factory.mktemp("layers") / "project") as opened:
        opened.log_model("base", checkpoint=base.state_dict())
        pruned = {name: tensor.clone() for name, tensor in base.state_dict().items()}
        pruned["1.weight"][:4] = 0
        pruned["0.weight"][0, :3] = 0
        opened.log_model("pruned", base="base", checkpoint=pruned)
        opened.log_model("forgotten", base="base")
        yield opened


@pytest.fixture(scope="module")
def client(project, static):
    with running(project, static=static) as server, server.client(headers=server.bearer) as opened:
        yield opened


def ask(client, code=200, path="layers", **changes):
    body = {"base": "base", "models": ["base", "pruned"], "what": "sparsity"} | changes
    answer = client.post(f"/api/v1/{path}", json=body)
    assert answer.status_code == code, answer.text
    return answer.json() if code != 200 or path != "layers" else pa.ipc.open_stream(answer.content).read_all()


def test_the_table_is_that_of_the_project(client, project):
    for what in ("sparsity", "weights", "storage"):
        found = ask(client, what=what).to_pylist()
        assert found == project.layers("base", ["base", "pruned"], what).table.to_pylist()


def test_rows_and_columns_are_chosen(client):
    found = ask(client, modules=["1"], columns=["module", "parameter", "model", "num_zeros"]).to_pylist()
    assert {row["parameter"]: row["num_zeros"] for row in found if row["model"] == "pruned"} == {
        None: 11,
        "weight": 4,
        "bias": 7,
    }
    assert {row["module"] for row in found} == {"1"}
    assert ask(client, 422, columns=["bits"])["code"] == "layers.column"


def test_names_are_matched_in_linear_time(client):
    found = ask(client, match=r"^[02]\.(weight|bias)$", columns=["module", "parameter"]).to_pylist()
    assert {(row["module"], row["parameter"]) for row in found} == {
        (module, parameter) for module in "02" for parameter in ("weight", "bias")
    }
    assert ask(client, match=r"(a*)*" * 50 + "$", columns=["module"]).num_rows > 0
    assert ask(client, 422, match="(")["code"] == "layers.match"
    assert ask(client, 422, match=r"(a)\1")["code"] == "layers.match"


def test_histograms_travel_as_heights(client):
    exact = ask(client, what="weights")["histogram"].to_pylist()
    scaled = ask(client, what="weights", histograms="heights")["histogram"].to_pylist()
    assert len(exact) == len(scaled) > 0
    for counts, heights in zip(exact, scaled, strict=True):
        assert heights == np.ceil(np.array(counts) / max(counts) * 255).astype(int).tolist()


def test_suspects_have_their_reasons(client):
    (first, *_) = ask(client, path="layers/suspects")["suspects"]
    assert (first["module"], first["model"]) == ("1", "pruned")
    assert "4 of 7" in first["reason"]


def test_a_model_without_a_checkpoint_is_said(client):
    assert ask(client, 422, models=["forgotten"])["code"] == "model.no_checkpoint"
    assert ask(client, 422, what="everything")["status"] == 422
