from __future__ import annotations

from typing import Any

import pytest

from compress_compare.analysis.selection.values import labels, sort_key, unique_names


def test_numbers_order_numerically_also_within_text() -> None:
    values: list[Any] = ["w10", "w9", 300, 90, "1e3", "-2", "w", None, True, False, [2], 0.5, "nan"]
    expected = [None, False, True, 0.5, 90, 300, "-2", "1e3", "nan", "w", "w9", "w10", [2]]
    assert sorted(values, key=sort_key) == expected


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([None, 0.5, 1], (None, 0.5, 1)),
        ([False, True], (False, True)),
        ([0, False], ("0", "false")),
        ([[1, "a"], "b"], ('[1, "a"]', "b")),
        ([None, [1], "[1]"], (None, "[1]", '"[1]"')),
    ],
)
def test_labels_differ(values: list[Any], shown: tuple[Any, ...]) -> None:
    assert labels(values) == shown
    assert [type(label) for label in labels(values)] == [type(label) for label in shown]


def test_names_are_numbered() -> None:
    assert unique_names(["a", "b", "a", "a 2", "a"]) == ["a", "b", "a 2", "a 2 2", "a 3"]
