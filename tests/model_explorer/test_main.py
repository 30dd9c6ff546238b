"""The provider of node data as Model Explorer itself loads and runs it."""

import numpy as np
import pytest

import compress_compare as cc

manager = pytest.importorskip("model_explorer.extension_manager", reason="ai-edge-model-explorer is not installed")


def run(project, **said):
    found = manager.ExtensionManager(["compress_compare.model_explorer"])
    found.load_extensions()
    values = {"project": str(project), "base": "base", "model": "other", **said}
    command = {"extensionId": "compress_compare", "cmdId": "run", "modelPath": "a.pt2", "graphId": "main"}
    return found.run_cmd({**command, "configValues": values})


def test_each_measure_of_a_mode_is_laid_over_the_graph(tmp_path):
    weights = np.arange(1, 13, dtype=np.float32).reshape(3, 4)
    pruned = weights.copy()
    pruned[0] = 0
    with cc.open(tmp_path / "p") as project:
        project.log_model("base", checkpoint={"fc.weight": weights})
        project.log_model("other", base="base", operation=cc.Operation("x"), checkpoint={"fc.weight": pruned})
    answer = run(tmp_path / "p", what="sparsity")
    assert answer["error"] == ""
    found = {one["name"]: one["results"]["p_fc_weight"]["value"] for one in answer["result"]}
    assert found["other: zeros"] == found["other: new_zeros"] == pytest.approx(1 / 3)
    assert found["other: filled_zeros"] == 0
    weights_mode = {one["name"]: one["results"] for one in run(tmp_path / "p", what="weights")["result"]}
    # The first row, 1 + 4 + 9 + 16, of the sum of all squares.
    expected = (30 / (weights**2).sum()) ** 0.5
    assert weights_mode["other: relative_error"]["fc.weight"]["value"] == pytest.approx(expected, rel=1e-6)


def test_what_is_wrong_is_said_in_a_sentence(tmp_path):
    assert "no project" in run(tmp_path / "nothing", what="weights")["error"]
