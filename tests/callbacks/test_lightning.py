"""The callback inside a real Lightning trainer."""

import warnings

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import compress_compare as cc
from compress_compare import errors

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    lightning = pytest.importorskip("lightning.pytorch")
    from compress_compare.callbacks.lightning import LogLightningModel

pytestmark = pytest.mark.filterwarnings("ignore")
INPUTS = torch.linspace(-1, 1, 32).reshape(32, 1)


class Line(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)

    def training_step(self, batch, _):
        inputs, targets = batch
        return torch.nn.functional.mse_loss(self.layer(inputs), targets)

    def validation_step(self, batch, _):
        inputs, targets = batch
        self.log("val_loss", torch.nn.functional.mse_loss(self.layer(inputs), targets))
        self.log("val_bias", self.layer.bias.mean())

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


@pytest.fixture
def project(tmp_path):
    with cc.open(tmp_path / "project") as opened:
        yield opened


def fit(tmp_path, callback, *, module=None, **options):
    data = DataLoader(TensorDataset(INPUTS, 2 * INPUTS + 1), batch_size=8)
    trainer = lightning.Trainer(
        max_epochs=2,
        callbacks=[callback],
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
        **options,
    )
    module = module or Line()
    trainer.fit(module, data, data)
    return module


def test_the_trained_weights_and_the_last_metrics_are_logged(project, tmp_path):
    module = fit(tmp_path, LogLightningModel(project, "line"))
    found = project.model("line")
    assert (found.base, found.operation) == (None, cc.Operation("train", epochs=2))
    stored = project.load_checkpoint("line")
    assert torch.equal(stored["layer.weight"], module.layer.weight.detach())
    # Worked out again from the trained weights.
    loss = float(((module.layer(INPUTS) - (2 * INPUTS + 1)) ** 2).mean())
    assert found.metrics["val_loss"][0].value == pytest.approx(loss, rel=1e-5)
    assert found.metrics["val_bias"][0].value == pytest.approx(float(module.layer.bias), rel=1e-6)


def test_a_child_names_its_base_its_operation_and_its_metrics(project, tmp_path):
    project.log_model("line")
    operation = cc.Operation("finetune", epochs=2, lr=0.1)
    fit(tmp_path, LogLightningModel(project, "child", base="line", operation=operation, metrics={"val_loss": "Loss"}))
    found = project.model("child")
    assert (found.base, found.operation, list(found.metrics)) == ("line", operation, ["Loss"])


def test_what_would_be_refused_is_refused_before_the_training(project, tmp_path):
    project.log_model("line")
    module = Line()
    before = module.layer.weight.detach().clone()
    with pytest.raises(errors.Conflict, match="'line' already"):
        fit(tmp_path, LogLightningModel(project, "line"), module=module)
    with pytest.raises(errors.NotFound, match="'nowhere' is not in the project"):
        fit(tmp_path, LogLightningModel(project, "child", base="nowhere"), module=module)
    assert torch.equal(module.layer.weight.detach(), before)


def test_a_metric_that_was_not_logged_is_warned_about_and_the_model_is_kept(project, tmp_path):
    names = {"val_acc": "Accuracy", "val_loss": "Loss"}
    with pytest.warns(UserWarning, match=r"no 'val_acc'; it logged val_bias, val_loss"):
        fit(tmp_path, LogLightningModel(project, "line", metrics=names))
    assert list(project.model("line").metrics) == ["Loss"]


def test_a_trial_run_logs_nothing(project, tmp_path):
    fit(tmp_path, LogLightningModel(project, "line"), fast_dev_run=True)
    assert len(project) == 0
