"""NumPy's own files, as NumPy writes them; and damaged, hostile and huge ones."""

import io
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

import compress_compare as cc
from compress_compare.errors import InvalidValue
from compress_compare.readers import checkpoint

RNG = np.random.default_rng(3)
WEIGHT = RNG.normal(size=(3, 4)).astype(np.float32)


def read(path):
    return checkpoint.read("numpy", {path.name: path})


def code_of(path):
    with pytest.raises(InvalidValue) as caught:
        read(path)
    assert len(str(caught.value)) < 600 and "Traceback" not in str(caught.value)
    return caught.value.code


def header(text, numbers=b"", version=1):
    length = len(text).to_bytes(2 if version == 1 else 4, "little")
    return b"\x93NUMPY" + bytes([version, 0]) + length + text.encode() + numbers


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_of_every_kind_and_order(tmp_path, save):
    held = {
        "params/Dense_0/kernel": np.asfortranarray(WEIGHT),
        "big": WEIGHT.astype(">f8"),
        "half": WEIGHT.astype(np.float16),
        "codes": np.arange(-4, 8, dtype=np.int8).reshape(3, 4),
        "scalar": np.float32(2.5),
        "empty": np.zeros((0, 5), np.float32),
        "names": np.array(["a", "bc"]),
    }
    save(tmp_path / "m.npz", **held)
    found = read(tmp_path / "m.npz").tensors
    assert list(found) == ["params.Dense_0.kernel", *list(held)[1:]]
    assert found.pop("names").values is None
    for name, array in held.items():
        if name != "names":
            stored = found[name.replace("/", ".")]
            assert stored.num_bytes == array.nbytes
            np.testing.assert_array_equal(stored.values.whole(), array)


@settings(max_examples=60)
@given(
    arrays_of.arrays(
        st.sampled_from([np.float32, ">f4", np.int16, ">u2", np.float64, bool]), st.tuples(*[st.integers(0, 4)] * 3)
    ),
    st.booleans(),
)
def test_what_numpy_saves_is_what_is_read(tmp_path_factory, array, by_columns):
    path = tmp_path_factory.mktemp("one") / "w.npy"
    np.save(path, np.asfortranarray(array) if by_columns else array)
    (stored,) = read(path).tensors.values()
    np.testing.assert_array_equal(stored.values.whole(), array)


def test_a_project_takes_them_and_compares(tmp_path):
    np.savez(tmp_path / "a.npz", **{"fc.weight": WEIGHT})
    np.savez_compressed(tmp_path / "b.npz", **{"fc.weight": 2 * WEIGHT})
    with cc.open(tmp_path / "p") as project:
        project.log_model("a", checkpoint=tmp_path / "a.npz")
        project.log_model("b", base="a", operation=cc.Operation("double"), checkpoint=tmp_path / "b.npz")
        rows = project.layers("a", ["b"], "weights").table.to_pylist()
    assert [row["relative_error"] for row in rows if row["parameter"]] == pytest.approx([1.0])


def test_a_type_that_numpy_does_not_name_is_said(tmp_path):
    np.save(tmp_path / "w.npy", np.zeros(4, "V2"))
    (stored,) = read(tmp_path / "w.npy").tensors.values()
    assert stored.values is None and "NumPy as '|V2'" in stored.unread


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "model.empty_file"),
        (b"hello world", "data.not_npz"),
        (header("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", b"x"), "data.unsafe_pickle"),
        (header("{'descr': '<f4', 'fortran_order': False, 'shape': (10000000000000,), }"), "data.too_large"),
        (header("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", b"123"), "model.truncated"),
        (header("{'descr': '<f4', 'fortran_order': False, 'shape': (-3,), }", b"123"), "model.bad_shape"),
        (header(f"{{'descr': '<f4', 'fortran_order': False, 'shape': {(1,) * 40}, }}", b"1234"), "model.bad_shape"),
        (header("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", b"1234"), "model.bad_dtype"),
        (header("{'descr': '<q9', 'fortran_order': False, 'shape': (1,), }", b"1234"), "model.bad_dtype"),
        (header("__import__('os').system('true')"), "model.bad_header"),
        (header("(" * 5000), "model.bad_header"),
        (header("{}" + " " * 20000), "model.bad_header"),
        (header("x", version=9), "model.bad_header"),
    ],
)
def test_bad_arrays_are_refused_in_a_sentence(tmp_path, content, code):
    (tmp_path / "w.npy").write_bytes(content)
    assert code_of(tmp_path / "w.npy") == code


def test_an_archive_cut_anywhere_is_refused(tmp_path):
    np.savez(tmp_path / "m.npz", a=WEIGHT, b=WEIGHT)
    whole = (tmp_path / "m.npz").read_bytes()
    for end in range(0, len(whole), 37):
        (tmp_path / "cut.npz").write_bytes(whole[:end])
        assert code_of(tmp_path / "cut.npz") in ("data.not_npz", "model.empty_file")


def test_a_bomb_is_told_before_it_is_inflated(tmp_path):
    with zipfile.ZipFile(tmp_path / "m.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("w.npy", bytes(80_000_000))
    assert code_of(tmp_path / "m.npz") == "model.expansion_limit"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_that_stand_twice_or_are_too_long(tmp_path):
    content = io.BytesIO()
    np.save(content, WEIGHT)
    for names, code in ((["w.npy", "w.npy"], "model.duplicate_tensor"), ["n" * 2000, "model.name_too_long"]):
        with zipfile.ZipFile(tmp_path / "m.npz", "w") as archive:
            for name in names if isinstance(names, list) else [names]:
                archive.writestr(name, content.getvalue())
        assert code_of(tmp_path / "m.npz") == code


def test_a_member_that_is_said_to_lie_elsewhere(tmp_path):
    np.savez(tmp_path / "m.npz", a=WEIGHT)
    content = bytearray((tmp_path / "m.npz").read_bytes())
    place = content.rindex(b"PK\x01\x02")
    content[place + 42 : place + 46] = (3).to_bytes(4, "little")
    (tmp_path / "m.npz").write_bytes(content)
    assert code_of(tmp_path / "m.npz") == "data.not_npz"


@pytest.mark.parametrize(
    ("shape", "detail"),
    [
        ("(3,)", "It needs 12 bytes, has 3."),
        ("(1000, 1000)", "It needs 4,000,000 bytes, has 3."),
        (f"({10**15}, {10**14})", f"It needs {4 * 10**29:,} bytes, has 3."),
        (f"({10**15}, {10**15})", ""),
    ],
)
def test_the_bytes_that_a_shape_needs_are_said_unless_they_are_too_many_to_read(tmp_path, shape, detail):
    said = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"
    (tmp_path / "w.npy").write_bytes(header(said, b"123"))
    with pytest.raises(InvalidValue) as caught:
        read(tmp_path / "w.npy")
    assert caught.value.detail == detail


@pytest.mark.parametrize("content", [b"hello world, no array", b"\x93NUMPZ and more of it", b"\x93NUMPY\x01"])
def test_what_stands_where_an_array_begins_is_said(tmp_path, content):
    (tmp_path / "w.npy").write_bytes(content)
    with pytest.raises(InvalidValue) as caught:
        read(tmp_path / "w.npy")
    assert (caught.value.code, caught.value.detail) == ("data.not_npz", f"It starts with {content[:6]!a}.")
