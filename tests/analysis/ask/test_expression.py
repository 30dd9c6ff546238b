"""Conditions as people write them, against what they mean."""

from __future__ import annotations

import math
import random
from typing import Any

import pyarrow as pa
import pytest

from compress_compare.analysis.ask.expression import parse
from compress_compare.analysis.ask.selecting import ModelColumns, mask, order
from compress_compare.errors import InvalidValue
from compress_compare.evaluation import metrics
from compress_compare.records import Metric

FIELDS = ("id", "operation", "tags", "acc", "size", "latency", "slow")
ROWS: list[dict[str, Any]] = [
    dict(zip(FIELDS, row, strict=True))
    for row in (
        ("cnn", None, ["root"], 0.98, 470e3, 0.005, 1.0),
        ("cnn-p50", "magnitude prune", [], 0.97, 300e3, None, 2.0),
        ("cnn-p90", "magnitude prune", ["and more"], math.nan, 90e3, 0.004, None),
        ("CNN-q4", "quantize", ["best", "root"], 0.95, 60e3, 0.003, 3.0),
    )
]
NAMES = {
    "acc": metrics.TOP1_ACCURACY,
    "size": metrics.PACKED_SIZE,
    "latency": metrics.ONNX_LATENCY,
    "slow": Metric("Rock and Roll"),
}


@pytest.fixture(scope="module")
def columns() -> ModelColumns:
    fields = {
        "id": pa.array([row["id"] for row in ROWS]),
        "operation": pa.array([row["operation"] for row in ROWS]),
        "tags": pa.array([row["tags"] for row in ROWS], pa.list_(pa.string())),
    }
    numbers = {
        metric.name: pa.array([row[key] for row in ROWS], pa.float64(), from_pandas=False)
        for key, metric in NAMES.items()
    }
    return ModelColumns(pa.table({**fields, **numbers}), {metric.name: metric for metric in NAMES.values()})


def found(columns: ModelColumns, text: str) -> list[str]:
    rows = mask(parse(text, columns.names), columns)
    return [row["id"] for row, chosen in zip(ROWS, rows, strict=True) if chosen]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('Packed Size < 300 kB and "Top-1 Accuracy" > 0.9', ["CNN-q4"]),
        ("Packed Size <= 300 kB", ["cnn-p50", "cnn-p90", "CNN-q4"]),
        ("packed size<=300kB", ["cnn-p50", "cnn-p90", "CNN-q4"]),
        ("Packed Size < 293 KiB", ["cnn-p50", "cnn-p90", "CNN-q4"]),
        ("Top-1 Accuracy >= 97%", ["cnn", "cnn-p50"]),
        ("Top-1 Accuracy != 0.98", ["cnn-p50", "cnn-p90", "CNN-q4"]),
        ("not Top-1 Accuracy > 0.96", ["cnn-p90", "CNN-q4"]),
        ("Latency (ONNX Runtime) < 4.5 ms", ["cnn-p90", "CNN-q4"]),
        ("Latency (ONNX Runtime) is missing", ["cnn-p50"]),
        ("Latency (ONNX Runtime) is not missing and operation is missing", ["cnn"]),
        ("Rock and Roll > 1 and Packed Size < 100 kB", ["CNN-q4"]),
        ("operation = magnitude prune", ["cnn-p50", "cnn-p90"]),
        ("operation == 'magnitude prune'", ["cnn-p50", "cnn-p90"]),
        ("operation != quantize", ["cnn-p50", "cnn-p90"]),
        ("operation contains PRUNE", ["cnn-p50", "cnn-p90"]),
        ("id contains cnn", ["cnn", "cnn-p50", "cnn-p90", "CNN-q4"]),
        ("tags contains root", ["cnn", "CNN-q4"]),
        ('tags contains "and more"', ["cnn-p90"]),
        ("tags != root", ["cnn-p90"]),
        ("id = cnn or id = cnn-p50 and Packed Size > 1 MB", ["cnn"]),
        ("(id = cnn or id = cnn-p50) and Packed Size > 1 MB", []),
        ("not (id = cnn or id = cnn-p50)", ["cnn-p90", "CNN-q4"]),
        ("not not id = cnn", ["cnn"]),
    ],
)
def test_conditions(columns: ModelColumns, text: str, expected: list[str]) -> None:
    assert found(columns, text) == expected


