"""The measures of Layers: each is read from a column that its mode has, and shares are of what they say."""

from __future__ import annotations

import pyarrow as pa
import pytest

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
