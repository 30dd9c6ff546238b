from __future__ import annotations

import pytest

from compress_compare.analysis.selection.distinct import canonical_step
from compress_compare.records import Operation


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Operation("q", x=1), Operation("q", x=1.0)),
        (Operation("q", x=1e300), Operation("q", x=int(1e300))),
        (Operation("q", x=None), Operation("q")),
        (Operation("q", x=1, y=2), Operation("q", y=2, x=1)),
        (Operation("q", x={"a": 1, "b": None}), Operation("q", x={"a": 1.0})),
        (Operation("q", seed=1), Operation("q", seed=2)),
        (Operation("q", x=[1, 2]), Operation("q", x=[1.0, 2])),
    ],
)
def test_the_same_step(one: Operation, other: Operation) -> None:
    assert canonical_step(one) == canonical_step(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Operation("q", x=1), Operation("q", x=True)),
        (Operation("q", x=1), Operation("q", x="1")),
        (Operation("q", x=[1]), Operation("q", x="[1]")),
        (Operation("q", x={}), Operation("q")),
        (Operation("q"), Operation("p")),
        (Operation("q", x=0.1), Operation("q", x=0.2)),
        (Operation("q"), None),
    ],
)
def test_another_step(one: Operation, other: Operation | None) -> None:
    assert canonical_step(one).key != canonical_step(other).key


def test_the_seed_counts_where_it_is_asked_for() -> None:
    one, other = (canonical_step(Operation("q", seed=seed), without=()) for seed in (1, 2))
    assert one.key != other.key
    assert one.parameters == {"seed": 1}


def test_mappings_are_flat() -> None:
    assert canonical_step(Operation("q", x={"a": {"b": 1}, "c": []})).parameters == {"x.a.b": 1, "x.c": []}
