"""Shipping: what is asked for, what is refused, what is left behind."""

import errno
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

import compress_compare as cc
from compress_compare import shipping
from compress_compare.comparisons import whence
from compress_compare.errors import Conflict, InvalidValue, NotFound, StorageError, Untrusted
from compress_compare.operations import Palettize
from compress_compare.shipping.base import Format, Written
from compress_compare.shipping.formats.safetensors import SafetensorsFormat
from compress_compare.shipping.ship import _first
from tests.shipping.networks import logged


@pytest.fixture
def project(tmp_path):
    with cc.open(tmp_path / "project") as opened:
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))
        opened.define_metric("Top-1 Accuracy", format=".1%", higher_is_better=True, primary=True)
        opened.log_model("net", checkpoint=net, operation=cc.Operation("train", epochs=3))
        small = Palettize(bits=2)(net)
        accuracy = cc.MetricValue(0.75, count=100, standard_error=0.02)
        opened.log_model(
            "small", base="net", operation=Palettize(bits=2), checkpoint=small, metrics={"Top-1 Accuracy": accuracy}
        )
        opened.log_model("bare", base="net", operation=cc.Operation("measured elsewhere"))
        yield opened


def test_without_a_task_the_numbers_alone_are_compared(project, tmp_path):
    shipped = project.ship("small", tmp_path / "out")
    assert (shipped.proof.agreement, shipped.proof.tensors, shipped.proof.max_difference) == (None, 4, 0.0)
    assert "It was not run." in (tmp_path / "out" / "README.md").read_text()


def test_the_file_says_where_it_comes_from(project, tmp_path):
    project.ship("small", tmp_path / "out")
    header = json.loads(cc_header(tmp_path / "out" / "model.safetensors")["compress_compare"])
    origin = header["origin"]
    assert (origin["schema"], origin["project"], origin["model"]) == (1, "project", "small")
    assert [step["operation"] for step in origin["lineage"]] == ["train", "palettize"]
    assert origin["lineage"][1]["parameters"] == {"bits": 2}
    net = project.model("net").checkpoint.files[0]
    assert origin["base"] == {"model": "net", "files": {net.name: net.sha256}} == origin["root"]
    (metric,) = origin["metrics"]
    assert (metric["name"], metric["value"], metric["count"]) == ("Top-1 Accuracy", 0.75, 100)
    assert metric["interval"] == pytest.approx([0.75 - 1.96 * 0.02, 0.75 + 1.96 * 0.02], abs=1e-5)


def cc_header(path):
    content = path.read_bytes()
    return json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]


def test_the_card_is_one_that_the_hub_reads(project, tmp_path):
    from huggingface_hub import ModelCard

    project.ship("small", tmp_path / "out")
    card = ModelCard.load(tmp_path / "out" / "README.md")
    assert (card.data.base_model, card.data.base_model_relation) == ("net", "quantized")
    (result,) = card.data.eval_results
    assert (result.metric_name, result.metric_value) == ("Top-1 Accuracy", 0.75)
    assert "| Top-1 Accuracy | 0.75 | 0.7108 to 0.7892 | 100 |" in card.text


def test_the_results_are_some_that_the_hub_reads(project, tmp_path):
    import yaml
    from huggingface_hub import parse_eval_result_entries

    project.log_dataset("held-out", ids=[0, 1], labels=[0, 1])
    near = cc.MetricValue(0.5, count=100, standard_error=0.05, dataset="held-out")
    project.log_model("third", base="net", checkpoint=nn.Linear(2, 2), metrics={"Top-1 Accuracy": near})
    project.ship("third", tmp_path / "out", format="safetensors")
    text = (tmp_path / "out" / ".eval_results" / "compress-compare.yaml").read_text()
    (entry,) = parse_eval_result_entries(yaml.safe_load(text))
    assert (entry.dataset_id, entry.task_id, entry.value) == ("held-out", "top_1_accuracy", 0.5)
    assert entry.notes == "Top-1 Accuracy, on 100 examples; 95% interval 0.402 to 0.598"
    assert ".eval_results/compress-compare.yaml" in shipping.check(tmp_path / "out")["files"]


def test_the_card_gives_the_verdict_of_rules(project, tmp_path):
    rules = [{"metric": "Top-1 Accuracy", "min": 0.5}, {"metric": "Top-1 Accuracy", "min": 0.9}]
    project.ship("small", tmp_path / "out", rules=rules)
    card = (tmp_path / "out" / "README.md").read_text()
    assert "## Rules of the release\n### small against net: " in card
    verdict = shipping.check(tmp_path / "out")["gate"]
    assert [check["outcome"] for check in verdict["checks"]] == ["pass", "fail"] and verdict["outcome"] == "fail"


