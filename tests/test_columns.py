"""Columns of Arrow tables are those that pyarrow itself makes, and pandas is not imported for them."""

import math
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

from compress_compare import columns

TEXTS = [[], ["a"], ["", None, "äö", "x" * 300], [None] * 9, [f"m{i}" if i % 3 else None for i in range(1000)]]


@pytest.mark.parametrize("given", TEXTS)
def test_texts(given: list[str | None]) -> None:
    made = columns.texts(given)
    made.validate(full=True)
    assert made.equals(pa.array(given, pa.string()))


@pytest.mark.parametrize("given", [[], [[]], [["a", "b"], [], ["c"]], [[] for _ in range(20)]])
def test_lists_of_texts(given: list[list[str]]) -> None:
    made = columns.lists_of_texts(given)
    made.validate(full=True)
    assert made.equals(pa.array(given, pa.list_(pa.string())))


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.float64])
@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 1000])
def test_numbers(dtype: type, count: int) -> None:
    values = np.arange(2 * count, dtype=dtype)[::2]
    missing = np.arange(count) % 3 == 1
    for mask in (None, missing, np.zeros(count, bool), np.bool_(False)):
        made = columns.numbers(values, missing=mask)
        made.validate(full=True)
        assert made.equals(pa.array(values, mask=None if mask is None else np.broadcast_to(mask, count)))


def test_nan_is_a_value() -> None:
    made = columns.numbers(np.array([1.0, math.nan, 3.0]), missing=np.array([True, False, False]))
    assert made.null_count == 1
    assert math.isnan(made[1].as_py())


def test_pandas_is_not_imported() -> None:
    code = """if True:
        import sys, numpy as np, pyarrow as pa
        from compress_compare import columns
        table = pa.table({"a": columns.texts(["x", None]), "b": columns.numbers(np.arange(2.0))})
        table.take(columns.numbers(np.array([1]))).to_pylist()
        sys.exit("pandas" in sys.modules)"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
