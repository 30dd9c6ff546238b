"""``project.tensor`` against what NumPy says of the whole arrays."""

import numpy as np
import pytest

import compress_compare as cc
from compress_compare.analysis.layers.tiles import TilePlace
from compress_compare.errors import InvalidValue, NotFound

SHAPES = {"wide.weight": (70, 3, 3, 41), "tall.weight": (901, 5), "tall.bias": (901,), "scale": ()}


@pytest.fixture(scope="module")
def arrays():
    draw = np.random.default_rng(4)
    base = {name: draw.standard_normal(shape).astype(np.float32) for name, shape in SHAPES.items()}
    model = {name: (array + 0.1 * draw.standard_normal(array.shape)).astype(np.float32) for name, array in base.items()}
    model["wide.weight"][10] = base["wide.weight"][10]
    model["wide.weight"][11] = 0
    base["wide.weight"][12, 0] = 0
    model["tall.weight"] = np.round(base["tall.weight"] * 4).clip(-6, 6).astype(np.float32) / 4
    return base, model


@pytest.fixture(scope="module")
def project(arrays, tmp_path_factory):
    base, model = arrays
    spoilt = model | {"wide.weight": model["wide.weight"].copy(), "extra.weight": np.ones((3, 2), np.float32)}
    spoilt["wide.weight"][3, 0, 0, 0] = np.nan
    del spoilt["tall.bias"]
    spoilt["tall.weight"] = model["tall.weight"][:900]
    with cc.open(tmp_path_factory.mktemp("tensors") / "project") as opened:
        opened.log_model("base", checkpoint=base)
        opened.log_model("model", base="base", checkpoint=model)
        opened.log_model("spoilt", base="base", checkpoint=spoilt)
        yield opened


def cells(array, rows, columns):
    """Blocks of a matrix, cut the slow way."""
    return [
        [array[r : r + rows, c : c + columns] for c in range(0, array.shape[1], columns)]
        for r in range(0, array.shape[0], rows)
    ]


def furthest(block):
    """Of ±x the positive one."""
    return max(block.flat, key=lambda number: (abs(number), number))


def grid(table, name):
    size = int(table.schema.metadata[b"rows"]), int(table.schema.metadata[b"columns"])
    return table[name].to_numpy().reshape(size)


