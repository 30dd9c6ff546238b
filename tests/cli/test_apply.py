from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file, save_file
from torch import nn

from compress_compare.cli.apply import apply
from compress_compare.errors import InvalidValue
from compress_compare.operations import Quantize


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    place = tmp_path / "base"
    place.mkdir()
    model = nn.ModuleDict({"fc": nn.Linear(8, 6), "out": nn.Linear(6, 5), "cls_token": nn.Embedding(1, 5)})
    save_file(model.state_dict(), place / "model.safetensors")
    return place


def test_it_writes_a_new_folder_and_says_what_was_changed(folder: Path) -> None:
    arguments = ["quantize", "--bits", "4", "--strategy=group", "--group-size", "4", "--ignore", "out"]
    done = CliRunner().invoke(apply, [*arguments, "--checkpoint", str(folder)], catch_exceptions=False)
    assert done.exit_code == 0
    out = folder.with_name("base-quantize")
    assert f"Written to {out}" in done.stdout and "1 weights changed." in done.stdout
    assert "cls_token.weight" in done.stdout and "name it in targets" in done.stdout
    base, found = load_file(folder / "model.safetensors"), load_file(out / "model.safetensors")
    operation = Quantize(bits=4, strategy="group", group_size=4)
    assert torch.equal(found["fc.weight"], operation.rounded(base["fc.weight"]))
    assert torch.equal(found["out.weight"], base["out.weight"])


def test_the_plan_is_one_document_and_writes_nothing(folder: Path) -> None:
    arguments = ["quantize", "--targets", "fc", "--targets", "re:cls.*", "--plan", "--json"]
    done = CliRunner().invoke(apply, [*arguments, "--checkpoint", str(folder)], catch_exceptions=False)
    assert json.loads(done.stdout) == {"weights": ["cls_token.weight", "fc.weight"], "left_alone": {}, "unknown": []}
    assert [each.name for each in folder.parent.iterdir()] == ["base"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["quantize", "--bits"], "'--bits' is no parameter with a value"),
        (["quantize", "bits=4"], "'bits=4' is no parameter with a value"),
        (["quantize", "--bits", "40"], "bits"),
        (["quantize", "--width", "4"], "width"),
        (["calibrate"], "needs the whole model or data"),
    ],
)
def test_wrong_words_are_named(folder: Path, arguments: list[str], said: str) -> None:
    with pytest.raises(InvalidValue, match=said):
        CliRunner().invoke(apply, [*arguments, "--checkpoint", str(folder)], catch_exceptions=False)


def test_a_folder_that_is_there_is_not_overwritten(folder: Path) -> None:
    with pytest.raises(InvalidValue, match="is there already"):
        arguments = ["quantize", "--checkpoint", str(folder), "--out", str(folder)]
        CliRunner().invoke(apply, arguments, catch_exceptions=False)
