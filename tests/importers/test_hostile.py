"""Files made to do harm: they are refused in a sentence or read as data, and nothing of them is run or grows."""

import gzip
import io
import json
import tarfile
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import compress_compare as cc
from compress_compare import importers
from compress_compare.errors import UserError
from compress_compare.importers.files import below, json_lines, yaml_document
from tests.importers.samples import SAMPLES

EVERY = pytest.mark.parametrize("source", SAMPLES)
LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{last}'] * 9)}]\n" for last, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def zipped():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("results.json", b"0" * 50_000_000)
    return file.getvalue()


def tarred():
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        entry = tarfile.TarInfo("../../etc/results.json")
        entry.size = 50_000_000
        archive.addfile(entry, io.BytesIO(b"0" * entry.size))
    return file.getvalue()


BOMBS = {"zip": zipped, "tar": tarred, "gzip": lambda: gzip.compress(b"0" * 50_000_000)}


@pytest.mark.parametrize("kind", BOMBS)
@EVERY
def test_an_archive_is_never_unpacked(tmp_path, source, kind):
    if "file" not in importers.IMPORTERS[source].takes:
        pytest.skip("it takes folders only")
    path = tmp_path / f"source.{kind}"
    path.write_bytes(BOMBS[kind]())
    with pytest.raises(UserError) as caught:
        importers.load(source, path)
    assert caught.value.code.startswith("import.")
    assert sorted(one.name for one in tmp_path.iterdir()) == [path.name]


@pytest.mark.parametrize(
    "content",
    [LAUGHS, "a: &a [*a]", "[" * 5000, "a: b: c", "x: " + "y" * 3_000_000, "? [1, 2]\n: 3\n? {a: 1}\n: 4\n- 5"],
    ids=["laughs", "cycle", "deep", "invalid", "large", "mixed"],
)
@pytest.mark.parametrize("place", ["recipe.yaml", "README.md", ".eval_results/a.yaml", "perf.yaml", "meta.yaml"])
def test_hostile_yaml_is_refused_in_a_sentence(tmp_path, content, place):
    path = tmp_path / place
    path.parent.mkdir(exist_ok=True)
    marks = {"recipe.yaml": "# QuantizationModifier\n", "meta.yaml": "# experiment_id\n"}
    wrapped = f"---\nbase_model: a\n{content}\n---\n" if place == "README.md" else marks.get(place, "") + content
    path.write_text(wrapped)
    (tmp_path / "config.json").write_text('{"model_type": "toy"}')
    source = {"perf.yaml": "ai-hub", "meta.yaml": "mlflow"}.get(place, "huggingface")
    where = path if place in ("perf.yaml", "recipe.yaml") else tmp_path
    with pytest.raises(UserError) as caught:
        importers.load(source, where)
    assert caught.value.code.startswith("import.") and caught.value.title.endswith(".")


def test_tags_for_classes_of_python_are_data(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text(
        "stage:\n  modifiers:\n    GPTQModifier:\n      scheme: !!python/object/apply:os.system ['touch harm']\n"
        "      targets: !!python/tuple [Linear]\n      ignore: !!python/object:some.Thing {a: 1}\n"
    )
    (model,) = importers.load("huggingface", path).models
    assert model["operation"] == cc.Operation("gptq quantize", scheme="touch harm", targets=["Linear"], ignore={"a": 1})
    assert not (tmp_path / "harm").exists()
    assert yaml_document(path, content="a: !!python/object/apply:some.Enum\n- static\n") == {"a": "static"}


def test_folders_are_walked_within_bounds_and_links_are_not_followed(tmp_path):
    deep = tmp_path
    for number in range(12):
        deep = deep / str(number)
        deep.mkdir()
        (deep / "results.json").write_text("{}")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "results.json").symlink_to("/etc/hostname")
    assert len(below(tmp_path, "results.json")) == 5


def test_a_line_of_json_without_an_end_is_read_in_parts(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n{"b": ' + "[" * 100_000)
    lines = json_lines(path)
    assert next(lines) == (1, {"a": 1})
    with pytest.raises(UserError, match="line 2 is not a JSON value"):
        next(lines)


def test_names_that_are_no_names_and_numbers_that_are_none_do_no_harm(tmp_path):
    rows = [{"model": "a\u202eb\u0000c", "accuracy": 1e400, "size": "1" * 5000}, {"model": "b", "accuracy": 0.5}]
    path = tmp_path / "t.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    with cc.open(tmp_path / "p") as project:
        importers.write(importers.load("csv", path), project)
        assert project.models()["id"].to_pylist() == ["a b c", "b"]


@pytest.mark.parametrize("source", ["csv", "lighteval"])
def test_a_value_that_is_stored_once_and_stands_in_every_row_is_not_unpacked(tmp_path, source, monkeypatch):
    """A file of some hundred kilobytes whose rows hold 100 MB; the limit is lower here."""
    monkeypatch.setattr("compress_compare.importers.tables.MAX_UNPACKED", 50_000_000)
    text = pa.DictionaryArray.from_arrays(pa.array([0] * 1_000, pa.int32()), ["x" * 100_000]).cast(pa.string())
    if source == "csv":
        path, place = tmp_path / "a.parquet", tmp_path / "a.parquet"
        table = pa.table({"model": text, "accuracy": [0.5] * 1_000})
    else:
        place, name = tmp_path / "x", "results_2026-11-29T10-00-00"
        path = place / "details" / "m" / name[8:] / f"details_facts|0_{name[8:]}.parquet"
        (place / "results" / "m").mkdir(parents=True)
        path.parent.mkdir(parents=True)
        general = {"lighteval_sha": "a", "model_name": "m"}
        document = {"config_general": general, "results": {"facts|0": {"acc": 0.5}}}
        (place / "results" / "m" / f"{name}.json").write_text(json.dumps(document))
        table = pa.table({"doc": pa.StructArray.from_arrays([text], ["query"])})
    pq.write_table(table, path)
    assert path.stat().st_size < 1_000_000
    with pytest.raises(UserError) as caught:
        importers.load(source, place)
    assert caught.value.code == "import.too_large"
