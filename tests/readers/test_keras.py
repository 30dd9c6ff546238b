"""Files of weights of Keras, made with h5py: which arrays are read, which codes have a scale, and what is refused."""

import fcntl

import h5py
import numpy as np
import pytest

from compress_compare.errors import InvalidValue
from compress_compare.readers import keras

RNG = np.random.default_rng(8)
BIAS, SCALE = np.array([1, 2, 3], np.float32), np.array([10, 20, 40], np.float32)
CODES = np.array([[1, -2, 3], [127, -127, 0]], np.int8)
UNREAD = "Keras, int8 or int4"


def made(path, **layers):
    """Each variable of a layer under its number."""
    with h5py.File(path, "w") as file:
        for name, variables in layers.items():
            for at, array in enumerate(variables):
                file[f"{name}/vars/{at}"] = array
    return keras.load(path, "m.weights.h5")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "m.weights.h5"


def refusal(path):
    with pytest.raises(InvalidValue) as caught:
        keras.load(path, "m.weights.h5")
    return caught.value


def test_arrays_of_numbers_are_read_and_nothing_else(path):
    kinds = {"f": np.float64(2.5), "i": np.int16(-3), "u": np.uint8(9), "b": np.bool_(True)}
    with h5py.File(path, "w") as file:
        for name, number in kinds.items():
            file[f"vars/{name}"] = np.full((2, 3), number)
        file["text"], file["complex"], file["type"] = "words", np.ones(2, np.complex64), np.dtype("f4")
        file["nothing"], file["zero"] = h5py.Empty("f4"), np.zeros((0, 3), np.float32)
    found, extra = keras.load(path, "m.weights.h5")
    assert list(found) == ["vars.b", "vars.f", "vars.i", "vars.u", "zero"]
    for name, number in kinds.items():
        assert found[f"vars.{name}"].dtype == number.dtype and (found[f"vars.{name}"] == number).all()
    assert extra == {"order": list(found)}


def test_codes_are_divided_by_the_scale_of_their_output_which_is_then_no_tensor(path):
    found, extra = made(path, dense=[CODES, BIAS, SCALE], last=[CODES, SCALE])
    expected = np.array([[0.1, -0.1, 0.075], [12.7, -6.35, 0]], np.float32)
    assert list(found) == ["dense.0", "dense.1", "last.0"] == extra["order"]
    for layer in ("dense", "last"):
        assert found[f"{layer}.0"] == pytest.approx(expected) and found[f"{layer}.0"].dtype == np.float32
        assert extra["converted"][f"{layer}.0"] == {"dtype": "int8", "bytes": 6 + 12, "bits": 8, "group_size": None}
    assert np.array_equal(found["dense.1"], BIAS)


def test_the_last_of_more_than_ten_variables_is_the_one_with_the_largest_number(path):
    names = {10: SCALE, 2: BIAS, 0: CODES}
    with h5py.File(path, "w") as file:
        for at, array in names.items():
            file[f"dense/vars/{at}"] = array
    found, _ = keras.load(path, "m")
    assert sorted(found) == ["dense.0", "dense.2"]
    assert found["dense.0"] == pytest.approx(CODES / SCALE)


@pytest.mark.parametrize(
    "variables",
    [
        [CODES],
        [CODES, BIAS, SCALE, SCALE],
        [CODES, SCALE.astype(np.int32)],
        [CODES, BIAS.astype(np.int32), SCALE],
        [CODES, SCALE[:2]],
        [CODES, BIAS[:2], SCALE],
        [CODES, BIAS, SCALE[:1]],
        [RNG.integers(-9, 9, (3, 3)).astype(np.int8), SCALE],
        [RNG.integers(-9, 9, (2, 4, 3)).astype(np.int8), np.ones((4, 3), np.float32)],
    ],
)
def test_codes_whose_scale_is_not_certain_stay_codes_and_are_said_to_be_unread(path, variables):
    found, extra = made(path, dense=variables)
    assert list(found) == [f"dense.{at}" for at in range(len(variables))] == extra["order"]
    assert np.array_equal(found["dense.0"], variables[0])
    said = {"dtype": "int8", "bytes": variables[0].nbytes, "bits": 8, "group_size": None, "unread": UNREAD}
    assert extra["converted"] == {"dense.0": said}


def test_of_a_square_matrix_with_a_bias_the_scale_is_the_last(path):
    square = RNG.integers(-9, 9, (3, 3)).astype(np.int8)
    found, extra = made(path, dense=[square, BIAS, SCALE])
    assert found["dense.0"] == pytest.approx(square / SCALE) and "dense.2" not in found
    assert "unread" not in extra["converted"]["dense.0"]


@pytest.mark.parametrize("kernel", [CODES.astype(np.int16), CODES.astype(np.uint8), CODES[0], CODES * np.float32(0.5)])
def test_what_are_no_codes_of_a_layer_is_read_as_it_is(path, kernel):
    found, extra = made(path, dense=[kernel, BIAS, SCALE])
    assert np.array_equal(found["dense.0"], kernel) and len(found) == 3
    assert "converted" not in extra


def test_codes_at_another_place_of_a_layer_are_read_as_they_are(path):
    found, extra = made(path, dense=[BIAS, CODES, SCALE])
    assert np.array_equal(found["dense.1"], CODES) and extra == {"order": ["dense.0", "dense.1", "dense.2"]}
    with h5py.File(path, "w") as file:
        file["dense/vars/kernel"], file["dense/other/0"] = CODES, CODES
    found, extra = keras.load(path, "m")
    assert sorted(found) == ["dense.kernel", "dense.other.0"] and "converted" not in extra