@pytest.mark.parametrize(
    ("text", "code", "place", "said"),
    [
        ("Packed Sise < 300 kB", "ask.name", 1, "Did you mean 'Packed Size'?"),
        ("id = cnn and top1 accuracy > 0.9", "ask.name", 14, "Did you mean 'Top-1 Accuracy'?"),
        ("'nothing at all' > 1", "ask.name", 1, "There are: id"),
        ("Packed Size", "ask.syntax", 12, "After 'Packed Size'"),
        ("Packed Size <", "ask.syntax", 14, "A value is missing"),
        ("Packed Size < 300 lightyears", "ask.value", 15, "not known"),
        ("Packed Size < 300 ms", "ask.value", 15, "The metric is in B"),
        ("Packed Size contains 3", "ask.value", 22, "contains is for texts"),
        ("operation < 3", "ask.value", 13, "=, != and contains"),
        ("(id = cnn", "ask.syntax", 10, "closing parenthesis"),
        ("id = cnn) and", "ask.syntax", 9, "should end here"),
        ("id = 'cnn", "ask.syntax", 6, "never closed"),
        ("id is", "ask.syntax", 6, "missing, or not missing"),
        ("and id = cnn", "ask.name", 1, "and id"),
        ("", "ask.syntax", 1, "name of a metric"),
        ("(" * 60 + "id = cnn" + ")" * 60, "ask.syntax", 52, "nested"),
        ("__import__('os').system('true')", "ask.name", 1, "__import__"),
        ("id = cnn; drop table models", "ask.value", None, ""),
    ],
)
def test_errors_point_to_the_place(columns: ModelColumns, text: str, code: str, place: int | None, said: str) -> None:
    if code == "ask.value" and place is None:
        assert found(columns, text) == []
        return
    with pytest.raises(InvalidValue) as caught:
        found(columns, text)
    assert caught.value.code == code
    assert said in str(caught.value)
    assert f"Character {place}" in str(caught.value)


def test_a_metric_in_several_ways_has_to_be_chosen() -> None:
    with pytest.raises(InvalidValue) as caught:
        parse("Latency < 3 ms", ["id", "Latency (cpu)", "Latency (gpu)"])
    assert "Choose one of: 'Latency (cpu)', 'Latency (gpu)'." in str(caught.value)
    assert parse("Latency (gpu) < 3 ms", ["id", "Latency (cpu)", "Latency (gpu)"])


def test_random_text_ends_in_a_mask_or_an_error(columns: ModelColumns) -> None:
    pieces = [
        "Packed Size",
        "id",
        "<",
        ">=",
        "=",
        "(",
        ")",
        "and",
        "or",
        "not",
        "contains",
        "'",
        '"',
        "3",
        "kB",
        "é",
        " ",
    ]
    chance = random.Random(0)
    for _ in range(3000):
        text = "".join(chance.choice(pieces) + chance.choice(["", " "]) for _ in range(chance.randint(1, 12)))
        try:
            assert set(found(columns, text)) <= {row["id"] for row in ROWS}
        except InvalidValue as error:
            assert error.code.startswith("ask.")


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        (["Packed Size"], ["CNN-q4", "cnn-p90", "cnn-p50", "cnn"]),
        (["-packed size"], ["cnn", "cnn-p50", "cnn-p90", "CNN-q4"]),
        (["Top-1 Accuracy"], ["CNN-q4", "cnn-p50", "cnn", "cnn-p90"]),
        (["-Top-1 Accuracy"], ["cnn", "cnn-p50", "CNN-q4", "cnn-p90"]),
        (["operation", "-Packed Size"], ["cnn-p50", "cnn-p90", "CNN-q4", "cnn"]),
        (["id"], ["CNN-q4", "cnn", "cnn-p50", "cnn-p90"]),
    ],
)
def test_order(columns: ModelColumns, by: list[str], expected: list[str]) -> None:
    import numpy as np

    rows = order(columns, by, rows=np.arange(len(ROWS)))
    assert [ROWS[row]["id"] for row in rows] == expected


def test_lists_have_no_order(columns: ModelColumns) -> None:
    import numpy as np

    with pytest.raises(InvalidValue, match="no order"):
        order(columns, ["tags"], rows=np.arange(len(ROWS)))
