"""The result of ``project.tensor``: one tensor of a model beside its base's."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import TypeVar

import numpy as np
import pyarrow as pa

from ...analysis.layers import channels, matrix, singular, tiles, tree
from ...analysis.layers.align import Match
from ...analysis.layers.channels import Channels
from ...analysis.layers.tiles import Shown, TilePlace
from ...analysis.layers.values import Array, Values
from ...errors import InvalidValue, NotFound
from ...readers.pair import ModelPair
from ...records import LoggedCheckpoint
from ...store.store import Store
from ...table import Table

T = TypeVar("T")

PAIRS = 16
"""Pairs of checkpoints that stay open."""

VIEWS = 8
"""Tensors that stay at hand; one that had to be put together, as a product, is held whole."""

NAMED = 8
"""Tensors that a refusal lists."""


class TensorView:
    """One tensor of a model, and its counterpart in the base.

    Args:
        pair: the checkpoints.
        match: how the tensor found its counterpart.
        model: id of the model.
    """

    def __init__(self, pair: ModelPair, match: Match, *, model: str) -> None:
        self._pair = pair
        self._match = match
        self.model = model
        self.name = match.name
        self.alignment = match.how
        self.counterpart = match.model
        self._base, values = pair.values(match)
        if values is None:
            raise InvalidValue(
                "layers.no_numbers",
                f"The tensor {match.name!r} of {model!r} cannot be looked into: its format is not read as numbers.",
                hint="The mode storage of layers says how it is stored.",
            )
        self._values: Values = values

    def __repr__(self) -> str:
        return f"TensorView({self.name!r} of {self.model!r}, {self.dtype}, shape={self.shape})"

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the model's tensor."""
        return self._values.shape

    @property
    def dtype(self) -> str:
        """Number format, as the file names it."""
        return self._values.dtype

    @property
    def size(self) -> tuple[int, int]:
        """Rows (output channels) and columns of the tensor as a matrix."""
        return matrix.size(self.shape)

    @property
    def compares(self) -> bool:
        """Whether each number has a counterpart in the base."""
        return self._base is not None

    def tile(self, place: TilePlace, what: Shown) -> pa.Table:
        """Return at most 256 × 256 cells: see ``analysis.layers.tiles``. Its metadata has ``rows`` and ``columns``.

        Raises:
            InvalidValue: ``layers.tile`` for a place outside, ``layers.no_change`` without a counterpart.
        """
        if what == "change" and self._base is None:
            why = _WHY_NOT.get(self.alignment, "the base's tensor is not read as numbers")
            said = f"No change of {self.name!r} is known in {self.model!r}: {why}."
            raise InvalidValue("layers.no_change", said, hint="Look at its values.")
        found = tiles.tile(self._base, self._values, place=place, what=what)
        self._pair.forget()
        size = {"rows": str(found.rows), "columns": str(found.columns)}
        return pa.table(found.cells).replace_schema_metadata(size)

    @cached_property
    def measured(self) -> Channels:
        """Its channels as arrays."""
        found = channels.channels(self._base, self._values)
        self._pair.forget()
        return found

    @property
    def channels(self) -> Table:
        """A row for each output channel: ``channel, norm, peak, num_zeros, base_norm, change, relative_change``."""
        found, rows = self.measured, self.size[0]
        columns = {
            "channel": np.arange(rows),
            "norm": found.norm,
            "peak": found.peak,
            "num_zeros": found.zeros.astype(np.int64),
            "base_norm": found.base_norm,
            "change": found.change,
            "relative_change": found.relative,
        }
        return Table(pa.table({name: _column(array, rows) for name, array in columns.items()}))

    @cached_property
    def codebook(self) -> dict[str, Array] | None:
        """``values`` and their ``counts`` where there are at most 256 distinct ones."""
        return _counted(channels.codebook(self._values))

    @cached_property
    def codes(self) -> dict[str, Array] | None:
        """The integer codes of packed numbers and their ``counts``; ``None`` for other tensors."""
        stored = list(self._pair.model_tensors(self._match).values())
        packing = stored[0].packing if len(stored) == 1 else None
        if packing is None or packing.bits > channels.CODEBOOK.bit_length() - 1:
            return None
        known: dict[int, int] = {}
        for codes, _, _ in packing.parts():
            for value, count in zip(*(part.tolist() for part in np.unique(codes, return_counts=True)), strict=True):
                known[int(value)] = known.get(int(value), 0) + count
        ordered = sorted(known)
        return {"values": np.array(ordered), "counts": np.array([known[code] for code in ordered])}

    @cached_property
    def spectrum(self) -> Spectrum:
        """Its singular values, or why there are none."""
        why = singular.unavailable(self.shape)
        if why is not None:
            return Spectrum(None, why)
        found = singular.singular_values(self._values)
        self._pair.forget()
        return Spectrum(found, "" if found is not None else "Some of the numbers are not finite.")


