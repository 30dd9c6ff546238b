"""What ``show`` and ``project.coverage`` say about the tensors of a model and its base."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

import compress_compare as cc
from compress_compare.cli.main import cli
from compress_compare.errors import InvalidValue


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    location = tmp_path_factory.mktemp("show") / "project"
    weights = {
        "layer.weight": np.arange(12, dtype=np.float32).reshape(3, 4) + 1,
        "norm.weight": np.ones(3, np.float32),
        "head.weight": np.ones((2, 3), np.float32),
    }
    pruned = {name: array.copy() for name, array in weights.items()}
    pruned["layer.weight"][0] = 0
    pruned["norm.weight"][0] = 0
    with cc.open(location) as project:
        project.log_model("base", checkpoint=weights)
        project.log_model(
            "pruned", base="base", operation=cc.Operation("magnitude prune", amount=0.3), checkpoint=pruned
        )
        project.log_model("again", base="pruned", operation=cc.Operation("finetune", epochs=1), checkpoint=weights)
        project.log_model("bare", base="base", operation=cc.Operation("quantize", bits=4))
    return location


def test_coverage_of_a_child(path):
    with cc.open(path, create=False) as project:
        table = project.coverage("base", "pruned")
        rows = {row["tensor"]: (row["status"], row["zeros_after"]) for row in table.to_pylist()}
        third = pytest.approx(1 / 3)
        assert rows == {
            "layer.weight": ("changed", third),
            "norm.weight": ("unexpected", third),
            "head.weight": ("skipped", 0),
        }
        assert sorted(project.coverage("pruned", "again")["status"].to_pylist()) == ["changed", "changed", "skipped"]
        assert set(project.coverage("base", "again")["status"].to_pylist()) == {"skipped"}
        with pytest.raises(InvalidValue) as caught:
            project.coverage("base", "bare")
        assert caught.value.code == "model.no_checkpoint"


def test_show_names_what_to_look_at(path):
    def show(*arguments):
        done = CliRunner().invoke(cli, ["show", str(path), *arguments], catch_exceptions=False)
        assert done.exit_code == 0
        return done.output

    assert json.loads(show("pruned", "--json"))["coverage"] == {
        "tensors": {"changed": 1, "unexpected": 1, "skipped": 1},
        "skipped": ["head.weight"],
        "unexpected": ["norm.weight"],
    }
    lines = show("pruned").splitlines()
    assert "tensors, against base: 1 changed, 1 skipped, 1 unexpected" in lines
    assert "  unexpected: norm.weight" in lines and "  skipped: head.weight" in lines
    for model in ("base", "bare"):
        assert json.loads(show(model, "--json"))["coverage"] is None
        assert "against" not in show(model)
