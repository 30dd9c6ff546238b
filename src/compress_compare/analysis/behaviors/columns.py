"""The columns of the instance table by name, in the order of the dataset, worked out when they are asked for.

Of the dataset: ``id``, ``label`` and metadata. Per model ``m``: ``prediction[m]``, ``text[m]``, ``changed[m]``, any
metric as ``nll[m]``, and ``difference[m]`` of the chosen metric from the base's. Over all models: ``num_changed`` and
``changed``. ``group`` is the name of the group as the comparison makes them; ``*`` with ``contains`` is a search in all
columns of the dataset.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ...errors import InvalidValue
from . import exemplars, features, grouping, joined, label_sets, metrics, pairs, rows, tokens
from .frame import LABEL, MASK, OBJECT_MASKS, PREDICTION, TEXT, TOKENS, Frame
from .joined import Floats, Mask

GROUP, ANYWHERE = "group", "*"
INTEGER = re.compile("-?[0-9]{1,18}")
WHOLE = slice(None)
KEPT = 8
FEW = 8
"""From so many times fewer on, the first rows are found without sorting all."""
"""Sorted orders and filtered lists that are kept."""


class InstanceColumns:
    """The instance table of one comparison.

    Args:
        frame: the joined outputs.
        metric: the name of the metric that is shown.
        values: the numbers of a metric by its name, by model.
        by: the columns that make groups.
    """

    def __init__(
        self, frame: Frame, metric: str, *, values: Callable[[str], dict[str, Floats]], by: Sequence[str] = ()
    ) -> None:
        self.frame = frame
        self.metric = metric
        self._values = values
        self._by = tuple(by)
        self._orders: dict[str, NDArray[np.int64]] = {}
        self._lists: dict[str, NDArray[np.int64]] = {}

    def names(self) -> list[str]:
        """The columns that are shown."""
        frame, models = self.frame, list(self.frame.outputs)
        types = {field.name: field.type for field in frame.dataset.schema}
        shown = [name for name in types if self._is_shown(name)]
        shown += [TEXT] if self._has_running_text() else []
        shown += [f"prediction[{model}]" for model in models] if frame.has_predictions else []
        shown += [f"text[{model}]" for model in models if TEXT in frame.outputs[model].schema.names]
        shown += [f"{self.metric}[{model}]" for model in models]
        shown += [f"difference[{model}]" for model in frame.models]
        return shown if frame.is_numeric else [*shown, "num_changed"]

    def column(self, name: str, at: NDArray[np.int64] | slice = WHOLE) -> pa.Array:
        """A column, of all instances or of those ``at`` some places.

        Raises:
            InvalidValue: ``behaviors.column`` if there is none of that name.
        """
        frame = self.frame
        if name in frame.dataset.schema.names and self._is_shown(name):
            return _some(frame.column(name), at)
        if name == TEXT and self._has_running_text():
            return _some(frame.keep(("running text",), lambda: tokens.text(frame.column(TOKENS))), at)
        if name in features.names(frame):
            return _some(features.column(frame, name), at)
        if name in ("num_changed", "changed") and not frame.is_numeric:
            counts = frame.keep(("num_changed",), self._num_changed)[at]
            return pa.array(counts.astype(np.int64) if name == "num_changed" else counts > 0)
        if name == GROUP:
            groups = grouping.grouping(frame, self._by)
            if groups.rows is None:
                return groups.names.take(pa.array(groups.codes[at]))
            return _some(frame.column(LABEL), at)
        for model in frame.outputs:
            if name.endswith(f"[{model}]"):
                found = self._of_model(name[: -len(model) - 2], model, at=at)
                if found is not None:
                    return found
        raise InvalidValue(
            "behaviors.column",
            f"There is no column {name[:80]!r}.",
            hint=f"There are: {', '.join(self.names())}."[:500],
        )

    def _is_shown(self, name: str) -> bool:
        """Payloads that are bytes, masks or tokens are no values to list or to sort by."""
        type = self.frame.dataset.schema.field(name).type
        if name in (MASK, OBJECT_MASKS) and pa.types.is_struct(type):
            return False
        return not pa.types.is_binary(type) and (name == LABEL or not pa.types.is_list(type))

    def _has_running_text(self) -> bool:
        """Whether tokens stand for the text."""
        schema = self.frame.dataset.schema
        return TEXT not in schema.names and TOKENS in schema.names and bool(pa.types.is_list(schema.field(TOKENS).type))

    def _of_model(self, name: str, model: str, *, at: NDArray[np.int64] | slice) -> pa.Array | None:
        frame = self.frame
        if name == PREDICTION and frame.has_predictions:
            if frame.is_numeric:
                return self._numbers(frame.numbers(model)[at], model, at=at)
            codes = frame.predictions(model)[at]
            return frame.classes().take(pa.array(codes, mask=codes < 0))
        if name == TEXT and TEXT in frame.outputs[model].schema.names:
            return _some(frame.answers(model, TEXT), at)
        if name == "changed" and (changes := pairs.changes(frame, model)) is not None:
            return pa.array(changes.changed[at], mask=~changes.answered[at])
        if name == "difference" and self.metric != "difference":
            values = self._values(self.metric)
            with np.errstate(invalid="ignore"):
                return self._numbers(values[model][at] - values[frame.base][at], model, at=at, metric=self.metric)
        if name in metrics.available(frame):
            return self._numbers(self._values(name)[model][at], model, at=at, metric=name)
        return None

    def _numbers(
        self, numbers: Floats, model: str, *, at: NDArray[np.int64] | slice, metric: str | None = None
    ) -> pa.Array:
        """Null where a model lacks the instance, or the instance cannot have the metric; NaN stays NaN."""
        definition = None
        if metric in metrics.available(self.frame):
            definition = metrics.find(self.frame, str(metric), directions={})
        known = pairs.measurable(self.frame, model, metric=definition)
        missing = ~known[at] & np.isnan(numbers)
        return pa.array(numbers, mask=missing if missing.any() else None)

    def _num_changed(self) -> exemplars.Numbers:
        by_model = {model: pairs.changes(self.frame, model) for model in self.frame.models}
        known = {model: changes for model, changes in by_model.items() if changes is not None}
        return exemplars.disagreements(known, self.frame.num_instances)[0]

    def mask(self, where: object) -> Mask | None:
        """Which instances a filter leaves; ``None`` if all."""
        conditions = rows.conditions(where)
        if not conditions:
            return None
        left = np.ones(self.frame.num_instances, dtype=np.bool_)
        for name, operator, value in conditions:
            if (name, operator) == (ANYWHERE, rows.CONTAINS):
                left &= self._mentions(str(value))
            elif name == GROUP and operator == "==" and not self._by and self.frame.has_sets:
                left &= self._has_label(str(value))
            else:
                left &= rows.holds(self.column(name), operator, value=value)
        return left

    def _has_label(self, label: str) -> Mask:
        """Which instances have the label among theirs."""
        found = np.zeros(self.frame.num_instances, dtype=np.bool_)
        instances, places = label_sets.members(self.frame)
        wanted = pc.index(label_sets.distinct(self.frame), label).as_py()
        found[instances[places == wanted]] = wanted >= 0
        return found

    def _mentions(self, text: str) -> Mask:
        """Which instances have the text in a column of strings, or a whole number that is written so."""
        found = np.zeros(self.frame.num_instances, dtype=np.bool_)
        if self._has_running_text():
            found |= rows.holds(self.column(TEXT), rows.CONTAINS, value=text)
        for field in self.frame.dataset.schema:
            if pa.types.is_string(field.type):
                found |= rows.holds(self.column(field.name), rows.CONTAINS, value=text)
            elif pa.types.is_integer(field.type) and INTEGER.fullmatch(text):
                found |= rows.holds(self.column(field.name), "==", value=int(text))
        return found

    def chosen(self, sort: str | None, where: object) -> NDArray[np.int64]:
        """The instances that a filter leaves, sorted; the last few answers are kept."""

        def choose() -> NDArray[np.int64]:
            mask = self.mask(where)
            if sort is None:
                return np.arange(self.frame.num_instances) if mask is None else np.flatnonzero(mask)
            order = _kept(self._orders, sort, self._order)
            return order if mask is None else order[mask[order]]

        return _kept(self._lists, repr((sort, where)), lambda _: choose())

    def first(self, sort: str | None, where: object, *, count: int) -> NDArray[np.int64]:
        """The first of ``chosen``; few of many are found without sorting all."""
        known = sort is None or sort in self._orders or repr((sort, where)) in self._lists
        if known or count == 0 or FEW * count > self.frame.num_instances:
            return self.chosen(sort, where)[:count]
        name, descending = self._direction(str(sort))
        mask = self.mask(where)
        if mask is None:
            return rows.first(self.column(name), count, descending=descending)
        places = np.flatnonzero(mask)
        return places[rows.first(self.column(name, places), count, descending=descending)]

    def _order(self, sort: str) -> NDArray[np.int64]:
        name, descending = self._direction(sort)
        return rows.order(self.column(name), descending=descending)

    def _direction(self, sort: str) -> tuple[str, bool]:
        return (sort, False) if sort in self.frame.dataset.schema.names else rows.direction(sort)

    def table(self, chosen: NDArray[np.int64], names: Sequence[str] | None = None) -> pa.Table:
        """Some instances with the columns that are shown, or others."""
        return pa.table({name: self.column(name, chosen) for name in names or self.names()})


def _some(column: joined.AnyArrow, at: NDArray[np.int64] | slice) -> pa.Array:
    return joined.combined(column if isinstance(at, slice) else column.take(pa.array(at)))


def _kept(kept: dict[str, NDArray[np.int64]], key: str, make: Callable[[str], NDArray[np.int64]]) -> NDArray[np.int64]:
    """What was made for the key; the oldest of more than a few is let go."""
    found = kept.get(key)
    if found is None:
        found = kept[key] = make(key)
        for oldest in list(kept)[:-KEPT]:
            kept.pop(oldest, None)
    return found
