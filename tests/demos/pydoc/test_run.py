import dataclasses
import math

import numpy as np
import pytest

from compress_compare.demos.pydoc import run_pydoc, task
from compress_compare.demos.pydoc.experiments import experiments
from compress_compare.demos.pydoc.measure import METRICS
from compress_compare.errors import Conflict

IDS = ("lm", "lm-all50", "lm-all50-norms", "lm-all50-norms-trained", "lm-w8")
NODES = [node for node in experiments(passes=3, repair_passes=1) if node.id in IDS]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("pydoc")
    run_pydoc(path, nodes=NODES).close()
    return path


@pytest.fixture
def project(path):
    steps = []
    with run_pydoc(path, nodes=NODES, progress=lambda *step: steps.append(step)) as project:
        assert steps == [(5, 5, "5 models, 0 of them new")]
        yield project


def test_every_model_has_metrics_checkpoint_and_texts(project):
    assert {row["id"] for row in project.models().to_pylist()} == set(IDS)
    labels = project.instances("pydoc-prompts")["label"].to_pylist()
    for id in IDS:
        model, outputs = project.model(id), project.outputs(id, "pydoc-prompts")
        assert {*(metric.name for metric in METRICS), "Packed Size", "Latency"} <= set(model.metrics)
        assert model.checkpoint is not None
        assert len(outputs) == len(labels) == 100
        assert all(isinstance(text, str) and text for text in outputs["prediction"].to_pylist())
        assert np.isfinite(outputs["Bits per Byte"].to_numpy()).all()


def test_the_base_agrees_with_itself_and_eight_bits_nearly_so(project):
    rows = {row["id"]: row for row in project.models().to_pylist()}
    assert (rows["lm"]["Top-1 Agreement"], rows["lm"]["KL from Base"]) == (1, 0)
    assert rows["lm-w8"]["Top-1 Agreement"] > 0.95
    assert rows["lm-w8"]["KL from Base"] < 0.001 < rows["lm-all50"]["KL from Base"]
    assert rows["lm"]["Bits per Byte"] < math.log2(512) / 2  # the pieces are about two bytes long, out of 512


def test_restoring_and_training_reach_the_norms_and_nothing_else(project):
    assert [(one.role, one.model) for one in project.model("lm-all50-norms").references] == [("original", "lm")]
    for child in ("lm-all50-norms", "lm-all50-norms-trained"):
        rows = project.coverage("lm-all50", child).to_pylist()
        changed = {row["tensor"] for row in rows if row["status"] == "changed"}
        assert changed
        assert all("norm" in name for name in changed)


def test_layers_blame_the_norms_that_were_pruned_with_all_else(project):
    suspects = project.layers("lm", "lm-all50").suspects.to_pylist()
    assert "norm" in suspects[0]["module"]
    assert len([row for row in suspects if "norm" in row["module"]]) == 9


def test_another_seed_is_refused(path):
    with pytest.raises(Conflict):
        run_pydoc(path, seed=1, nodes=[dataclasses.replace(NODES[0], operation=experiments(1)[0].operation)])


def test_recipes_can_go_on_with_it(project):
    made = task()
    model = made.create()
    model.load_state_dict(project.load_checkpoint("lm"))
    assert made.measure(model)["Bits per Byte"][0].value == project.model("lm").metrics["Bits per Byte"][0].value
    assert made.data.answer(model)["predictions"] == project.outputs("lm", "pydoc-prompts")["prediction"].to_pylist()
