"""``compress-compare gate``, by its exit codes and by what a build server reads of it."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from click.testing import CliRunner

import compress_compare as cc
from compress_compare.cli.main import cli, main
from compress_compare.errors import StorageError

COUNT = 1000
GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "gate-a-release.md"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli") / "project"
    with cc.open(folder) as project:
        project.define_metric("Top-1 Accuracy", format=".1%", higher_is_better=True, min=0, max=1)
        project.define_metric("Packed Size", unit="B", format=".3s", higher_is_better=False)
        labels = [place % 4 for place in range(COUNT)]
        project.log_dataset("test", ids=list(range(COUNT)), labels=labels)
        for id, lost in {"cnn": 0, "good": 5, "bad": 100, "near": 18}.items():
            predictions = [(label + (place < lost)) % 4 for place, label in enumerate(labels)]
            values = {"Top-1 Accuracy": 1 - lost / COUNT, "Packed Size": 8000 if id == "cnn" else 3500}
            project.log_model(id, base=None if id == "cnn" else "cnn", metrics=values)
            project.log_outputs(id, "test", ids=list(range(COUNT)), predictions=predictions)
    return folder


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    file = tmp_path / "gate.yaml"
    file.write_text("rules:\n  - {metric: Top-1 Accuracy, max_drop: 0.02}\n  - {metric: Packed Size, max: 4 kB}\n")
    return file


def run(*arguments: object, code: int) -> str:
    done = CliRunner().invoke(cli, ["gate", *map(str, arguments)])
    assert done.exit_code == code, (done.output, done.exception)
    return done.stdout


@pytest.mark.parametrize(("model", "code"), [("good", 0), ("bad", 3), ("near", 4)])
def test_the_exit_codes(path: Path, rules: Path, model: str, code: int) -> None:
    lines = run(path, model, "--rules", rules, code=code).splitlines()
    assert lines[0].split() == ["rule", "found", "outcome", "why"]
    assert lines[-1].endswith({0: "pass", 3: "fail", 4: "not enough data"}[code])
    document = json.loads(run(path, model, "--rules", rules, "--json", code=code))
    assert document["outcome"] == {0: "pass", 3: "fail", 4: "undecided"}[code]
    assert [check["line"] for check in document["checks"]] == [2, 3]


@pytest.mark.parametrize(("counts", "code"), [("undecided", 4), ("fail", 3), ("pass", 0)])
def test_how_too_little_data_counts(path: Path, rules: Path, counts: str, code: int) -> None:
    text = run(path, "near", "--rules", rules, "--undecided", counts, code=code)
    assert "not enough data" in text.splitlines()[-1]
    assert run(path, "bad", "--rules", rules, "--undecided", counts, code=3)


@pytest.mark.parametrize(
    ("arguments", "text", "code"),
    [
        (["good"], "rules:\n  - {metric: Packed Size, max_dorp: 1}\n", "config.key"),
        (["good"], "rules:\n  - {metric: Top-1 Acuracy, max_drop: 0.02}\n", "metric.unknown"),
        (["good"], "rules:\n  - {metric: Packed Size, max: 4 ms}\n", "value.quantity"),
        (["good"], "rules: [", "config.syntax"),
        (["nothing"], "rules:\n  - {coverage: complete}\n", "model.unknown"),
        (["cnn"], "rules:\n  - {coverage: complete}\n", "gate.base"),
        (["good", "--base", "nothing"], "rules:\n  - {coverage: complete}\n", "model.unknown"),
    ],
)
def test_bad_input_ends_with_2_and_the_line(
    path: Path, rules: Path, arguments: list[str], text: str, code: str, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    rules.write_text(text)
    monkeypatch.setattr("sys.argv", ["compress-compare", "gate", str(path), *arguments, "--rules", str(rules)])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr().err
    assert (ended.value.code, said.split(":")[0]) == (2, code)
    assert ("Line " in said) == (code not in ("model.unknown", "gate.base"))


def test_a_failing_disk_is_no_failed_gate(path: Path, rules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise StorageError("store.full", "The disk is full.")

    monkeypatch.setattr(cc.Project, "gate", full)
    run(path, "good", "--rules", rules, code=1)


def test_the_formats(path: Path, rules: Path, tmp_path: Path) -> None:
    suite = ElementTree.fromstring(run(path, "bad", "--rules", rules, "--format", "junit", code=3))
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert run(path, "bad", "--rules", rules, "--format", "markdown", code=3).startswith("### bad against cnn: fail\n")
    file = tmp_path / "gate.md"
    text = run(path, "near", "--rules", rules, "--format", "markdown", "-o", file, code=4)
    assert text.splitlines()[0].split() == ["rule", "found", "outcome", "why"]
    assert file.read_text().startswith("### near against cnn: not enough data\n")


def fences(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_the_guide_parses_and_its_commands_run(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its rules are read, and each gate in it, also those of the workflow and of the hook, ends as the gate does."""
    rules, workflow, hook = (fences("yaml") + fences("yml"))[:3]
    (tmp_path / "gate.yaml").write_text(rules)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "digits").symlink_to(path)
    monkeypatch.chdir(tmp_path)
    steps = yaml.safe_load(workflow)["jobs"]["gate"]["steps"]
    (of_hook,) = yaml.safe_load(hook)["repos"]
    commands = [step["run"] for step in steps if "run" in step] + [one["entry"] for one in of_hook["hooks"]]
    shown = "\n".join([*fences("sh"), *commands]).replace("\\\n", " ").replace("$MODEL", "good")
    gates = [line.strip() for line in shown.splitlines() if line.strip().startswith("compress-compare gate")]
    assert len(gates) >= 4
    for line in gates:
        words = shlex.split(line.split(">>")[0].replace("dkm-4x", "good"))
        done = CliRunner().invoke(cli, words[1:])
        assert done.exit_code in (0, 3, 4), (line, done.output, done.exception)


def test_rules_are_kept_with_the_project_and_used_where_none_are_named(path: Path, rules: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    shutil.copytree(path, own)
    said = run(own, "good", "--rules", rules, "--keep", "--json", code=0)
    assert run(own, "good", "--json", code=0) == said
    with cc.open(own) as project:
        assert project.gate_rules() == rules.read_text()
        with pytest.raises(cc.errors.InvalidValue, match="no rule"):
            project.keep_gate_rules("rules: []")
        project.keep_gate_rules(" ")
        with pytest.raises(cc.errors.NotFound, match="keeps no rules"):
            project.gate("good")
