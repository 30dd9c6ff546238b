"""The measures of Layers: each is read from a column that its mode has, and shares are of what they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import compress_compare as cc
from compress_compare.analysis.layers import measures
from compress_compare.page.vocabulary import SCHEMAS

MEASURES = [(mode, one) for mode, ones in measures.MEASURES.items() for one in ones]


@pytest.mark.parametrize(("mode", "measure"), MEASURES, ids=lambda value: getattr(value, "id", value))
def test_a_measure_is_a_number_of_its_mode_and_says_what_it_means(mode: str, measure: measures.LayerMeasure) -> None:
    kind = SCHEMAS[mode].field(measure.read_from).type
    assert pa.types.is_integer(kind) or pa.types.is_floating(kind)
    assert measure.meaning.endswith(".")
    assert measure.high is None or (measure.low is not None and measure.low < measure.high)


@pytest.mark.parametrize("mode", measures.MEASURES)
def test_no_two_measures_of_a_mode_have_one_name(mode: str) -> None:
    ones = measures.MEASURES[mode]
    assert len({one.id for one in ones}) == len({one.name for one in ones}) == len(ones)


def test_every_mode_has_its_measures() -> None:
    assert set(measures.MEASURES) == set(SCHEMAS)


TABLE = pa.table(
    {
        "module": ["", "conv", "conv", "empty"],
        "parameter": pa.array([None, None, "weight", "weight"]),
        "num_parameters": [40, 40, 40, 0],
        "num_zeros": pa.array([10, None, 30, 0]),
        "bytes": [80, 80, 20, 0],
    }
)


def named(mode: str, id: str) -> measures.LayerMeasure:
    return next(one for one in measures.MEASURES[mode] if one.id == id)


def test_a_share_is_of_the_weights_of_its_own_layer() -> None:
    assert measures.read(TABLE, named("sparsity", "zeros")).to_pylist() == [0.25, None, 0.75, None]


def test_a_share_of_the_model_is_of_the_row_for_the_whole() -> None:
    assert measures.read(TABLE, named("storage", "share")).to_pylist() == [1.0, 1.0, 0.25, 0.0]


def test_any_other_measure_is_the_column() -> None:
    assert measures.read(TABLE, named("storage", "bytes")).to_pylist() == [80.0, 80.0, 20.0, 0.0]


def test_columns_are_named_once_in_the_order_of_the_measures() -> None:
    assert measures.columns("storage") == ["bytes", "bits_per_parameter", "file_bytes"]


@pytest.mark.parametrize(("mode", "measure"), MEASURES, ids=lambda value: getattr(value, "id", value))
def test_kind_unit_and_ends_follow_from_what_a_measure_is_read_from(mode: str, measure: measures.LayerMeasure) -> None:
    is_whole = pa.types.is_integer(SCHEMAS[mode].field(measure.read_from).type)
    assert measure.counts == (is_whole and measure.share_of != "model")
    assert (measure.format == ",d") == (measure.counts and measure.unit == "" and measure.share_of is None)
    assert (measure.unit == "B") == ("bytes" in measure.read_from and measure.share_of is None)
    in_decibels = measure.id.endswith("_db")
    assert (measure.unit == "dB") == (measure.loss == "decibels") == in_decibels
    assert measure.low == (None if in_decibels or measure.id == "repair" else -1 if measure.id == "cosine" else 0)
    is_bounded = measure.share_of is not None or measure.id in ("cosine", "cka", "clipped")
    assert measure.high == (1 if is_bounded else None)


@pytest.mark.parametrize(("mode", "measure"), MEASURES, ids=lambda value: getattr(value, "id", value))
def test_the_direction_is_that_of_what_is_lost(mode: str, measure: measures.LayerMeasure) -> None:
    directions = {"decibels": True, "cosine": True, "alignment": True, "error": False, "some": False, "any": False}
    if measure.loss is not None:
        assert measure.higher_is_better is directions[measure.loss]
    else:
        assert measure.higher_is_better is (False if measure.id.endswith("change") else None)
    assert measure.log == ("error" in measure.id or measure.id in ("channel_norm_change", "num_distinct"))


def test_what_compares_says_nothing_of_a_tensor_without_a_counterpart(tmp_path: Path) -> None:
    weight = np.arange(12, dtype=np.float32).reshape(3, 4)
    with cc.open(tmp_path / "p") as project:
        project.log_model("base", checkpoint={"fc.weight": weight})
        project.log_model(
            "m", base="base", operation=cc.Operation("q"), checkpoint={"fc.weight": weight, "new.w": weight}
        )
        for mode in ("sparsity", "weights", "storage"):
            rows = [row for row in project.layers("base", ["m"], mode).table.to_pylist() if row["parameter"]]
            known = {row["module"]: {name for name, value in row.items() if value is not None} for row in rows}
            for measure in measures.MEASURES[mode]:
                assert measure.read_from in known["fc"]
                assert (measure.read_from not in known["new"]) is measure.compares


def test_a_measure_of_which_nothing_is_said_is_a_number_from_zero_on() -> None:
    plain = measures.LayerMeasure("a", "A", "What it means.")
    assert (plain.read_from, plain.share_of, plain.unit, plain.format, plain.low, plain.high) == (
        "a",
        None,
        "",
        "",
        0,
        None,
    )
    assert (plain.higher_is_better, plain.loss) == (None, None)
    assert not (plain.log or plain.compares or plain.counts)
