from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compress_compare.analysis.selection.candidates import Candidate, Kind, in_order
from compress_compare.analysis.selection.search import greedy_set, joint, num_groups, smallest_set

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


def named(name: str, codes: list[int], *, kind: Kind = "parameter", **fields: Any) -> Candidate:
    """A candidate; of rank 0 and place 0 unless given."""
    fields = {"rank": 0, "place": 0} | fields
    return Candidate(kind, name, tuple(range(max(codes) + 1)), np.array(codes, np.int32), **fields)


def names(found: list[Candidate] | None) -> set[str] | None:
    return None if found is None else {each.name for each in found}


@pytest.mark.parametrize(
    ("kind", "place", "chosen"),
    [
        ("operation", 3, {"x", "mixed"}),  # it says which of the operations the parameter is of
        ("operation", 4, {"x", "plain"}),
        ("presence", 3, {"x", "plain"}),
        ("sequence", 4, {"x", "mixed"}),  # which says all operations
    ],
)
def test_a_parameter_of_several_operations_costs_five_unless_its_operation_is_said(
    kind: Kind, place: int, chosen: set[str]
) -> None:
    x = named("x", [0, 0, 1, 1], kind=kind, place=place)
    mixed = named("mixed", [0, 1, 0, 1], rank=1, place=3, mixed=True)
    plain = named("plain", [0, 1, 1, 0], rank=5, place=5)
    assert names(smallest_set([x, mixed, plain], 4)) == chosen
    cheap = named("plain", [0, 1, 1, 0], rank=7, place=5)
    assert names(smallest_set([x, mixed, cheap], 4)) == {"x", "mixed"}


def test_the_first_of_equally_good_sets_is_taken() -> None:
    candidates = [named(name, [0, 1, 2]) for name in "abc"]
    assert names(smallest_set(candidates, 3)) == {"a"}
    assert names(smallest_set([named("a", [0, 0, 1]), *candidates[1:]], 3)) == {"b"}


def test_no_candidate_is_needed_for_one_row_and_none_is_enough_for_equal_ones() -> None:
    assert smallest_set([], 1) == smallest_set([], 0) == greedy_set([], 1) == greedy_set([], 0) == []
    assert smallest_set([], 2) is greedy_set([], 2) is None
    equal = [named("a", [0, 0, 1]), named("b", [1, 1, 0])]
    assert smallest_set(equal, 3) is greedy_set(equal, 3) is None


def bits(count: int) -> list[Candidate]:
    return [named(f"b{at}", [row >> at & 1 for row in range(1 << count)]) for at in range(count)]


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_sets_of_up_to_three_are_found_and_larger_ones_greedily(count: int) -> None:
    found, rows = smallest_set(bits(count), 1 << count), 1 << count
    assert names(found) == (None if count > 3 else {f"b{at}" for at in range(count)})
    assert names(greedy_set(bits(count), rows)) == {f"b{at}" for at in range(count)}


def test_many_rows_of_which_only_distant_ones_are_alike() -> None:
    # pairs required from the start stand near each other; those that are far apart are found afterwards
    rows = 400
    near = named("near", [row % 200 for row in range(rows)])
    half = named("half", [row // 200 for row in range(rows)], rank=3)
    all_but_one = named("all but one", [min(row, rows - 2) for row in range(rows)])
    assert names(smallest_set([near, half, all_but_one], rows)) == {"near", "all but one"}
    assert names(smallest_set([near, half], rows)) == {"near", "half"}
    assert smallest_set([near, all_but_one][:1], rows) is None


def test_what_a_later_candidate_makes_needless_is_left_out_of_a_greedy_set() -> None:
    # the widest comes first, though the two others tell all rows apart together
    wide = named("wide", [0, 1, 2, 3, 4, 4, 3, 2, 0], rank=9)
    three, other = named("three", [row // 3 for row in range(9)]), named("other", [row % 3 for row in range(9)])
    assert names(greedy_set([wide, three, other], 9)) == {"three", "other"}


def test_groups_are_counted_and_joined() -> None:
    first, second = named("a", [0, 2, 2, 0]), named("b", [1, 0, 1, 1])
    assert joint([first, second], 4).tolist() == [0, 1, 2, 0]
    assert joint([], 3).tolist() == [0, 0, 0]
    assert num_groups(np.array([5, 0, 5])) == 2
    assert num_groups(np.array([0, 0, 1]), np.array([0, 1, 0], np.int32)) == 3
    assert num_groups(np.zeros(0, np.int64), np.zeros(0, np.int32)) == 0


def test_of_as_many_values_the_more_even_spread_is_taken() -> None:
    four = named("four", [0, 0, 1, 2, 3])
    uneven, even = named("uneven", [0, 1, 0, 0, 0]), named("even", [0, 1, 0, 1, 0])
    assert (
        names(smallest_set([four, uneven, even], 5)) == names(smallest_set([four, even, uneven], 5)) == {"four", "even"}
    )


def test_once_all_known_pairs_are_told_apart_any_candidate_may_come_next() -> None:
    rows = 400
    near = named("near", [row % 200 for row in range(rows)])  # tells all pairs apart that are required from the start
    half = [row // 200 for row in range(rows)]
    swapped = [1 - code if row in (199, 399) else code for row, code in enumerate(half)]
    noise = [named(f"noise {at}", [0] * (rows - 1) + [1], rank=9) for at in range(3)]
    candidates = [near, named("half", half), named("swapped", swapped, rank=3), *noise]
    assert names(smallest_set(candidates, rows)) == {"near", "half"}
    assert names(smallest_set([near, *candidates[2:]], rows)) == {"near", "swapped"}


def test_values_of_single_rows_count_for_the_spread() -> None:
    eleven = named("eleven", [max(row - 1, 0) for row in range(12)])
    # six, five and one of twelve rows are more even than eight, two and two: 0.92 against 0.87 nats
    even = named("even", [0, 1, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2])
    uneven = named("uneven", [0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 2, 2])
    assert names(smallest_set([eleven, uneven, even], 12)) == {"eleven", "even"}
