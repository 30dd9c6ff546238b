"""Tensors that the base of a model or another model of it has already are stored once."""

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import compress_compare as cc
from compress_compare.errors import StoreError

pytestmark = pytest.mark.usefixtures("each_database")

LAYERS = 4
SIZE = 256
ONE = SIZE * SIZE * 4


def state(seed=0, **changed):
    draw = np.random.default_rng(seed)
    found = {}
    for layer in range(LAYERS):
        found[f"layers.{layer}.weight"] = draw.standard_normal((SIZE, SIZE), dtype=np.float32) + layer
        found[f"layers.{layer}.norm"] = np.ones(SIZE, np.float32)
    return found | changed


def variant(number):
    """An adapter beside the weights for even numbers, other norms for odd ones."""
    if number % 2 == 0:
        draw = np.random.default_rng(number)
        return state(lora_A=draw.standard_normal((8, SIZE), dtype=np.float32))
    return state(**{f"layers.{layer}.norm": np.full(SIZE, number + 1, np.float32) for layer in range(LAYERS)})


def size(project):
    return sum(one.stat().st_size for one in (project.working_folder / "objects").rglob("*") if one.is_file())


def logged(project, number):
    project.log_model(f"v{number}", base="base", operation=cc.Operation("tune", n=number), checkpoint=variant(number))


