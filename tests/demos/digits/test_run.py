import numpy as np
import pytest

from compress_compare.demos.digits import run_digits
from compress_compare.demos.digits.experiments import experiments
from compress_compare.errors import Conflict
from compress_compare.evaluation.metrics import METRICS

IDS = ("cnn", "cnn-magnitude90", "cnn-magnitude90-calibrated", "cnn-w4", "cnn-int8")
NODES = [node for node in experiments(epochs=4) if node.id in IDS]
TIMED = ("Latency", "Latency IQR")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("digits")
    run_digits(path, nodes=NODES).close()
    return path


@pytest.fixture
def project(path):
    with run_digits(path, nodes=NODES) as project:
        yield project


def test_every_model_has_metrics_checkpoint_and_outputs(project):
    table = project.models().to_pylist()
    assert [row["id"] for row in table] == list(IDS)
    for row in table:
        model = project.model(row["id"])
        assert list(model.metrics) == [metric.name for metric in METRICS]
        assert len(model.metrics["Top-1 Accuracy"]) == 11
        assert model.datasets == ("digits-test",)
        tensors = model.metrics["Model Size"][0].value
        header = model.checkpoint.num_bytes - tensors
        assert 0 <= header < 2000


def test_outputs_agree_with_the_logged_metrics(project):
    labels = dict(zip(*(project.instances("digits-test")[name].to_pylist() for name in ("id", "label")), strict=True))
    for id in IDS:
        outputs = project.outputs(id, "digits-test")
        predictions = outputs["prediction"].to_pylist()
        truth = [labels[key] for key in outputs["id"].to_pylist()]
        right = [str(p) == str(t) for p, t in zip(predictions, truth, strict=True)]
        assert len(right) == 746
        assert np.mean(right) == project.model(id).metrics["Top-1 Accuracy"][0].value
        probabilities = np.array(outputs["probabilities"].to_pylist())
        assert probabilities.shape == (746, 10)
        assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)
        assert [str(column) for column in probabilities.argmax(axis=1)] == [str(p) for p in predictions]


def test_the_numbers_tell_the_story(project):
    accuracy = {row["id"]: row["Top-1 Accuracy"] for row in project.models().to_pylist()}
    sparsity = {row["id"]: row["Weight Sparsity"] for row in project.models().to_pylist()}
    assert accuracy["cnn"] > 0.95
    assert accuracy["cnn-magnitude90"] < 0.5
    assert accuracy["cnn-magnitude90-calibrated"] > accuracy["cnn-magnitude90"] + 0.1
    assert sparsity["cnn-magnitude90"] == pytest.approx(0.9, abs=0.001)


def test_fewer_bits_make_the_packed_model_smaller(project):
    packed = {row["id"]: row["Packed Size"] for row in project.models().to_pylist()}
    # 4,258 parameters and 80 running statistics in float32, three counts of batches in int64.
    assert packed["cnn"] == 4 * (4258 + 80) + 3 * 8
    # 4,168 weights: half a byte each, and a scale for each of the 50 output channels.
    assert packed["cnn-w4"] == packed["cnn"] - 4168 * 7 // 2 + 50 * 4
    assert packed["cnn-int8"] < packed["cnn"] / 3


def test_a_second_run_changes_nothing_and_another_seed_is_refused(path, project):
    before = project.models().to_pylist()
    steps = []
    run_digits(path, nodes=NODES, progress=lambda *step: steps.append(step)).close()
    assert project.models().to_pylist() == before
    assert [dataset.num_instances for dataset in project.datasets()] == [746]
    assert steps == [(5, 5, "5 models, 0 of them new")]
    with pytest.raises(Conflict):
        run_digits(path, seed=1)


def test_the_same_seed_gives_the_same_numbers_to_the_last_bit(tmp_path, project):
    with run_digits(tmp_path, nodes=NODES) as again:
        for id in IDS:
            first, second = project.model(id), again.model(id)
            assert {name: value for name, value in first.metrics.items() if name not in TIMED} == {
                name: value for name, value in second.metrics.items() if name not in TIMED
            }
            assert first.checkpoint == second.checkpoint
