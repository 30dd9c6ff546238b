"""`POST /api/v1/layers` on a server that runs."""

import copy

import numpy as np
import pyarrow as pa
import pytest
import torch

import compress_compare as cc
from compress_compare.comparisons.layers import activation_answers

from .running import running


@pytest.fixture(scope="module")
def project(each_backend_of_module, tmp_path_factory):
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


def look(client, path="", code=200, **changes):
    body = {"base": "base", "model": "pruned", "tensor": "0.weight"} | changes
    answer = client.post(f"/api/v1/layers/tensor{path}", json=body)
    assert answer.status_code == code, answer.text
    return answer


def test_a_tensor_is_looked_into(client, project):
    weights = {id: project.load_checkpoint(id)["0.weight"].numpy() for id in ("base", "pruned")}
    facts = look(client).json()
    assert (facts["shape"], facts["rows"], facts["columns"], facts["compares"]) == ([7, 5], 7, 5, True)
    assert facts["peak"] == pytest.approx(np.abs(weights["pruned"]).max())
    assert sum(facts["codebook"]["counts"]) == 35
    assert facts["codebook"]["counts"][facts["codebook"]["values"].index(0)] == 3
    assert facts["codes"] is None

    tile = pa.ipc.open_stream(look(client, "/tile", what="change").content).read_all()
    assert (tile.schema.metadata[b"rows"], tile.schema.metadata[b"columns"]) == (b"7", b"5")
    change = (weights["pruned"] - weights["base"]).reshape(-1)
    np.testing.assert_allclose(tile["mean"].to_numpy(), change, rtol=1e-6)

    channels = pa.ipc.open_stream(look(client, "/channels").content).read_all()
    np.testing.assert_allclose(channels["norm"].to_numpy(), np.linalg.norm(weights["pruned"], axis=1), rtol=1e-6)
    assert channels["num_zeros"].to_pylist() == [3, 0, 0, 0, 0, 0, 0]


def test_a_tile_is_never_more_than_its_size(client):
    facts = look(client, "/tile", 422, row=1).json()
    assert facts["code"] == "layers.tile"
    assert "7 rows" in facts["title"]
    assert look(client, "/tile", 422, row_level=41).json()["status"] == 422
    assert look(client, code=404, tensor="9.weight").json()["code"] == "layers.no_tensor"


def test_spectra_of_all_models(client, project):
    body = {"base": "base", "models": ["base", "pruned"], "tensor": "0.weight"}
    found = client.post("/api/v1/layers/tensor/spectra", json=body).json()
    assert found["num_examples"] is None
    for one in found["spectra"]:
        weight = project.load_checkpoint(one["model"])["0.weight"].double().numpy()
        expected = np.linalg.svd(weight, compute_uv=False)
        np.testing.assert_allclose(one["singular_values"], expected, rtol=1e-6, atol=1e-6)
        assert one["eigenvalues"] is None
    bias = client.post("/api/v1/layers/tensor/spectra", json=body | {"tensor": "0.bias"}).json()
    assert "vector" in bias["spectra"][0]["why"]


def test_spectra_of_activations_that_were_compared(client, project):
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(5, 7), torch.nn.LayerNorm(7), torch.nn.Linear(7, 3))
    networks = {}
    for id in ("base", "pruned"):
        networks[id] = copy.deepcopy(network)
        networks[id].load_state_dict(project.load_checkpoint(id))
    inputs = torch.randn(40, 5)
    activation_answers.run(project, "base", networks=networks, data=inputs.split(16), examples=40)
    body = {"base": "base", "models": ["base", "pruned"], "tensor": "0.weight", "examples": 40}
    found = client.post("/api/v1/layers/tensor/spectra", json=body).json()
    assert found["num_examples"] == 40
    for one in found["spectra"]:
        responses = networks[one["model"]][0](inputs).detach().double().numpy()
        expected = np.linalg.eigvalsh(np.cov(responses.T))[::-1]
        np.testing.assert_allclose(one["eigenvalues"], expected, atol=1e-9)