@dataclass(frozen=True)
class Spectrum:
    """Values, largest first.

    Args:
        values: ``None`` where they cannot be had.
        why: the reason then, in a sentence.
    """

    values: Array | None
    why: str = ""


class Tensors:
    """Looks into the tensors of one project; keeps the last ones open."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._pairs: OrderedDict[Hashable, ModelPair] = OrderedDict()
        self._views: OrderedDict[Hashable, TensorView] = OrderedDict()
        self._lock = Lock()

    def view(self, base: str, model: str, *, name: str, alignment: Mapping[str, str] | None = None) -> TensorView:
        """A tensor of a model by the name that the table of layers gives it: see ``Project.tensor``."""
        chosen = dict(alignment or {})
        logged = self._store.checkpoints([base, model])
        key = (*((one.model, one.checkpoint) for one in logged), tuple(sorted(chosen.items())))
        with self._lock:
            pair = _recent(self._pairs, key, lambda: self._pair(logged, chosen), most=PAIRS)
            return _recent(self._views, (*key, name), lambda: view(pair, name, model=model), most=VIEWS)

    def _pair(self, logged: Sequence[LoggedCheckpoint], chosen: Mapping[str, str]) -> ModelPair:
        base, model = (self._store.open_checkpoint(one) for one in logged)
        return ModelPair.of(base, model, buffers=True, chosen=chosen)


def view(pair: ModelPair, name: str, *, model: str) -> TensorView:
    """A tensor of a model.

    Raises:
        NotFound: ``layers.no_tensor``.
        InvalidValue: ``layers.no_numbers``.
    """
    match = pair.matches.get(name)
    if match is None:
        raise NotFound("layers.no_tensor", f"These models have no tensor {name!r}.", hint=_others(pair, name))
    if match.model is None:
        said = f"Model {model!r} has no tensor {name!r}: only the base has it."
        raise NotFound("layers.no_tensor", said, hint=_others(pair, name))
    return TensorView(pair, match, model=model)


def _recent(kept: OrderedDict[Hashable, T], key: Hashable, make: Callable[[], T], *, most: int) -> T:
    if key not in kept:
        kept[key] = make()
        if len(kept) > most:
            kept.popitem(last=False)
    kept.move_to_end(key)
    return kept[key]


def _others(pair: ModelPair, name: str) -> str:
    names = [name for name, match in pair.matches.items() if match.model is not None]
    near = [other for other in names if tree.split(other)[0] in (name, tree.split(name)[0])] or names
    more = f" and {len(near) - NAMED:,} more" if len(near) > NAMED else ""
    return f"There are {', '.join(near[:NAMED])}{more}." if near else "The model has no tensors."


def _column(array: Array | None, rows: int) -> pa.Array:
    return pa.nulls(rows, pa.float64()) if array is None else pa.array(array)


def _counted(found: tuple[Array, Array] | None) -> dict[str, Array] | None:
    return None if found is None else {"values": found[0], "counts": found[1]}


_WHY_NOT: dict[str, str] = {
    "model only": "the base has no such tensor",
    "resized": "the base's tensor has another shape",
}
