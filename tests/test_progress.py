"""Computations that somebody watches."""

from __future__ import annotations

import pytest

from compress_compare import progress
from compress_compare.progress import Cancelled, Watch


def test_without_a_watch_nothing_is_said() -> None:
    progress.step("anything", 1, total=2)
    assert list(progress.steps("anything", [1, 2], sizes=[5, 5])) == [1, 2]


def test_steps_are_counted() -> None:
    watch, seen = Watch(), []
    with progress.under(watch):
        for item in progress.steps("reading", "abc", sizes=[1, 5, 2]):
            seen.append((item, watch.what, watch.done, watch.total))
    assert seen == [("a", "reading", 0, 8), ("b", "reading", 1, 8), ("c", "reading", 6, 8)]
    assert (watch.done, watch.total) == (8, 8)


def test_what_is_cancelled_ends_at_its_next_step() -> None:
    watch, seen = Watch(), []
    with progress.under(watch), pytest.raises(Cancelled, match="was cancelled"):
        for item in progress.steps("reading", iter(range(10)), sizes=[1] * 10):
            seen.append(item)
            watch.cancelled = item == 3
    assert seen == [0, 1, 2, 3]
    progress.step("afterwards nobody watches")