@pytest.fixture(autouse=True)
def _no_copies(tmp_path, monkeypatch):
    """Whole copies that other tests have made are not there."""
    monkeypatch.setenv("COMPRESS_COMPARE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def project(tmp_path):
    with cc.open(tmp_path / "project") as opened:
        opened.log_model("base", checkpoint=state())
        yield opened


def same(project, id, right):
    found = project.load_checkpoint(id)
    return found.keys() == right.keys() and all(np.array_equal(np.asarray(found[n]), right[n]) for n in right)


def test_variants_cost_what_they_change(project):
    whole = size(project)
    assert whole > LAYERS * ONE
    for number in range(6):
        logged(project, number)
    # an adapter is 8 × 256 numbers, the norms 4 × 256: 8 kB and 4 kB, beside a header of some kB each
    assert size(project) < whole + 6 * 20_000
    assert project.damage() == []
    assert all(same(project, f"v{number}", variant(number)) for number in range(6))
    assert project.model("v0").checkpoint.num_bytes > LAYERS * ONE


def test_parts_are_read_as_the_whole_file_would_be(project, tmp_path):
    """The layers of a variant against those of the same weights without a base, which are stored whole."""
    logged(project, 1)
    project.log_model("alone", checkpoint=variant(1) | {"more": np.ones(3, np.float32)})
    for what in ("weights", "sparsity", "storage"):
        rows = project.layers(base="base", models=["v1"], what=what).table.to_pylist()
        other = project.layers(base="base", models=["alone"], what=what).table.to_pylist()
        kept = [
            {k: v for k, v in row.items() if k != "model"}
            for row in other
            if row["module"] and "layers" in row["module"]
        ]
        assert [
            {k: v for k, v in row.items() if k != "model"}
            for row in rows
            if row["module"] and "layers" in row["module"]
        ] == kept
    path = next(iter(project.checkpoint_paths(project.model("v1").checkpoint).values()))
    assert all(np.array_equal(value, variant(1)[name]) for name, value in load_file(path).items())


def test_a_variant_of_a_variant_takes_what_either_has(project):
    new = {"layers.0.weight": np.full((SIZE, SIZE), 3, np.float32)}
    project.log_model("one", base="base", operation=cc.Operation("a"), checkpoint=state(**new))
    before = size(project)
    project.log_model(
        "two", base="one", operation=cc.Operation("b"), checkpoint=state(**new, last=np.zeros(9, np.float32))
    )
    project.log_model(
        "beside", base="base", operation=cc.Operation("c"), checkpoint=state(**new, x=np.zeros(9, np.float32))
    )
    assert size(project) < before + 20_000
    assert same(project, "two", state(**new, last=np.zeros(9, np.float32)))
    assert same(project, "beside", state(**new, x=np.zeros(9, np.float32)))


def test_all_in_one_call(tmp_path):
    with cc.open(tmp_path / "p") as project:
        rows = [{"id": "base", "checkpoint": state()}]
        rows += [
            {"id": f"v{n}", "base": "base", "operation": cc.Operation("x", n=n), "checkpoint": variant(n)}
            for n in range(3)
        ]
        project.log_models(rows)
        assert size(project) < LAYERS * ONE + 80_000
        assert all(same(project, f"v{n}", variant(n)) for n in range(3))


def test_the_same_again_changes_nothing(project):
    logged(project, 0)
    folder = project.working_folder / "objects"
    before = sorted((one.name, one.stat().st_mtime_ns) for one in folder.rglob("*"))
    logged(project, 0)
    assert sorted((one.name, one.stat().st_mtime_ns) for one in folder.rglob("*")) == before


def test_what_others_need_stays_when_its_model_goes(project):
    logged(project, 0)
    logged(project, 1)
    project.set_base("v1", None)
    project.delete("base", descendants=True)
    project.purge()
    assert project.models()["id"].to_pylist() == ["v1"]
    assert project.damage() == [] and same(project, "v1", variant(1))
    project.delete("v1")
    project.purge()
    assert size(project) == 0


def test_a_call_that_fails_leaves_nothing(project, each_database):
    before = size(project)
    with pytest.raises(ZeroDivisionError), project.batch():
        logged(project, 0)
        1 / 0  # noqa: B018
    # where writers do not wait for each other, another one may have named it meanwhile
    assert project.garbage().count == (each_database == "PostgreSQL")
    project.purge()
    assert size(project) == before


def test_damage_is_found_and_repaired(tmp_path):
    save_file(variant(1), tmp_path / "v1.safetensors")
    with cc.open(tmp_path / "p") as project:
        project.log_model("base", checkpoint=state())
        project.log_model("v1", base="base", operation=cc.Operation("x"), checkpoint=tmp_path / "v1.safetensors")
        (parts,) = (project.working_folder / "objects").rglob("*.parts")
        content = bytearray(parts.read_bytes())
        content[-1] ^= 1
        parts.write_bytes(content)
    with cc.open(tmp_path / "p") as project:
        assert len(project.damage()) == 1
        with pytest.raises(StoreError) as error:
            project.load_checkpoint("v1")
        assert error.value.code == "artifact.hash_mismatch"
        assert project.repair([tmp_path / "v1.safetensors"]) == ["v1.safetensors of v1"]
        assert project.damage() == [] and same(project, "v1", variant(1))


def test_damage_of_the_base_is_that_of_its_variants(tmp_path):
    with cc.open(tmp_path / "p") as project:
        project.log_model("base", checkpoint=state())
        logged(project, 1)
        digest = project.model("base").checkpoint.files[0].sha256
        place = project.working_folder / "objects" / digest[:2] / digest
        good = place.read_bytes()
    place.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    with cc.open(tmp_path / "p") as project:
        logged_at = project.checkpoints(["v1"])[0]
        assert len(project.damage()) == 2
        with pytest.raises(StoreError):
            project.open_checkpoint(logged_at)
    place.write_bytes(good)
    with cc.open(tmp_path / "p") as project:
        assert project.damage() == [] and same(project, "v1", variant(1))


def test_copies_hold_all(project, tmp_path):
    logged(project, 0)
    project.pack(tmp_path / "x.ccz")
    project.backup(tmp_path / "backup")
    cc.unpack(tmp_path / "x.ccz", tmp_path / "unpacked").close()
    with cc.open(tmp_path / "merged") as merged:
        merged.merge(project.path)
    for name in ("backup", "unpacked", "merged"):
        with cc.open(tmp_path / name) as copy:
            assert copy.damage() == [] and same(copy, "v0", variant(0))


@pytest.mark.parametrize("content", [b"", b"\xff" * 40, b"\x02" + bytes(7) + b"{}", b"circle"])
def test_strange_parts_are_refused(project, content):
    """A project of somebody else: no layout, or one that leads in circles."""
    logged(project, 1)
    (parts,) = (project.working_folder / "objects").rglob("*.parts")
    if content == b"circle":
        own = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        text = f'{{"own": "{own}", "parts": [["{parts.stem}", 0, 9]]}}'.encode()
        content = len(text).to_bytes(8, "little") + text
    parts.write_bytes(content)
    with cc.open(project.path) as opened:
        for read in (
            lambda: opened.load_checkpoint("v1"),
            lambda: opened.open_checkpoint(opened.checkpoints(["v1"])[0]),
        ):
            with pytest.raises(StoreError):
                read()
