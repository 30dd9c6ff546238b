"""Chooses which of many candidates to make next, so that few of them show the frontier. Needs Optuna.

Candidates are points of a finite space: each is described by named choices. One that a candidate lacks is below all
of its values, and one that another choice tells is left out. The optimizer is Optuna's: where the candidates are all
combinations, a Gaussian process that asks for the largest expected growth of the hypervolume (Ament et al.:
Unexpected Improvements to Expected Improvement for Bayesian Optimization. NeurIPS 2023); elsewhere, the multi-
objective tree-structured Parzen estimator (Ozaki et al.: Multiobjective Tree-structured Parzen Estimator. JAIR 2022).
A suggestion that is no candidate, or one that was made already, becomes the nearest candidate that is left.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InvalidValue, MissingExtra

Choices = Mapping[str, Any]
"""Name of a choice → its value. Numbers are ordered, anything else is not."""
STARTED = 8
"""Candidates that are drawn at random before the optimizer is asked."""


@dataclass(frozen=True)
class Objective:
    """What is to be good.

    Args:
        name: of the metric.
        higher_is_better: its direction.
    """

    name: str
    higher_is_better: bool


@dataclass(frozen=True)
class Limit:
    """What a candidate must keep to: at most, or at least, so much of a metric."""

    name: str
    bound: float
    is_upper: bool

    def excess(self, value: float) -> float:
        """By how much a value breaks the limit, as a share of it; at most 0 if it keeps to it."""
        over = value - self.bound if self.is_upper else self.bound - value
        return float(over / (abs(self.bound) or 1.0))


class CandidateSearch:
    """Asks an optimizer which candidates to make, and tells it what they came to.

    Args:
        candidates: the choices that make each one.
        objectives: what is to be good.
        limits: what they must keep to.
        seed: of all that is random.

    Raises:
        MissingExtra: if Optuna is not installed.
        InvalidValue: ``search.objectives`` without any, ``search.empty`` without candidates.
    """

    def __init__(
        self,
        candidates: Sequence[Choices],
        *,
        objectives: Sequence[Objective],
        limits: Sequence[Limit] = (),
        seed: int = 0,
    ) -> None:
        try:
            import optuna
        except ImportError as error:
            raise MissingExtra("optuna", purpose="A search", extra="search") from error
        if not objectives:
            raise InvalidValue("search.objectives", "A search needs an objective.", hint="Name a metric: --objective")
        if not candidates:
            raise InvalidValue("search.empty", "The recipe has no model to search among.", hint="Give it steps.")
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._optuna = optuna
        self._space = _distributions(candidates)
        self._places = [self._numbers(candidate) for candidate in candidates]
        self._objectives, self._limits = tuple(objectives), tuple(limits)
        self._left = dict.fromkeys(range(len(candidates)))
        self._values: dict[int, tuple[float, ...]] = {}
        self._feasible: dict[int, bool] = {}
        self._random = np.random.default_rng(seed)
        combinations = math.prod(len(values) for _, values in self._space.values())
        samplers = optuna.samplers
        sampler = samplers.GPSampler if combinations == len(candidates) else samplers.TPESampler
        directions = optuna.study.StudyDirection
        self._study = optuna.create_study(
            sampler=sampler(n_startup_trials=0, seed=seed),
            directions=[directions.MAXIMIZE if one.higher_is_better else directions.MINIMIZE for one in objectives],
        )

    @property
    def left(self) -> int:
        """How many candidates nobody has made or given up."""
        return len(self._left)

    def ask(self, count: int = 1) -> list[int]:
        """Return the places of candidates to make next; fewer if fewer are left. They are no longer left."""
        found: list[int] = []
        while self._left and len(found) < count:
            made = len(self._values)
            place = self._drawn() if made < min(STARTED, len(self._places)) else self._suggested()
            del self._left[place]
            found.append(place)
        return found

    def tell(self, place: int, metrics: Mapping[str, float | None]) -> None:
        """Say what a candidate came to; one without a number for each objective and limit only leaves the search."""
        self._left.pop(place, None)
        wanted = [*(one.name for one in self._objectives), *(limit.name for limit in self._limits)]
        numbers = [metrics.get(name) for name in wanted]
        if any(number is None or not np.isfinite(number) for number in numbers):
            return
        values = tuple(float(metrics[one.name] or 0.0) for one in self._objectives)
        excess = [limit.excess(float(metrics[limit.name] or 0.0)) for limit in self._limits]
        self._values[place] = values
        self._feasible[place] = all(over <= 0 for over in excess)
        self._study.enqueue_trial(self._places[place])
        trial = self._study.ask()
        for name in self._space:
            self._choose(trial, name)
        for limit, over in zip(self._limits, excess, strict=True):
            trial.set_constraint(limit.name, over)
        self._study.tell(trial, values)

    def frontier(self) -> list[int]:
        """Places of the candidates within the limits that no other one beats in all objectives, as they were told."""
        signs = np.array([-1.0 if one.higher_is_better else 1.0 for one in self._objectives])
        within = [place for place in self._values if self._feasible[place]]
        costs = np.array([self._values[place] for place in within]).reshape(len(within), len(signs)) * signs
        beaten = [bool(np.any(np.all(costs <= own, axis=1) & np.any(costs < own, axis=1))) for own in costs]
        return [place for place, is_beaten in zip(within, beaten, strict=True) if not is_beaten]

    def _drawn(self) -> int:
        return int(self._random.choice(list(self._left)))

    def _suggested(self) -> int:
        """The candidate that is left nearest to what the optimizer suggests."""
        trial = self._study.ask()
        wanted = {name: self._choose(trial, name) for name in self._space}
        self._study.tell(trial, state=self._optuna.trial.TrialState.FAIL)
        return min(self._left, key=lambda place: self._distance(place, wanted))

    def _distance(self, place: int, wanted: Mapping[str, int]) -> float:
        total = 0.0
        for name, own in self._places[place].items():
            is_ordered, values = self._space[name]
            total += abs(own - wanted[name]) / len(values) if is_ordered else own != wanted[name]
        return total

    def _numbers(self, candidate: Choices) -> dict[str, int]:
        """The choices of a candidate as places in their lists."""
        return {name: values.index(_key(candidate.get(name))) for name, (_, values) in self._space.items()}

    def _choose(self, trial: Any, name: str) -> int:
        is_ordered, values = self._space[name]
        if is_ordered:
            return int(trial.suggest_int(name, 0, len(values) - 1))
        return int(trial.suggest_categorical(name, list(range(len(values)))))


def _key(value: Any) -> Any:
    """A value by which choices are told apart; ``None`` is the one of a candidate that lacks the choice."""
    is_plain = value is None or (isinstance(value, int | float) and not isinstance(value, bool))
    return value if is_plain else str(value)


def _distributions(candidates: Sequence[Choices]) -> dict[str, tuple[bool, list[Any]]]:
    """Each choice that differs and that no other one tells: whether it is ordered, and its values."""
    names = dict.fromkeys(name for candidate in candidates for name in candidate)
    columns = {name: [_key(candidate.get(name)) for candidate in candidates] for name in names}
    counts = {name: len(set(column)) for name, column in columns.items()}
    for name in names:
        pairs = (
            len(set(zip(columns[name], columns[other], strict=True))) == counts[other]
            for other in columns
            if other != name
        )
        if counts[name] < 2 or any(pairs):
            del columns[name]
    found = {}
    for name, column in columns.items():
        values = list(dict.fromkeys(column))
        is_ordered = not any(isinstance(value, str) for value in values)
        if is_ordered:
            values.sort(key=lambda value: (value is not None, value))
        found[name] = is_ordered, values
    return found
