"""Runs that MLflow's own client gives, from whatever it can be pointed at, against the same store read directly."""

import warnings

import pytest

import compress_compare as cc
from compress_compare import exporters, importers
from compress_compare.errors import UserError

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module", autouse=True)
def needed() -> None:
    """Imported by who runs these tests alone: it takes seconds."""
    pytest.importorskip("mlflow", reason="mlflow-skinny is not installed")


@pytest.fixture
def store(tmp_path):
    """A store with a run of each state, made by MLflow."""
    from mlflow.tracking import MlflowClient

    path = tmp_path / "mlflow.db"
    with cc.open(tmp_path / "empty") as empty:
        path.write_bytes(exporters.EXPORTERS["mlflow"].write(empty))
    client = MlflowClient(f"sqlite:///{path}")
    experiment = client.create_experiment("digits", artifact_location="mlflow-artifacts:/")
    ids = {}
    for name, base, end in [
        ("cnn", None, "FINISHED"),
        ("cnn-w4", "cnn", "FINISHED"),
        ("crashed", "cnn", "FAILED"),
        ("gone", None, "FINISHED"),
    ]:
        tags = {"stage": "x"} | ({"mlflow.parentRunId": ids[base]} if base else {})
        run = client.create_run(experiment, run_name=name, tags=tags, start_time=1000 + len(ids))
        ids[name] = run.info.run_id
        client.log_param(ids[name], "operation", "quantize" if base else "train")
        client.log_param(ids[name], "bits", 4 if base else 32)
        client.log_metric(ids[name], "accuracy", 0.5, step=2)
        client.log_metric(ids[name], "accuracy", 0.25, step=1)
        client.log_metric(ids[name], "loss", float("inf"))
        client.log_metric(ids[name], "kl", float("nan"))
        client.set_terminated(ids[name], end)
    client.delete_run(ids["gone"])
    return path


def in_order(read):
    """The models with their metrics by name."""
    return [{**model, "metrics": sorted(model["metrics"].items())} for model in read.models]


def test_the_client_and_the_file_say_the_same(store):
    served, direct = importers.load("mlflow", f"sqlite:///{store}"), importers.load("mlflow", store)
    assert [one["id"] for one in served.models] == ["cnn", "cnn-w4"]
    assert repr(in_order(served)) == repr(in_order(direct))
    assert sorted(served.metrics, key=repr) == sorted(direct.metrics, key=repr)
    assert sorted(served.warnings) == sorted(direct.warnings) and len(served.warnings) == 2
    (_, small) = served.models
    assert (small["base"], small["operation"]) == ("cnn", cc.Operation("quantize", bits=4))
    assert repr(sorted(small["metrics"].items())) == "[('accuracy', 0.5), ('kl', nan), ('loss', inf)]"


def test_an_export_comes_back_whole_through_the_client(tmp_path):
    with cc.open(tmp_path / "p") as project:
        project.define_metric("Top-1 (test)", format=".1%", higher_is_better=True)
        value = cc.MetricValue(0.5, slice="class 1", count=10)
        project.log_model("a", metrics={"Top-1 (test)": [cc.MetricValue(0.25, dataset="test"), value]}, tags=["x"])
        project.log_model("b", base="a", operation=cc.Operation("prune", amount=0.5))
        (tmp_path / "m.db").write_bytes(exporters.EXPORTERS["mlflow"].write(project))
        with cc.open(tmp_path / "again") as again:
            importers.write(importers.load("mlflow", f"sqlite:///{tmp_path / 'm.db'}"), again)
            assert again.models().to_pylist() == project.models().to_pylist()
            assert again.model("a").metrics == project.model("a").metrics and again.metrics() == project.metrics()


def test_an_address_where_nobody_answers_is_told(monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with warnings.catch_warnings(), pytest.raises(UserError) as caught:
        warnings.simplefilter("ignore")
        importers.load("mlflow", "http://127.0.0.1:9")
    assert caught.value.code == "import.server" and "127.0.0.1:9" in caught.value.title
