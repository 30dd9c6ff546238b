"""A folder says how its model was made: its operation is taken from there, unless it is said or known."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

import compress_compare as cc

pytestmark = pytest.mark.usefixtures("each_backend")

RECIPE = "stage:\n  modifiers:\n    QuantizationModifier: {scheme: FP8_DYNAMIC, ignore: [lm_head]}\n"


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "small"
    path.mkdir()
    save_file({"weight": np.ones((4, 4), np.float32)}, path / "model.safetensors")
    (path / "config.json").write_text(json.dumps({"model_type": "toy"}))
    return path


@pytest.fixture
def project(tmp_path):
    with cc.open(tmp_path / "p") as opened:
        opened.log_model("big")
        yield opened


def test_the_recipe_names_the_operation_and_the_note_says_so(project, folder):
    (folder / "recipe.yaml").write_text(RECIPE)
    model = project.log_model("small", base="big", checkpoint=folder)
    assert model.operation == cc.Operation("quantize", scheme="FP8_DYNAMIC", ignore=["lm_head"])
    assert model.note == "The operation is taken from recipe.yaml."


def test_the_configuration_names_it_where_there_is_no_recipe(project, folder):
    (folder / "config.json").write_text(json.dumps({"model_type": "toy", "quantization_config": {"bits": 8}}))
    model = project.log_model("small", base="big", checkpoint=str(folder), note="mine")
    assert model.operation == cc.Operation("quantize", bits=8) and model.note == "mine"


def test_files_beside_the_weights_are_kept_and_are_not_the_models_bytes(project, folder):
    beside = {"recipe.yaml": RECIPE, "tokenizer.json": "x" * 5000, "vocab.txt": "a", "README.md": "---\n---\n"}
    for name, content in beside.items():
        (folder / name).write_text(content)
    checkpoint = project.log_model("small", base="big", checkpoint=folder).checkpoint
    assert {file.name for file in checkpoint.files} == {"model.safetensors", "config.json", *beside}
    assert checkpoint.num_bytes == (folder / "model.safetensors").stat().st_size


def test_what_is_said_wins_and_a_root_has_none(project, folder):
    (folder / "recipe.yaml").write_text(RECIPE)
    said = cc.Operation("round")
    assert project.log_model("small", base="big", operation=said, checkpoint=folder).operation == said
    assert project.log_model("other", checkpoint=folder).operation is None


def test_a_model_that_is_there_keeps_its_operation_and_its_note(project, folder):
    project.log_model("small", base="big", checkpoint=folder)
    (folder / "recipe.yaml").write_text(RECIPE)
    project.log_model("known", base="big", operation=cc.Operation("round"), checkpoint=folder)
    assert project.log_model("known", base="big", checkpoint=folder).operation == cc.Operation("round")
    first = project.log_model("new", base="big", checkpoint=folder)
    project.set_note("new", "mine")
    again = project.log_model("new", base="big", checkpoint=folder)
    assert (again.operation, again.note) == (first.operation, "mine")


def test_a_folder_that_cannot_be_read_says_nothing(project, folder):
    (folder / "recipe.yaml").write_text("a: &a [*a]")
    assert project.log_model("small", base="big", checkpoint=folder).operation is None
