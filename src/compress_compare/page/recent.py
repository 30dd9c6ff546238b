"""Comparisons that were asked for lately, kept so that sorting, filtering and brushing need not read anything again."""

from __future__ import annotations

import threading
from collections import OrderedDict

from ..analysis.behaviors.grouping import columns_of
from ..comparisons.behaviors import Behaviors
from ..comparisons.joining import joined
from ..errors import InvalidValue
from ..store.store import Store

CELLS = 8_000_000
"""Instances times models that are kept, besides the latest comparison."""

DEFAULTS = ("correct", "absolute_error", "nll", "mean_iou", "cosine", "absolute_difference")
"""Metrics for those who name none: of classes, of measurements, of tokens, of masks, of vectors, of numbers without
labels."""

Key = tuple[object, ...]


class _Kept:
    """The comparisons of some models on some data, by metric and groups."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.views: dict[Key, Behaviors] = {}

    @property
    def cells(self) -> int:
        return sum(view.num_instances * (1 + len(view.models)) for view in [*self.views.values()])


class RecentBehaviors:
    """The latest comparisons of one project.

    What was worked out from stored outputs stays right; where a model has other ones by now, it is worked out anew.
    """

    def __init__(self, project: Store) -> None:
        self._project = project
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()

    def get(self, base: str, models: list[str], *, dataset: str, metric: str | None, by: list[str]) -> Behaviors:
        """A comparison, of which everything that an earlier question needed is there.

        Without a metric it is by the first of `DEFAULTS` that applies to what was logged.
        """
        if metric is not None:
            return self._get(base, models, dataset=dataset, metric=metric, by=by)
        for name in DEFAULTS[:-1]:
            try:
                return self._get(base, models, dataset=dataset, metric=name, by=by)
            except InvalidValue as error:
                if error.code != "behaviors.metric":
                    raise
        return self._get(base, models, dataset=dataset, metric=DEFAULTS[-1], by=by)

    def _get(self, base: str, models: list[str], *, dataset: str, metric: str, by: list[str]) -> Behaviors:
        directions = tuple((one.name, one.higher_is_better) for one in self._project.metrics())
        stored = self._project.digests_of([base, *models], dataset=dataset)
        key: Key = (base, tuple(models), dataset, directions, stored)
        view = (metric, columns_of(by))
        with self._lock:
            kept = self._kept.setdefault(key, _Kept())
            self._kept.move_to_end(key)
        try:
            # who asks for other models or data meanwhile need not wait
            with kept.lock:
                if view not in kept.views:
                    known = next(iter(kept.views.values()), None)
                    kept.views[view] = (
                        known.using(metric, by) if known else self._new(base, models, dataset=dataset, view=view)
                    )
            return kept.views[view]
        finally:
            with self._lock:
                if not kept.views:
                    self._kept.pop(key, None)
                self._let_go()

    def _new(self, base: str, models: list[str], *, dataset: str, view: tuple[str, tuple[str, ...]]) -> Behaviors:
        frame, directions = joined(self._project, base, models=models, dataset=dataset)
        return Behaviors(frame, view[0], by=view[1], directions=directions)

    def _let_go(self) -> None:
        while len(self._kept) > 1 and sum(kept.cells for kept in self._kept.values()) > CELLS:
            self._kept.popitem(last=False)