def test_a_variable_without_a_number_is_no_scale(path):
    with h5py.File(path, "w") as file:
        file["dense/vars/0"], file["dense/vars/1"], file["dense/vars/kernel"] = CODES, SCALE, BIAS
    found, _ = keras.load(path, "m")
    assert sorted(found) == ["dense.0", "dense.kernel"] and found["dense.0"] == pytest.approx(CODES / SCALE)


def test_a_file_that_another_program_has_locked_is_read(path):
    made(path, dense=[BIAS])
    with path.open("rb+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert list(keras.load(path, "m")[0]) == ["dense.0"]


@pytest.mark.parametrize("place", ["", "inside/"])
@pytest.mark.parametrize("link", [h5py.SoftLink("/w"), h5py.ExternalLink("other.h5", "/w")])
def test_a_link_is_refused_by_its_name_even_if_it_stays_in_the_file(path, place, link):
    with h5py.File(path, "w") as file:
        file["w"] = BIAS
        file[f"{place}link"] = link
    error = refusal(path)
    assert error.code == "model.unsupported_unsafe_format"
    assert f"'{place.replace('/', '.')}link' is a link to another place" in str(error)


def test_numbers_in_another_file_and_plug_ins_are_refused(path, tmp_path):
    (tmp_path / "raw").write_bytes(bytes(16))
    with h5py.File(path, "w") as file:
        file.create_dataset("w", (4,), "f4", external=[(str(tmp_path / "raw"), 0, 16)])
    assert "'w' has its numbers in another file" in str(refusal(path))
    with h5py.File(path, "w") as file:
        layout = h5py.VirtualLayout((3,), "f4")
        layout[:] = h5py.VirtualSource(str(path), "other", (3,))
        file.create_virtual_dataset("w", layout)
    assert "'w' has its numbers in another file" in str(refusal(path))


@pytest.mark.parametrize("compression", ["gzip", "lzf", None])
def test_what_h5py_itself_compresses_is_read(path, compression, monkeypatch):
    with h5py.File(path, "w") as file:
        file.create_dataset("w", data=np.arange(3000.0), compression=compression)
    assert np.array_equal(keras.load(path, "m")[0]["w"], np.arange(3000.0))
    monkeypatch.setattr(keras, "FILTERS", ())
    error = refusal(path)
    assert (error.code, "is compressed by a plug-in" in str(error)) == ("model.unsupported_unsafe_format", True)


def test_groups_may_be_nested_up_to_a_limit_and_never_lead_back(path, monkeypatch):
    monkeypatch.setattr(keras, "MAX_DEPTH", 3)
    with h5py.File(path, "w") as file:
        file["a/b/c/d/w"], file["b"] = BIAS, BIAS
    assert sorted(keras.load(path, "m")[0]) == ["a.b.c.d.w", "b"]
    with h5py.File(path, "w") as file:
        file["a/b/c/d/e/w"] = BIAS
    assert "'a.b.c.d.e' leads back to itself, or is nested too deeply" in str(refusal(path))
    with h5py.File(path, "w") as file:
        file["a/b/w"] = BIAS
        file["a/b/back"] = file["a"]
        file["twice"] = file["a/b/w"]
    error = refusal(path)
    assert error.code == "model.unsupported_unsafe_format" and "'a.b.back' leads back" in str(error)


def test_the_same_group_in_two_places_is_read_twice(path):
    with h5py.File(path, "w") as file:
        file["a/w"] = BIAS
        file["b"] = file["a"]
    assert list(keras.load(path, "m")[0]) == ["a.w", "b.w"]


@pytest.mark.parametrize(("small", "numbers", "is_read"), [(0, 100, True), (0, 101, False), (101, 101, True)])
def test_an_array_of_which_nothing_is_held_may_be_small(path, monkeypatch, small, numbers, is_read):
    monkeypatch.setattr(keras, "SMALL", small)
    with h5py.File(path, "w") as file:
        file.create_dataset("w", (numbers,), "u1")  # nothing is written, so that HDF5 allots nothing
    if is_read:
        assert keras.load(path, "m")[0]["w"].tolist() == [0] * numbers
    else:
        error = refusal(path)
        assert (error.code, "needs 101 bytes and has 0; the limit is 100:1" in str(error)) == (
            "model.expansion_limit", True,
        )  # fmt: skip


def test_the_limits():
    assert (keras.SMALL, keras.MAX_RATIO, keras.MAX_DEPTH) == (64 * 1024**2, 100, 64)


def test_an_array_may_be_a_hundred_times_larger_than_what_is_held_of_it(path, monkeypatch):
    monkeypatch.setattr(keras, "SMALL", 0)
    assert keras.load(_zeros(path, 5000), "m")[0]["w"].size == 5000
    error = refusal(_zeros(path, 50_000))
    assert error.code == "model.expansion_limit" and "'w' needs 400,000 bytes and has " in str(error)


def _zeros(path, count):
    """Zeros, which gzip makes small: to under a thousandth, but for the first bytes."""
    with h5py.File(path, "w") as file:
        file.create_dataset("w", data=np.zeros(count) if count > 5000 else RNG.normal(size=count), compression="gzip")
    return path


def test_the_number_of_arrays_is_limited(path, monkeypatch):
    monkeypatch.setattr(keras, "MAX_TENSORS", 3)
    assert len(made(path, dense=[BIAS, BIAS, BIAS])[0]) == 3
    with pytest.raises(InvalidValue, match="holds more than 3 arrays") as caught:
        made(path, dense=[BIAS, BIAS, BIAS, BIAS])
    assert caught.value.code == "model.too_many_tensors"


def test_files_without_arrays_or_of_something_else_are_refused(path):
    with h5py.File(path, "w") as file:
        file["text"] = "words"
    assert refusal(path).code == "model.no_tensors"
    path.write_bytes(b"no file of HDF5")
    assert refusal(path).code == "model.not_a_checkpoint"
