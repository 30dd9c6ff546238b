"""The reading commands and the errors, run as a user runs them."""

import json
import math
import subprocess
import sys

import pytest

import compress_compare as cc


def run(*arguments, code=0):
    done = subprocess.run(
        [sys.executable, "-c", "from compress_compare.cli import main; main()", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    location = tmp_path_factory.mktemp("cli") / "project"
    with cc.open(location) as project:
        project.define_metric("Accuracy", format=".1%", higher_is_better=True, primary=True)
        project.define_metric("Size", unit="B", higher_is_better=False, primary=True)
        project.log_model("cnn", operation=cc.Operation("train", epochs=3), metrics={"Accuracy": 0.98, "Size": 400})
        for amount, accuracy in ((0.5, 0.97), (0.9, math.nan)):
            project.log_model(
                f"cnn-p{amount}",
                base="cnn",
                operation=cc.Operation("magnitude prune", amount=amount),
                metrics={"Accuracy": accuracy, "Size": 400 * (1 - amount)},
            )
    return location


def test_ls(path):
    models = json.loads(run("ls", path, "--json").stdout)["models"]
    assert [model["id"] for model in models] == ["cnn", "cnn-p0.5", "cnn-p0.9"]
    assert models[1]["parameters"] == {"amount": 0.5}
    assert models[2]["Accuracy"] == "NaN"
    lines = run("ls", path).stdout.splitlines()
    assert len(lines) == 4
    assert lines[0].split() == ["id", "base", "operation", "parameters", "Accuracy", "Size"]


def test_show(path):
    document = json.loads(run("show", path, "cnn-p0.5", "--json").stdout)
    assert [step["model"] for step in document["lineage"]] == ["cnn", "cnn-p0.5"]
    assert {metric["name"]: metric["value"] for metric in document["metrics"]} == {"Accuracy": 0.97, "Size": 200.0}
    assert "magnitude prune amount=0.5" in run("show", path, "cnn-p0.5").stdout


def test_compare(path):
    document = json.loads(run("compare", path, "cnn-p0.9", "cnn-p0.5", "--json").stdout)
    assert set(document) >= {"variables", "rows", "chart", "constant"}
    assert document["variables"] == [{"name": "amount", "kind": "parameter", "values": [0.5, 0.9]}]
    assert document["rows"] == {"cnn-p0.5": [0.5], "cnn-p0.9": [0.9]}
    assert document["chart"] == {"x": "amount", "color": None, "facet": None}
    assert "amount" in run("compare", path, "cnn-p0.9", "cnn-p0.5").stdout.splitlines()[0]


def test_frontier(path):
    assert json.loads(run("frontier", path, "--x", "Size", "--y", "Accuracy", "--json").stdout)["ids"] == [
        "cnn-p0.5",
        "cnn",
    ]


def test_effects(path):
    effects = json.loads(run("effects", path, "--json").stdout)["effects"]
    sizes = [row for row in effects if row["parameter"] == "amount" and row["metric"] == "Size"]
    assert [(row["condition"], row["pairs"], row["mean"]) for row in sizes] == [("0.5 → 0.9", 1, pytest.approx(-160))]
    assert run("effects", path).stdout


def test_import_reports_and_warns(tmp_path):
    source = tmp_path / "models.json"
    source.write_text(json.dumps({"models": [{"id": "a", "base": "gone"}], "metrics": [{"name": "Accuracy"}]}))
    done = run("import", "compress-and-compare", source, tmp_path / "p", "--higher-is-better", "Accuracy")
    assert "Imported 1 models" in done.stdout
    assert done.stderr.startswith("warning: Model 'a': its base 'gone' is missing")


def test_import_keeps_the_mapping_of_a_table_in_the_project(tmp_path):
    table, mapping = tmp_path / "t.csv", tmp_path / "m.yaml"
    table.write_text("who,score\na,0.5\n")
    run("import", table, tmp_path / "p", "--dry-run", "--write-mapping", mapping)
    assert "score" in mapping.read_text()
    mapping.write_text("id: [who]\nmetrics:\n  score: {name: Accuracy, scale: 100, unit: '%'}\n")
    run("import", table, tmp_path / "p", "--mapping", mapping)
    table.write_text("score,who\n0.5,a\n0.25,b\n")
    done = json.loads(run("import", table, tmp_path / "p", "--json").stdout)
    assert done["num_new_models"] == 1 and "the one that the project has kept" in done["notices"][0]
    rows = json.loads(run("ls", tmp_path / "p", "--json").stdout)["models"]
    assert [row["Accuracy"] for row in rows] == [50.0, 25.0]


def test_import_recognizes_the_tool_and_shows_what_would_come_in(tmp_path):
    source = tmp_path / "models.json"
    source.write_text(json.dumps({"models": [{"id": "a", "metrics": {"Accuracy": float("nan")}}]}))
    shown = run("import", source, tmp_path / "p", "--dry-run")
    assert "Recognized as compress-and-compare: a JSON object" in shown.stdout
    assert "Nothing was imported." in shown.stdout and not (tmp_path / "p").exists()
    document = json.loads(run("import", source, tmp_path / "p", "--dry-run", "--json").stdout)
    assert document["source"] == "compress-and-compare"
    assert [(model["id"], model["is_new"]) for model in document["models"]] == [("a", True)]
    assert [(metric["name"], metric["not_finite"]) for metric in document["metrics"]] == [("Accuracy", 1)]
    report = json.loads(run("import", source, tmp_path / "p", "--json").stdout)
    assert (report["num_models"], report["num_new_models"]) == (1, 1)
    again = json.loads(run("import", source, tmp_path / "p", "--dry-run", "--json").stdout)
    assert [model["is_new"] for model in again["models"]] == [False]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["ls", "nowhere"], "project.unknown"),
        (["show", "PATH", "nope"], "model.unknown"),
        (["compare", "PATH", "cnn", "nope"], "model.unknown"),
        (["frontier", "PATH", "--x", "nope", "--y", "Size"], "metric.unknown"),
        (["import", "compress-and-compare", "nowhere.json", "PATH"], "import.no_file"),
        (["import", "nowhere.json", "PATH"], "import.no_file"),
    ],
)
def test_wrong_input_ends_with_2_and_a_sentence(path, arguments, code):
    done = run(*[path if argument == "PATH" else argument for argument in arguments], code=2)
    assert done.stdout == ""
    assert done.stderr.startswith(f"{code}: ")
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) <= 3


@pytest.mark.parametrize("arguments", [["nope"], ["ls"], ["ls", "x", "--nope"], ["import", "nope", "a", "b"]])
def test_wrong_usage_ends_with_2(arguments):
    assert "Traceback" not in run(*arguments, code=2).stderr


def test_control_characters_in_ids_cannot_reach_the_terminal(tmp_path):
    with cc.open(tmp_path / "p") as project:
        project.log_model("m", note="red \x1b[31m text")
    assert "\x1b" not in run("show", tmp_path / "p", "m").stdout


def test_reading_commands_do_not_import_torch(path):
    script = (
        "import sys; sys.argv = ['compress-compare', 'ls', sys.argv[1]]\n"
        "from compress_compare.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script, str(path)], check=True, capture_output=True)
