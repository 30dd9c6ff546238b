"""The servers that addresses name, and that nothing else is asked than what was named."""

import pytest

from compress_compare import importers
from compress_compare.errors import InvalidValue
from compress_compare.importers.addresses import server_of

from .mlflow_answers import serving


@pytest.mark.parametrize(
    ("written", "server"),
    [
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("HTTP://LocalHost:5000/#/experiments/1", "http://localhost:5000"),
        ("https://mlflow.example.org/base?x=1", "https://mlflow.example.org:443"),
        ("http://[::1]:5000/", "http://[::1]:5000"),
        ("http://example.org", "http://example.org:80"),
        ("wandb://team/digits", "https://wandb.ai:443"),
        ("https://api.wandb.ai/team/digits", "https://wandb.ai:443"),
    ],
)
def test_an_address_names_one_server(written, server):
    assert server_of(written) == server


WRONG = [
    *("file:///etc/passwd", "sqlite:////tmp/mlflow.db", "ftp://host/x", "databricks://profile", "gopher://host:5000/x"),
    *("http://", "http:///x", "http://host:0/", "http://host:99999/", "http://[::1", "http://a b/", "http://ho%73t/"),
    *("http://me@host/", "http://me:key@host/", "http://good\\@evil/", "http://good\t.evil/", "http://gооd/", ""),
    *("http://host/\n", "//host/x", "host:5000", "x" * 3000),
]


@pytest.mark.parametrize("written", WRONG)
def test_what_names_no_server_is_refused(written):
    with pytest.raises(InvalidValue) as caught:
        server_of(written)
    assert caught.value.code == "import.address"


def test_a_server_of_mlflow_is_recognized_by_what_it_answers():
    with serving() as (address, heard):
        found = importers.recognize(f"{address}/#/experiments/1?a=b")
        assert (found.source, heard) == ("mlflow", ["/health", "/version"])
        assert "3.17.2" in found.reason
        with serving(moved=address) as (other, _):
            heard.clear()
            with pytest.raises(InvalidValue, match="does not say what is behind it"):
                importers.recognize(other)
            assert heard == []


def test_an_address_of_an_experiment_brings_that_one_alone():
    pytest.importorskip("mlflow", reason="mlflow-skinny is not installed")
    with serving() as (address, heard):
        assert [one["id"] for one in importers.load("mlflow", address).models] == ["cnn", "cnn-w4", "other"]
        read = importers.load("mlflow", f"{address}/#/experiments/1/runs?searchFilter=x")
        found = [(one["id"], one["base"], one["metrics"]) for one in read.models]
        assert found == [("cnn", None, {"accuracy": 0.5}), ("cnn-w4", "cnn", {"accuracy": 0.25})]
        with serving(moved=address) as (other, _):
            heard.clear()
            with pytest.raises(InvalidValue) as caught:
                importers.load("mlflow", other)
            assert (caught.value.code, heard) == ("import.server", [])
