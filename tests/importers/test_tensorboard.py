"""Which folders of TensorBoard are runs: not those that the tool makes beside one."""

from compress_compare import importers
from tests.importers.samples import events, message


def scalar(tag, value):
    return message((1, tag), (2, value))


def test_curves_of_one_chart_are_metrics_of_their_run(tmp_path):
    """``add_scalars("val/loss", {"clean": …, "noisy": …})`` makes a folder for each curve."""
    for name, tag, value in (
        ("net", "accuracy", 0.75),
        ("net/val_loss_clean", "val/loss", 0.5),
        ("net/val_loss_noisy", "val/loss", 0.25),
        ("net/finetuned", "accuracy", 0.875),
    ):
        (tmp_path / name).mkdir(parents=True)
        events(tmp_path / name / "events.out.tfevents.1", [[scalar(tag, 0.0)], [scalar(tag, value)]])
    read = importers.load("tensorboard", tmp_path)
    assert {one["id"]: one["metrics"] for one in read.models} == {
        "net": {"accuracy": 0.75, "val/loss/clean": 0.5, "val/loss/noisy": 0.25},
        "net/finetuned": {"accuracy": 0.875},
    }
