"""``ls --where``, ``best`` and ``frontier`` with bounds, with values in the format of their metric."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from click.testing import CliRunner

import compress_compare as cc
from compress_compare.cli.main import cli
from compress_compare.errors import UserError


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    location = tmp_path_factory.mktemp("ask") / "project"
    with cc.open(location) as project:
        project.define_metric("Top-1 Accuracy", format=".1%", higher_is_better=True, primary=True, min=0, max=1)
        project.define_metric("Packed Size", unit="B", format=".3s", higher_is_better=False, primary=True)
        project.define_metric("Latency", unit="s", format=".3s", higher_is_better=False)
        project.define_metric("Layers", format=",d")
        project.log_model("cnn", metrics={"Top-1 Accuracy": 0.98, "Packed Size": 469_812}, tags=["root"])
        for name, accuracy, size in (("p50", 0.97, 300_123), ("p90", math.nan, 146_812), ("q4", 0.92, 60_000)):
            operation = cc.Operation("quantize" if name == "q4" else "magnitude prune", strength=len(name))
            values = {"Top-1 Accuracy": accuracy, "Packed Size": size, "Layers": 1234}
            project.log_model(name, base="cnn", operation=operation, metrics=values)
        for device, time in (("cpu", 0.002), ("gpu", 0.0004)):
            project.log_metrics("cnn", {"Latency": cc.MetricValue(time, device=device)})
    return location


def run(*arguments: object) -> list[str]:
    done = CliRunner().invoke(cli, [str(each) for each in arguments], catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout.splitlines()


def test_ls_shows_values_in_the_format_of_their_metric(path: Path) -> None:
    lines = run("ls", path)
    assert lines[0].split("  ")[-1].strip() == "Packed Size"
    assert [line.split()[-2:] for line in lines[1:]] == [["470", "kB"], ["300", "kB"], ["147", "kB"], ["60", "kB"]]
    assert "98.0%" in lines[1]
    assert "NaN" in lines[3]


def test_ls_where_sort_columns_and_limit(path: Path) -> None:
    where = 'Packed Size < 400 kB and "Top-1 Accuracy" > 0.9'
    assert [line.split() for line in run("ls", path, "--where", where, "--columns", "layers", "--columns", "tags")] == [
        ["id", "Layers", "tags"],
        ["p50", "1,234"],
        ["q4", "1,234"],
    ]
    found = json.loads("\n".join(run("ls", path, "--sort", "-Packed Size", "--limit", 2, "--json")))["models"]
    assert [row["id"] for row in found] == ["cnn", "p50"]
    assert found[1]["parameters"] == {"strength": 3}


def test_the_best_of_a_tie_names_the_others(tmp_path: Path) -> None:
    with cc.open(tmp_path / "project") as project:
        project.define_metric("Size", unit="B", higher_is_better=False, primary=True)
        project.define_metric("Latency", unit="s", higher_is_better=False, primary=True)
        for id, size in (("a", 3), ("b", 3), ("c", 3), ("d", 4)):
            project.log_model(id, metrics={"Size": size})
    done = CliRunner().invoke(cli, ["best", str(tmp_path / "project")], catch_exceptions=False)
    assert done.stdout.splitlines()[1].split()[0] == "a"
    assert done.stderr == "note: b, c have the same Size.\n"
    assert json.loads("\n".join(run("best", tmp_path / "project", "--top", 2, "--json")))["tied"] == ["c"]
    assert json.loads("\n".join(run("best", tmp_path / "project", "--top", 3, "--json")))["tied"] == []
    with pytest.raises(UserError, match="No model within the bounds has a value of 'Latency'"):
        run("best", tmp_path / "project", "--max", "Size=3")


def test_changes_and_corrections_are_in_the_format_of_their_metric(tmp_path: Path) -> None:
    with cc.open(tmp_path / "project") as project:
        project.define_metric("Top-1 Accuracy", format=".1%", higher_is_better=True, min=0, max=1)
        project.define_metric("Latency", unit="s", higher_is_better=False)
        project.log_model("cnn", metrics={"Top-1 Accuracy": 0.95, "Latency": cc.MetricValue(0.0021, device="cpu")})
        values = [cc.MetricValue(0.0009, device="cpu"), cc.MetricValue(0.1, device="gpu")]
        operation = cc.Operation("prune", amount=0.5)
        project.log_model("p", base="cnn", operation=operation, metrics={"Top-1 Accuracy": 0.93, "Latency": values})
        project.correct("p", {"Latency": cc.MetricValue(0.0011, device="cpu")})
    rows = run("effects", tmp_path / "project")
    accuracy, latency = (next(line for line in rows if name in line) for name in ("Top-1 Accuracy", "Latency (cpu)"))
    assert "−2.0 pp" in accuracy  # 0.93 - 0.95
    assert "−1 ms" in latency  # 1.1 ms - 2.1 ms
    shown = run("show", tmp_path / "project", "p")
    assert any(line.startswith("corrected: Latency (cpu) was 900 µs, on ") for line in shown)


def test_best(path: Path) -> None:
    lines = run("best", path, "--max", "Packed Size=400 kB", "--min", "Top-1 Accuracy=90%", "--by", "Packed Size")
    assert lines[0].split()[:1] == ["id"]
    assert lines[1].split()[:4] == ["q4", "60", "kB", "92.0%"]
    found = json.loads("\n".join(run("best", path, "--max", "packed size=400 kB", "--top", 3, "--json")))
    assert (found["by"], found["within"], [row["id"] for row in found["models"]]) == (
        "Top-1 Accuracy",
        2,
        ["p50", "q4"],
    )
    assert (
        json.loads("\n".join(run("best", path, "--where", "tags contains root", "--json")))["models"][0]["id"] == "cnn"
    )


def test_frontier_with_values_and_bounds(path: Path) -> None:
    both = ("frontier", path, "--x", "Packed Size", "--y", "Top-1 Accuracy")
    assert [line.split() for line in run(*both)[1:]] == [
        ["q4", "60", "kB", "92.0%"],
        ["p50", "300", "kB", "97.0%"],
        ["cnn", "470", "kB", "98.0%"],
    ]
    assert [line.split()[0] for line in run(*both, "--min", "Top-1 Accuracy=0.95")[1:]] == ["p50", "cnn"]
    found = json.loads("\n".join(run(*both, "--where", "operation contains prune", "--json")))
    assert found["ids"] == ["p50"]
    assert found["models"] == [{"id": "p50", "Packed Size": 300_123.0, "Top-1 Accuracy": 0.97}]


def test_compare_and_show_use_the_format_of_the_metric(path: Path) -> None:
    assert run("compare", path, "p50", "q4")[1].split()[-3:] == ["97.0%", "300", "kB"]
    text = "\n".join(run("show", path, "p90"))
    assert "147 kB" in text
    assert "1.468e+05" not in text


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["ls", "--where", "Packed Sise < 3 kB"], "ask.name", "Did you mean 'Packed Size'?"),
        (["ls", "--where", "Packed Size <"], "ask.syntax", "Character 14"),
        (["ls", "--where", "Latency < 3 ms"], "ask.name", "'Latency (cpu)', 'Latency (gpu)'"),
        (["ls", "--sort", "nothing"], "ask.name", "nothing"),
        (["ls", "--columns", "nothing"], "ask.name", "nothing"),
        (["best", "--max", "Packed Size"], "ask.bound", "METRIC=BOUND"),
        (["best", "--max", "Packed Size=3 ms"], "value.quantity", "3 ms"),
        (["best", "--max", "id=3"], "ask.value", "not a metric"),
        (["best", "--max", "Packed Size=3"], "ask.none", "Loosen a bound"),
        (["best", "--by", "Layers"], "metric.direction_unknown", "higher or lower"),
        (["frontier", "--x", "nothing", "--y", "Packed Size"], "metric.unknown", "nothing"),
    ],
)
def test_errors(path: Path, arguments: list[str], code: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        CliRunner().invoke(cli, [arguments[0], str(path), *arguments[1:]], catch_exceptions=False)
    assert (caught.value.code, said in str(caught.value)) == (code, True), str(caught.value)


def test_from_python(path: Path) -> None:
    with cc.open(path, create=False) as project:
        assert project.find("id contains p", sort="Packed Size")["id"].to_pylist() == ["p90", "p50"]
        assert len(project.find()) == 4
        assert project.find(sort=["-Packed Size"], limit=1)["id"].to_pylist() == ["cnn"]
        assert project.best("Packed Size", min={"Top-1 Accuracy": 0.9})["id"].to_pylist() == ["q4", "p50", "cnn"]
        assert project.frontier("Packed Size", "Top-1 Accuracy", max={"Packed Size": "400 kB"}) == ["q4", "p50"]
        with pytest.warns(UserWarning, match=r"2 ways, which are not mixed. Shown is 'Latency \(cpu\)'"):
            assert project.frontier("Latency", "Packed Size") == ["cnn"]
        assert project.frontier("Latency (cpu)", "Packed Size") == ["cnn"]
