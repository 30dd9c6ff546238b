"""The callback inside a real Lightning trainer."""

import pytest
import torch

import compress_compare as cc
from compress_compare import errors

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def line():
    pytest.importorskip("lightning")
    from tests.callbacks import line

    return line


@pytest.fixture
def project(tmp_path):
    with cc.open(tmp_path / "project") as opened:
        yield opened


def test_the_trained_weights_and_the_last_metrics_are_logged(project, line, tmp_path):
    module = line.fit(tmp_path, line.LogLightningModel(project, "line"))
    found = project.model("line")
    assert (found.base, found.operation) == (None, cc.Operation("train", epochs=2))
    stored = project.load_checkpoint("line")
    assert torch.equal(stored["layer.weight"], module.layer.weight.detach())
    # Worked out again from the trained weights.
    loss = float(((module.layer(line.INPUTS) - (2 * line.INPUTS + 1)) ** 2).mean())
    assert found.metrics["val_loss"][0].value == pytest.approx(loss, rel=1e-5)
    assert found.metrics["val_bias"][0].value == pytest.approx(float(module.layer.bias), rel=1e-6)


def test_a_child_names_its_base_its_operation_and_its_metrics(project, line, tmp_path):
    project.log_model("line")
    operation = cc.Operation("finetune", epochs=2, lr=0.1)
    line.fit(
        tmp_path,
        line.LogLightningModel(project, "child", base="line", operation=operation, metrics={"val_loss": "Loss"}),
    )
    found = project.model("child")
    assert (found.base, found.operation, list(found.metrics)) == ("line", operation, ["Loss"])


def test_what_would_be_refused_is_refused_before_the_training(project, line, tmp_path):
    project.log_model("line")
    module = line.Line()
    before = module.layer.weight.detach().clone()
    with pytest.raises(errors.Conflict, match="'line' already"):
        line.fit(tmp_path, line.LogLightningModel(project, "line"), module=module)
    with pytest.raises(errors.NotFound, match="'nowhere' is not in the project"):
        line.fit(tmp_path, line.LogLightningModel(project, "child", base="nowhere"), module=module)
    assert torch.equal(module.layer.weight.detach(), before)


def test_a_metric_that_was_not_logged_is_warned_about_and_the_model_is_kept(project, line, tmp_path):
    names = {"val_acc": "Accuracy", "val_loss": "Loss"}
    with pytest.warns(UserWarning, match=r"no 'val_acc'; it logged val_bias, val_loss"):
        line.fit(tmp_path, line.LogLightningModel(project, "line", metrics=names))
    assert list(project.model("line").metrics) == ["Loss"]


def test_a_trial_run_logs_nothing(project, line, tmp_path):
    line.fit(tmp_path, line.LogLightningModel(project, "line"), fast_dev_run=True)
    assert len(project) == 0
