"""Writing a project to a file."""

import json

import pytest
from click.testing import CliRunner

import compress_compare as cc
from compress_compare.cli.main import cli
from compress_compare.errors import InvalidValue, NotFound


@pytest.fixture
def path(tmp_path):
    with cc.open(tmp_path / "project") as project:
        project.log_model("cnn", metrics={"Accuracy": 0.5})
    return tmp_path / "project"


def run(*arguments):
    result = CliRunner().invoke(cli, ["export", *map(str, arguments)])
    if result.exception:
        raise result.exception
    return result


def test_the_ending_tells_the_format(path, tmp_path):
    target = tmp_path / "out.json"
    assert "Wrote 1 models" in run(path, "-o", target).output
    assert json.loads(target.read_text())["models"][0]["metrics"] == {"Accuracy": 0.5}
    run(path, "-o", tmp_path / "out.txt", "--format", "csv")
    assert (tmp_path / "out.txt").read_text().startswith('"id","base"')


def test_what_cannot_be_written_is_said_and_leaves_nothing(path, tmp_path):
    with pytest.raises(InvalidValue, match=r"'out\.xyz' does not say which format"):
        run(path, "-o", tmp_path / "out.xyz")
    with pytest.raises(InvalidValue, match="No such file or directory"):
        run(path, "-o", tmp_path / "nowhere" / "out.csv")
    folder = tmp_path / "folder.csv"
    folder.mkdir()
    with pytest.raises(InvalidValue, match="Is a directory"):
        run(path, "-o", folder)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.csv", "project"]


def test_a_project_that_is_not_there(tmp_path):
    with pytest.raises(NotFound):
        run(tmp_path / "none", "-o", tmp_path / "out.csv")
    assert not any(tmp_path.iterdir())