def test_the_card_names_slices_that_lost_more_than_the_others(project, tmp_path):
    count = 200
    dark = [place % 2 == 0 for place in range(count)]
    project.log_dataset(
        "images", ids=range(count), labels=[0] * count, metadata={"light": ["dark" if d else "bright" for d in dark]}
    )
    project.log_outputs("net", "images", ids=range(count), predictions=[0] * count)
    wrong = [int(d and place % 4 == 0) for place, d in enumerate(dark)]
    project.log_outputs("small", "images", ids=range(count), predictions=wrong)
    project.ship("small", tmp_path / "out", sample=0)
    card = (tmp_path / "out" / "README.md").read_text()
    assert "On the 200 examples of images, 50 that net had right are wrong, and 0 that it had wrong are right." in card
    assert "- Slice light dark: -50.0 pp on 100 examples, 25.0 pp below the change of all examples" in card


@pytest.mark.parametrize(
    ("arguments", "error", "code"),
    [
        ({"model": "none"}, NotFound, "model.unknown"),
        ({"model": "bare"}, InvalidValue, "model.no_checkpoint"),
        ({"model": "small", "format": "zip"}, InvalidValue, "ship.unknown_format"),
        ({"model": "small", "sample": -1}, InvalidValue, "ship.sample"),
        ({"model": "small", "sample": True}, InvalidValue, "ship.sample"),
    ],
)
def test_what_cannot_be_is_refused(project, tmp_path, arguments, error, code):
    with pytest.raises(error) as caught:
        project.ship(directory=tmp_path / "out", **arguments)
    assert caught.value.code == code
    assert not (tmp_path / "out").exists()


