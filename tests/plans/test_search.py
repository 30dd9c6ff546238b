"""Searching a space whose frontier is known, and keeping to limits."""

from __future__ import annotations

import pytest

pytest.importorskip("optuna", reason="the extra search is not installed")

from compress_compare.errors import InvalidValue
from compress_compare.plans.search import CandidateSearch, Limit, Objective

OBJECTIVES = [Objective("accuracy", higher_is_better=True), Objective("size", higher_is_better=False)]
CANDIDATES = [{"?": "prune", "prune>amount": amount / 10} for amount in range(10)] + [
    {"?": "quantize", "quantize>bits": bits} for bits in range(1, 9)
]


def measured(place: int) -> dict[str, float]:
    """Quantizing to 3 bits and more costs nothing, and is smaller than any pruning that does."""
    one = CANDIDATES[place]
    if one["?"] == "prune":
        return {"accuracy": 0.9 - float(one["prune>amount"]) ** 2, "size": 32 * (1 - 0.5 * float(one["prune>amount"]))}
    bits = float(one["quantize>bits"])
    return {"accuracy": 0.9 if bits >= 3 else 0.2 * bits, "size": bits}


TRUE = {place for place in range(len(CANDIDATES)) if CANDIDATES[place].get("quantize>bits") in (1, 2, 3)}


def searched(made: int, *, seed: int = 0, limits: tuple[Limit, ...] = ()) -> CandidateSearch:
    found = CandidateSearch(CANDIDATES, objectives=OBJECTIVES, limits=limits, seed=seed)
    for _ in range(made):
        for place in found.ask():
            found.tell(place, measured(place))
    return found


def test_all_candidates_are_made_once_and_give_the_frontier() -> None:
    found = CandidateSearch(CANDIDATES, objectives=OBJECTIVES)
    asked: list[int] = []
    while found.left:
        asked += found.ask(4)
        for place in asked[-4:]:
            found.tell(place, measured(place))
    assert sorted(asked) == list(range(len(CANDIDATES))) and found.ask() == []
    assert set(found.frontier()) == TRUE


def test_the_best_is_found_with_two_thirds_of_the_models() -> None:
    three = next(place for place, one in enumerate(CANDIDATES) if one.get("quantize>bits") == 3)
    hits = [three in searched(12, seed=seed).frontier() for seed in range(5)]
    assert sum(hits) >= 4


def test_the_same_seed_asks_for_the_same() -> None:
    first, second = (CandidateSearch(CANDIDATES, objectives=OBJECTIVES, seed=3).ask(8) for _ in range(2))
    assert first == second


def test_limits_keep_what_breaks_them_off_the_frontier() -> None:
    limit = Limit("accuracy", 0.5, is_upper=False)
    found = searched(len(CANDIDATES), limits=(limit,))
    assert {measured(place)["accuracy"] >= 0.5 for place in found.frontier()} == {True}
    assert Limit("size", 10, is_upper=True).excess(15) == 0.5 and limit.excess(0.6) < 0


def test_what_has_no_number_is_left_out() -> None:
    found = CandidateSearch(CANDIDATES, objectives=OBJECTIVES)
    found.tell(0, {"accuracy": None, "size": 1.0})
    found.tell(1, {"accuracy": float("nan"), "size": 1.0})
    assert found.left == len(CANDIDATES) - 2 and found.frontier() == []


def test_a_search_needs_something_to_search() -> None:
    with pytest.raises(InvalidValue, match="needs an objective"):
        CandidateSearch(CANDIDATES, objectives=[])
    with pytest.raises(InvalidValue, match="no model to search among"):
        CandidateSearch([], objectives=OBJECTIVES)
