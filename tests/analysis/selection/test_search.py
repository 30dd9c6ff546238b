from __future__ import annotations

from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from compress_compare.analysis.selection.candidates import Candidate, in_order
from compress_compare.analysis.selection.search import greedy_set, smallest_set

KINDS = ("parameter", "presence", "operation", "sequence")


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[Candidate], int]:
    rows = draw(st.integers(1, 120))
    found = []
    for i in range(draw(st.integers(1, 8))):
        size = draw(st.integers(2, 9))
        seed = draw(st.integers(0, 2**16))
        codes = np.random.default_rng(seed).integers(0, size, rows).astype(np.int32)
        values, codes = np.unique(codes, return_inverse=True)
        rank = draw(st.integers(0, 3))
        found.append(Candidate(KINDS[rank], f"v{i}", tuple(values.tolist()), codes.astype(np.int32), rank, i))
    return in_order(found), rows


def tells_apart(chosen: list[Candidate] | tuple[Candidate, ...], rows: int) -> bool:
    return len(set(zip(*(c.codes.tolist() for c in chosen), strict=True)) if chosen else [()]) == rows


@given(tables())
def test_the_smallest_and_simplest_set_is_found(table: tuple[list[Candidate], int]) -> None:
    candidates, rows = table
    expected = None
    for size in range(4):
        sets = [chosen for chosen in combinations(candidates, size) if tells_apart(chosen, rows)]
        if sets:
            expected = (size, min(sum(candidate.rank for candidate in chosen) for chosen in sets))
            break
    found = smallest_set(candidates, rows)
    assert (found is None) == (expected is None)
    if found is not None:
        assert tells_apart(found, rows)
        assert (len(found), sum(candidate.rank for candidate in found)) == expected


@given(tables())
def test_a_greedy_set_tells_all_apart_and_has_nothing_to_spare(table: tuple[list[Candidate], int]) -> None:
    candidates, rows = table
    found = greedy_set(candidates, rows)
    assert (found is None) == (not tells_apart(candidates, rows))
    for i in range(len(found or ())):
        assert found is not None
        assert tells_apart(found, rows)
        assert not tells_apart(found[:i] + found[i + 1 :], rows)


def test_a_full_grid_is_preferred_to_one_with_holes() -> None:
    def candidate(name: str, codes: list[int]) -> Candidate:
        return Candidate("parameter", name, tuple(range(max(codes) + 1)), np.array(codes, np.int32), 0, 0)

    crossed = [candidate("x", [0, 0, 1, 1]), candidate("y", [0, 1, 0, 1])]
    holes = [candidate("a", [0, 1, 2, 2]), candidate("b", [0, 0, 0, 1])]
    assert {c.name for c in smallest_set(in_order([*holes, *crossed]), 4) or ()} == {"x", "y"}


def test_fewer_values_come_before_an_even_spread() -> None:
    def candidate(name: str, codes: list[int]) -> Candidate:
        return Candidate("parameter", name, tuple(range(max(codes) + 1)), np.array(codes, np.int32), 0, 0)

    first, few = candidate("first", [0, 1, 2, 3, 4, 4]), candidate("few", [0, 0, 0, 0, 0, 1])
    even = candidate("even", [0, 1, 2, 0, 1, 2])
    found = smallest_set(in_order([first, even, few]), 6)
    assert found is not None and {each.name for each in found} == {"first", "few"}
