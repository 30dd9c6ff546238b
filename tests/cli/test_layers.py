"""``compress-compare layers`` as a user runs it."""

import json

import numpy as np
import pytest
import torch

import compress_compare as cc
from compress_compare.comparisons.layers import activation_answers
from tests.cli.test_commands import run


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    location = tmp_path_factory.mktemp("cli") / "project"
    weights = {"a.0.weight": np.eye(4, dtype=np.float32), "a.1.weight": np.ones(4, np.float32)}
    with cc.open(location) as project:
        project.log_model("base", checkpoint=weights)
        half = {"a.0.weight": weights["a.0.weight"] / 2, "a.1.weight": np.array([1, 1, 0, 1], np.float32)}
        project.log_model("half", base="base", operation=cc.Operation("halve"), checkpoint=half)
    return location


def test_json(path):
    document = json.loads(run("layers", path, "base", "half", "--json").stdout)
    assert (document["base"], document["what"]) == ("base", "weights")
    rows = {(row["module"], row["parameter"]): row for row in document["table"]}
    assert rows["a.0", "weight"]["relative_error"] == 0.5
    assert rows["", None]["num_parameters"] == 20
    assert document["suspects"][0]["reason"] == "norm scales: 1 of 4 values became zero"


def test_for_people(path):
    lines = run("layers", path, "half", "--base", "base", "--what", "sparsity", "--depth", "1").stdout.splitlines()
    assert lines[0].split()[:4] == ["module", "parameter", "model", "num_parameters"]
    assert [line.split()[0] for line in lines[1:3]] == ["–", "a"] or lines[2].startswith("a ")
    assert "norm scales" in lines[-1]
    assert "float32" in run("layers", path, "base", "half", "--what", "storage").stdout


def test_a_base_alone_is_compared_with_itself(path):
    document = json.loads(run("layers", path, "base", "--json").stdout)
    assert {row["model"] for row in document["table"]} == {"base"}
    assert document["table"][0]["sqnr_db"] == "Infinity"


def test_an_overlay_for_model_explorer(path, tmp_path):
    file = tmp_path / "overlay.json"
    said = run("layers", path, "base", "half", "--overlay", file, "--measure", "relative_error").stdout
    assert said.startswith("Wrote relative_error of half")
    assert json.loads(file.read_text())["results"]["a.0.weight"] == {"value": 0.5}
    refused = run("layers", path, "base", "half", "--overlay", file, "--measure", "nope", code=2)
    assert "no measure 'nope'" in refused.stderr
    assert "sqnr_db" in refused.stderr


def test_an_unknown_mode(path):
    assert "Traceback" not in run("layers", path, "base", "half", "--what", "nope", code=2).stderr


def test_an_alignment_by_hand(path):
    document = json.loads(
        run("layers", path, "base", "half", "--align", "a.0.weight=a.0.weight", "--json").stdout,
    )
    rows = {(row["module"], row["parameter"]): row for row in document["table"]}
    assert rows["a.0", "weight"]["alignment"] == "chosen"
    assert "--align fc.weight=head.weight" in run("layers", path, "base", "half", "--align", "x", code=2).stderr
    assert "no tensor 'x'" in run("layers", path, "base", "half", "--align", "x=y", code=2).stderr


def test_activations_are_those_that_the_page_has_compared(tmp_path):
    """Kept by what the page starts; asked for on another number of examples, there are none."""
    network = {}
    with cc.open(tmp_path / "p") as project:
        for id, scale in (("base", 1.0), ("other", 0.5)):
            network[id] = torch.nn.Sequential(torch.nn.Linear(2, 2, bias=False))
            network[id][0].weight.data = scale * torch.eye(2)
            project.log_model(id, base=None if id == "base" else "base", checkpoint=network[id])
        activation_answers.run(project, "base", networks=network, data=[torch.ones(3, 2)], examples=3)
    out = tmp_path / "o.json"
    asked = ("layers", tmp_path / "p", "base", "other", "--what", "activations")
    run(*asked, "--measure", "relative_error", "--examples", "3", "--overlay", out)
    assert json.loads(out.read_text())["results"] == {"0.weight": {"value": 0.5}, "p_0_weight": {"value": 0.5}}
    rows = json.loads(run(*asked, "--examples", "3", "--json").stdout)["table"]
    assert {row["module"]: row["relative_error"] for row in rows} == {"": 0.5, "0": 0.5}
    said = run(*asked, code=2)
    assert "were not compared yet on 256 examples" in said.stderr