@pytest.mark.parametrize("levels", [(0, 0), (1, 0), (0, 3), (2, 1), (9, 9)])
@pytest.mark.parametrize("name", list(SHAPES))
def test_cells_are_means_and_extremes_of_their_numbers(project, arrays, name, levels):
    base, model = (side[name].astype(np.float64).reshape(SHAPES[name][0] if SHAPES[name] else 1, -1) for side in arrays)
    view = project.tensor("base", "model", name=name)
    assert view.size == base.shape
    step = 1 << levels[0], 1 << levels[1]
    place = TilePlace(*levels, 0, 0)
    part = slice(0, 256 * step[0]), slice(0, 256 * step[1])
    value, change = view.tile(place, "value"), view.tile(place, "change")
    assert value.num_rows <= 256 * 256
    expected = cells(model[part], *step)
    np.testing.assert_allclose(grid(value, "mean"), [[b.mean() for b in row] for row in expected], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(grid(value, "peak"), [[furthest(b) for b in row] for row in expected], rtol=1e-6)
    moved = cells((model - base)[part], *step)
    np.testing.assert_allclose(grid(change, "mean"), [[b.mean() for b in row] for row in moved], rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(
        np.abs(grid(change, "peak")), [[np.abs(b).max() for b in row] for row in moved], rtol=1e-5
    )
    np.testing.assert_allclose(grid(change, "model") - grid(change, "base"), grid(change, "mean"), atol=1e-5)


def test_tiles_cover_the_tensor_once(project, arrays):
    whole = arrays[1]["tall.weight"]
    parts = [
        grid(project.tensor("base", "model", name="tall.weight").tile(TilePlace(0, 0, row, 0), "value"), "mean")
        for row in range(4)
    ]
    assert [len(part) for part in parts] == [256, 256, 256, 133]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    with pytest.raises(InvalidValue, match=r"no tile in row 4 at level 0: the tensor has 901 rows") as refused:
        project.tensor("base", "model", name="tall.weight").tile(TilePlace(0, 0, 4, 0), "value")
    assert "0 to 3" in refused.value.hint


def test_masks_tell_whose_zeros_they_are(project, arrays):
    base, model = (side["wide.weight"].reshape(70, -1) == 0 for side in arrays)
    found = project.tensor("base", "model", name="wide.weight").tile(TilePlace(0, 0, 0, 0), "mask")
    inside = slice(0, 70), slice(0, 256)
    np.testing.assert_array_equal(grid(found, "zero_both"), (base & model)[inside])
    np.testing.assert_array_equal(grid(found, "zero_model_only"), (model & ~base)[inside])
    np.testing.assert_array_equal(grid(found, "zero_base_only"), (base & ~model)[inside])
    assert grid(found, "zero_model_only")[11].all()
    assert grid(found, "zero_base_only")[12, :123].any()


def test_channels(project, arrays):
    base, model = (side["wide.weight"].astype(np.float64).reshape(70, -1) for side in arrays)
    table = project.tensor("base", "model", name="wide.weight").channels
    np.testing.assert_allclose(table["norm"], np.linalg.norm(model, axis=1), rtol=1e-12)
    np.testing.assert_allclose(table["change"], np.linalg.norm(model - base, axis=1), rtol=1e-12)
    np.testing.assert_allclose(table["peak"], np.abs(model).max(1))
    assert table["num_zeros"].to_pylist() == (model == 0).sum(1).tolist()
    relative = table["relative_change"].to_numpy()
    assert relative[10] == 0
    assert relative[11] == pytest.approx(1)
    measured = project.tensor("base", "model", name="wide.weight").measured
    assert measured.rms == pytest.approx((np.sqrt((model**2).mean()), np.sqrt(((model - base) ** 2).mean())))


def test_the_codebook_counts_each_value(project, arrays):
    values, counts = np.unique(arrays[1]["tall.weight"], return_counts=True)
    found = project.tensor("base", "model", name="tall.weight").codebook
    assert found["values"].tolist() == values.tolist()
    assert found["counts"].tolist() == counts.tolist()
    assert project.tensor("base", "base", name="tall.weight").codebook is None


@pytest.mark.parametrize("name", ["wide.weight", "tall.weight"])
def test_singular_values(project, arrays, name):
    expected = np.linalg.svd(arrays[0][name].astype(np.float64).reshape(SHAPES[name][0], -1), compute_uv=False)
    found = project.tensor("base", "base", name=name).spectrum
    np.testing.assert_allclose(found.values, expected, rtol=1e-6, atol=1e-6 * expected[0])


def test_what_has_no_spectrum_says_why(project, monkeypatch):
    assert "vector" in project.tensor("base", "model", name="tall.bias").spectrum.why
    assert "not finite" in project.tensor("base", "spoilt", name="wide.weight").spectrum.why
    monkeypatch.setattr("compress_compare.analysis.layers.singular.MOST", 4)
    assert "computed up to 4" in project.tensor("base", "model", name="tall.weight").spectrum.why


def test_nan_is_seen_and_spoils_no_scale(project):
    view = project.tensor("base", "spoilt", name="wide.weight")
    found = view.tile(TilePlace(2, 2, 0, 0), "value")
    assert np.isnan(grid(found, "mean")[0, 0])
    assert np.isnan(grid(found, "peak")).sum() == 1
    assert np.isfinite(view.measured.rms).all()


def test_without_a_counterpart_there_is_no_change(project):
    for name, reason in (("extra.weight", "no such tensor"), ("tall.weight", "another shape")):
        view = project.tensor("base", "spoilt", name=name)
        assert not view.compares
        assert view.tile(TilePlace(0, 0, 0, 0), "value").num_rows == min(view.size[0], 256) * view.size[1]
        assert view.channels["change"].null_count == view.size[0]
        with pytest.raises(InvalidValue, match=reason):
            view.tile(TilePlace(0, 0, 0, 0), "change")


def test_unknown_tensors_are_refused_with_those_that_there_are(project):
    with pytest.raises(NotFound, match=r"no tensor 'tall\.weights'") as refused:
        project.tensor("base", "model", name="tall.weights")
    assert "tall.weight, tall.bias" in refused.value.hint or "tall.bias, tall.weight" in refused.value.hint
    with pytest.raises(NotFound, match="only the base has it"):
        project.tensor("base", "spoilt", name="tall.bias")
