from __future__ import annotations

import pytest

from compress_compare.errors import InvalidValue, NotFound
from compress_compare.operations import MagnitudePrune, Quantize
from compress_compare.recipes.levels import DEFAULT_LEVELS, levels


def test_values_between_commas_are_an_operation_each() -> None:
    assert levels(["quantize bits=8,4", "magnitude prune amount=0.5"]) == [
        Quantize(bits=8),
        Quantize(bits=4),
        MagnitudePrune(amount=0.5),
    ]
    assert [level.parameters["bits"] for level in levels(DEFAULT_LEVELS)] == [8, 6, 5, 4, 3, 2]
    assert levels(["quantize bits=4", "quantize bits=4"]) == [Quantize(bits=4)]


@pytest.mark.parametrize("text", ["", "bits=4", "quantize bits=[", "quantize bits=4 now"])
def test_what_is_no_level_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        levels([text])
    assert caught.value.code == "level.text" and "quantize bits=8,4" in caught.value.hint


def test_unknown_operations_and_bad_values_are_named() -> None:
    with pytest.raises(NotFound, match="shrink"):
        levels(["shrink by=2"])
    with pytest.raises(InvalidValue, match="bits"):
        levels(["quantize bits=99"])