def test_a_directory_with_files_is_left_alone(project, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(Conflict, match="is there already"):
        project.ship("small", tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_shipping_again_is_a_model_of_its_own(project, tmp_path):
    ids = [project.ship("small", tmp_path / name).child for name in ("one", "two")]
    assert ids == ["small (packed)", "small (packed) 2"]


class Broken(SafetensorsFormat):
    """A format that loses a number, a tensor, or the origin."""

    name = "broken"

    def __init__(self, what):
        self.what = what

    def read(self, folder, source):
        found = dict(super().read(folder, source))
        if self.what == "number":
            found["0.bias"] = found["0.bias"] + 1e-6
        if self.what == "tensor":
            del found["2.weight"]
        return found

    def origin(self, folder):
        return {} if self.what == "origin" else super().origin(folder)


@pytest.mark.parametrize("what", ["number", "tensor", "origin"])
def test_what_is_not_the_model_is_not_shipped(project, tmp_path, monkeypatch, what):
    monkeypatch.setattr(sys.modules["compress_compare.shipping.ship"], "choose", lambda name: Broken(what))
    before = len(project)
    with pytest.raises(InvalidValue) as caught:
        project.ship("small", tmp_path / "out", format="broken")
    assert caught.value.code == "ship.not_proved"
    assert len(project) == before and not list(tmp_path.glob("*out*"))


class Wrong(SafetensorsFormat):
    """A format whose runtime answers at random."""

    name = "wrong"

    def runner(self, folder, source):
        return (lambda inputs: torch.randn(len(inputs), 4)), "a broken runtime"


def test_predictions_that_disagree_are_not_shipped(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules["compress_compare.shipping.ship"], "choose", lambda name: Wrong())
    with cc.open(tmp_path / "project") as project:
        id, task = logged(project, "digits cnn", "float")
        with pytest.raises(InvalidValue, match="predictions differ, on the first 16 examples of images"):
            project.ship(id, tmp_path / "out", format="wrong", sample=16, task=task)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("how", ["cut", "edited", "added", "removed"])
def test_a_changed_folder_is_noticed(project, tmp_path, how):
    out = tmp_path / "out"
    project.ship("small", out)
    assert shipping.check(out)["origin"]["model"] == "small"
    path = out / "model.safetensors"
    content = bytearray(path.read_bytes())
    if how == "cut":
        path.write_bytes(content[:-3])
    elif how == "edited":
        content[-1] ^= 1
        path.write_bytes(content)
    elif how == "added":
        (out / "more.bin").write_bytes(b"x")
    else:
        path.unlink()
    with pytest.raises(InvalidValue) as caught:
        shipping.check(out)
    assert caught.value.code == "ship.changed"


def test_a_read_only_project_ships_and_logs_nothing(project, tmp_path):
    with cc.open(project.path, read_only=True) as opened:
        assert opened.ship("small", tmp_path / "out").child is None
    assert len(project) == 3


def test_a_task_of_the_project_runs_only_if_it_was_allowed(project, tmp_path):
    project.log_task("net", "compress_compare.demos.digits:task")
    project.close()
    shutil.copytree(project.path, tmp_path / "copy")
    with cc.open(tmp_path / "copy") as copy:
        with pytest.raises(Untrusted):
            copy.ship("small", tmp_path / "out")
        assert copy.ship("small", tmp_path / "out", sample=0).proof.agreement is None


def test_the_packed_child_comes_back_as_the_model(project, tmp_path):
    child = project.ship("small", tmp_path / "out").child
    own, shipped = project.load_checkpoint("small"), project.load_checkpoint(child)
    assert own.keys() == shipped.keys()
    assert all(torch.equal(own[name], shipped[name]) and own[name].dtype == shipped[name].dtype for name in own)


def test_the_command_prints_one_document_and_refuses_with_2(project, tmp_path):
    def command(*arguments):
        program = "from compress_compare.cli import main; main()"
        line = [sys.executable, "-c", program, "ship", str(project.path), *arguments]
        return subprocess.run(line, capture_output=True, text=True, check=False)

    done = command("small", str(tmp_path / "out"), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["child"] == "small (packed)"
    refused = command("small", str(tmp_path / "out"))
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith("ship.directory: ")


def test_a_format_of_another_package_is_used_like_any_other(monkeypatch):
    from importlib.metadata import EntryPoint

    points = [EntryPoint("mine", f"{__name__}:Mine", "compress_compare.formats")]
    monkeypatch.setattr("compress_compare.plugins.entry_points", lambda group: points if "formats" in group else [])
    assert type(shipping.choose("mine")).__name__ == "Mine"


class Mine(Format):
    """A format of another package."""

    name = "mine"
    summary = "nothing"

    def write(self, source, folder):
        return Written()

    def read(self, folder, source):
        return {}

    def origin(self, folder):
        return {}


@pytest.mark.parametrize("format", ["packed", "onnx"])
def test_a_folder_with_an_encoder_and_a_decoder_is_run_with_tokens_for_both(format, tmp_path):
    transformers = pytest.importorskip("transformers")
    config = transformers.T5Config(vocab_size=32, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2)
    transformers.T5ForConditionalGeneration(config).save_pretrained(tmp_path / "folder")
    with cc.open(tmp_path / "project") as project:
        project.log_model("t5", checkpoint=tmp_path / "folder")
        shipped = project.ship("t5", tmp_path / "out", format=format, sample=4)
    assert shipped.proof.agreement == 1 and shipped.proof.predictions == 4 * 16


@pytest.mark.parametrize("values", [np.full((8, 8), np.nan), np.array([[np.inf, 1], [2, np.nan]])])
def test_numbers_that_are_not_finite_are_shipped_as_they_are(values, tmp_path):
    with cc.open(tmp_path / "project") as project, pytest.warns(UserWarning, match="NaN"):
        project.log_model("odd", checkpoint={"a.weight": values.astype(np.float32)})
        shipped = project.ship("odd", tmp_path / "out", format="packed", sample=0)
    assert shipped.proof.max_difference == shipped.proof.relative_difference == 0


def test_a_place_without_room_or_rights_is_named(tmp_path, monkeypatch):
    with cc.open(tmp_path / "project") as project:
        project.log_model("net", checkpoint={"a.weight": np.ones((8, 8), np.float32)})
        (tmp_path / "file").write_text("no folder")
        with pytest.raises(InvalidValue, match="cannot be written") as refused:
            project.ship("net", tmp_path / "file" / "out", format="packed", sample=0)
        assert refused.value.code == "ship.directory"

        def full(*_):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(SafetensorsFormat, "write", full)
        with pytest.raises(StorageError, match="no room") as caught:
            project.ship("net", tmp_path / "out", format="safetensors", sample=0)
        assert caught.value.code == "storage.full" and len(project) == 1
    assert sorted(one.name for one in tmp_path.iterdir()) == ["file", "project"]


def test_a_file_under_another_name_still_says_where_it_comes_from(tmp_path):
    with cc.open(tmp_path / "project") as project:
        project.log_model("net", checkpoint={"a.weight": np.ones((8, 8), np.float32)})
        project.ship("net", tmp_path / "out", format="packed", sample=0)
    renamed = (tmp_path / "out" / "model.safetensors").rename(tmp_path / "weights.bin")
    assert whence.says(renamed)["model"] == "net"


def test_answers_of_every_kind_are_cut_to_the_first_examples():
    answers = {"predictions": [0, 1, 2], "boxes": [[], [], []], "masks": [1, 2, 3], "metrics": {"x": [4, 5, 6]}}
    answers["object_masks"] = [[], [], []]
    wanted = {"predictions": [0, 1], "boxes": [[], []], "masks": [1, 2], "metrics": {"x": [4, 5]}}
    wanted["object_masks"] = [[], []]
    assert _first({**answers, "classes": ["a"]}, range(3), 2) == {"ids": range(2), **wanted, "classes": ["a"]}
