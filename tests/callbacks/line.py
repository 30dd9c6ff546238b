"""A line that Lightning fits. Importing Lightning takes seconds, so that only the tests that need it do."""

import warnings

import torch
from torch.utils.data import DataLoader, TensorDataset

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import lightning.pytorch as lightning

    from compress_compare.callbacks.lightning import LogLightningModel

__all__ = ["INPUTS", "Line", "LogLightningModel", "fit"]
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
