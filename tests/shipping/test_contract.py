"""What every format does with every kind of model: it ships and proves it, or refuses it and names one that can."""

import json

import numpy as np
import pytest

import compress_compare as cc
from compress_compare import shipping
from compress_compare.comparisons import whence
from compress_compare.errors import MissingExtra, UserError
from tests.shipping.networks import logged, pairs

FAST = {
    "packed": [
        ("digits cnn", "w4 groups"),
        ("digits cnn", "palettized"),
        ("digits cnn", "dkm"),
        ("resnet-20", "pruned 2:4"),
        ("digits cnn", "channel-pruned"),
        ("digits cnn", "static int8"),
        ("small llama", "w4 groups"),
    ],
    "safetensors": [("digits cnn", "float"), ("small bert", "w8"), ("small llama", "float")],
    "onnx": [
        ("digits cnn", "dkm"),
        ("digits cnn", "float"),
        ("resnet-20", "w8"),
        ("digits cnn", "palettized"),
        ("digits cnn", "channel-pruned"),
        ("digits cnn", "static int8"),
        ("small llama", "w4 groups"),
        ("small bert", "w8"),
        ("small bert", "dynamic int8"),
        ("small bert", "palettized"),
    ],
    "gguf": [
        ("small llama", "float"),
        ("small llama", "w4 groups"),
        ("small llama", "low rank"),
        ("small llama", "palettized"),
        ("digits cnn", "float"),
    ],
    "compressed-tensors": [("small llama", "w4 groups"), ("small bert", "w8"), ("small llama", "palettized")],
    "openvino": [
        ("digits cnn", "w8"),
        ("digits cnn", "dkm"),
        ("digits cnn", "static int8"),
        ("small bert", "w4 groups"),
    ],
    "coreml": [
        ("digits cnn", "w8"),
        ("digits cnn", "dkm"),
        ("resnet-20", "pruned 2:4"),
        ("digits cnn", "static int8"),
        ("small llama", "float"),
    ],
    "torchao": [("digits cnn", "w8"), ("small bert", "w4 groups"), ("digits cnn", "palettized")],
    "executorch": [
        ("digits cnn", "dkm"),
        ("digits cnn", "low rank"),
        ("small bert", "w4 groups"),
        ("digits cnn", "static int8"),
    ],
    "litert": [("digits cnn", "dkm"), ("small bert", "w4 groups"), ("digits cnn", "static int8")],
}
"""The pairs of the suite, by format; benchmarks/shipping.py goes through all."""
CASES = [(format, *pair) for format, listed in FAST.items() for pair in listed]


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    with cc.open(tmp_path_factory.mktemp("contract") / "project") as project:
        known = {}

        def model(name, way):
            if (name, way) not in known:
                known[name, way] = logged(project, name, way)
            return project, *known[name, way]

        yield model


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("format", "name", "way"), CASES, ids=[" | ".join(case) for case in CASES])
def test_a_model_is_shipped_and_proved_or_refused_by_name(format, name, way, models, tmp_path):
    project, id, task = models(name, way)
    before = len(project)
    try:
        shipped = project.ship(id, tmp_path / "out", format=format, sample=16, task=task)
    except MissingExtra as error:
        pytest.skip(str(error))
    except UserError as error:
        assert error.code == "ship.cannot_hold", f"{error.code}: {error}"
        assert error.hint.removeprefix("The nearest format that can is ").rstrip(".") in shipping.FORMATS
        assert list(tmp_path.iterdir()) == [] and len(project) == before
        return
    assert shipped.proof.relative_difference <= shipping.FORMATS[format].tolerance
    assert shipped.proof.agreement is None or shipped.proof.agreement >= shipping.FORMATS[format].agreement
    said = shipping.check(tmp_path / "out")
    assert (said["origin"]["model"], said["origin"]["format"]) == (id, format)
    assert any(whence.says(file) == said["origin"] for file in weights(tmp_path / "out"))
    assert shipped.files.keys() == said["files"].keys() | {"shipped.json"}
    child = project.model(shipped.child)
    assert (child.base, child.operation) == (id, cc.Operation("ship", format=format))
    assert child.metrics["Shipped Size"][0].value == shipped.num_bytes > 0
    json.dumps(shipped.as_json())
    damaged(weights(tmp_path / "out")[0], tmp_path / "out")


def weights(folder):
    """The files of a folder but for those that say what was shipped, the largest first."""
    files = [file for file in folder.rglob("*") if file.is_file() and file.name not in ("README.md", "shipped.json")]
    return sorted(files, key=lambda file: -file.stat().st_size)


def damaged(file, folder):
    """Cut and edit the file, each of which must be noticed."""
    content = file.read_bytes()
    middle = len(content) // 2
    for changed in (content[:-1], content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]):
        file.write_bytes(changed)
        with pytest.raises(UserError) as caught:
            shipping.check(folder)
        assert caught.value.code == "ship.changed" and file.name in caught.value.title


def test_the_pairs_of_the_suite_are_among_all():
    assert set(FAST) == set(shipping.FORMATS)
    assert {pair for listed in FAST.values() for pair in listed} <= set(pairs())


@pytest.mark.parametrize("format", shipping.FORMATS)
def test_a_format_says_what_it_is(format):
    one = shipping.FORMATS[format]
    assert one.name == format and one.summary and not one.summary.endswith(".")
    assert 0 <= one.tolerance < 0.01 and 0.9 <= one.agreement <= 1


def test_what_was_shipped_is_a_model_like_any_other(models, tmp_path):
    project, id, task = models("digits cnn", "palettized")
    shipped = project.ship(id, tmp_path / "out", format="packed", sample=10, task=task)
    again = project.outputs(shipped.child, "images")
    assert again["id"].to_pylist() == list(range(10))
    own = project.outputs(id, "images")
    assert np.array_equal(again["prediction"].to_numpy(), own["prediction"].to_numpy()[:10])
    assert project.behaviors(id, shipped.child, "images").summary["agreement"].to_pylist() == [1.0]
    layers = project.layers(id, shipped.child).table
    changed = [row for row in layers.to_pylist() if row["parameter"] and row["model"] == shipped.child]
    assert changed and all(row["mean_abs_change"] == 0 for row in changed)
