"""What the numbers of tensors say for the diagnosis, beyond what their rows hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ...analysis.layers import merged, rounding, tree
from ...analysis.layers.align import Match
from ...analysis.layers.diagnosis import TensorFinding
from ...analysis.layers.histogram import Range
from ...analysis.layers.rounding import Grid
from ...analysis.layers.sums import Sums
from ...readers.pair import ModelPair
from ...schemes.scheme import TensorScheme
from .measure import mapped

EXACT = ("name", "prefix", "gguf", "gguf rows", "gguf values", "meta", "meta rows", "chosen")
"""Pairs whose numbers stand in one order, so that what was cut off can be seen."""


@dataclass(frozen=True, eq=False)
class Measured:
    """A model whose tensors were measured.

    Args:
        pair: it beside its base.
        model: its id.
        matches: its tensors.
        found: their sums, a row for each.
    """

    pair: ModelPair
    model: str
    matches: Sequence[Match]
    found: Sums


def of(
    measured: Sequence[Measured],
    *,
    schemes: Mapping[str, Mapping[str, TensorScheme]],
    spans: Mapping[tree.Key, Range] | None,
) -> list[TensorFinding]:
    """The findings of all models.

    Args:
        measured: the measured differences of the tensors.
        schemes: what each model says about how its tensors are stored, by their names.
        spans: ranges of the base's tensors; ``None`` where only zeros were counted.
    """
    listed = [finding for one in measured for finding in _findings(one)]
    if spans is None:
        return listed
    tasks, grids = [], []
    place = 0
    for one in measured:
        for row, match in enumerate(one.matches):
            grid = _grid(one, match, row=row, scheme=schemes[one.model].get(str(match.model)))
            peak = _peak(spans.get(tree.split(match.name)))
            if grid and match.how in EXACT and listed[place].error:
                if not grid.size:
                    squares, count = float(one.found["change_base_squares"][row]), listed[place].count
                    ratio = rounding.stretch(peak, squares=squares, count=count)
                    listed[place] = replace(listed[place], stretch=ratio)
                end = max(-float(one.found["minimum"][row]), float(one.found["maximum"][row]))
                if grid.bits >= rounding.FEWEST_BITS and (grid.size or peak > end * (1 + grid.half_step)):
                    tasks.append((one.pair, match, grid))
                    grids.append(place)
            place += 1
    if not tasks:
        return listed
    pairs = {one.model: one.pair for one in measured}
    sizes = [sum(part.num_bytes for part in pair.model_tensors(match).values()) for pair, match, _ in tasks]
    found = mapped(_beyond, tasks, what="Looking for weights that were cut off", sizes=sizes, pairs=pairs)
    for place, (count, reach) in zip(grids, found, strict=True):
        listed[place] = replace(listed[place], cut_off=count, reach=reach)
    return listed


def _findings(one: Measured) -> list[TensorFinding]:
    found = one.found
    counts, nonfinite, zeros = (
        found[name].astype(int).tolist() for name in ("own_count", "own_nonfinite", "own_zeros")
    )
    new, known = found["zero_model_only"].astype(int).tolist(), found["num_zeros_known"].tolist()
    errors = merged.relative_errors(found)
    return [
        TensorFinding(
            *tree.split(match.name),
            model=one.model,
            num_dimensions=len(next(iter(one.pair.model_tensors(match).values())).shape),
            count=counts[row],
            nonfinite=nonfinite[row],
            new_zeros=new[row] if known[row] and not match.is_guess else None,
            error=None if match.is_guess else errors[row],
            zeros=zeros[row],
        )
        for row, match in enumerate(one.matches)
    ]


def _grid(one: Measured, match: Match, *, row: int, scheme: TensorScheme | None) -> Grid | None:
    """What a tensor was rounded to: as the file says, else what its values look like."""
    parts = list(one.pair.model_tensors(match).values())
    if len(parts) != 1:
        return None
    columns = parts[0].shape[1:]
    row_size = 1
    for size in columns:
        row_size *= size
    if scheme is not None:
        by_rows = scheme.channel_axis == 0 and scheme.groups == 1
        plain = scheme.kind == "quantized" and by_rows and not scheme.input_scales
        shared = scheme.strategy == "channel" and (scheme.group_size or 1) > 1
        if not plain or shared or scheme.bits is None:
            return None
        return Grid(scheme.bits, 0 if scheme.strategy == "tensor" else scheme.group_size or row_size)
    if parts[0].packing is not None:
        return Grid(parts[0].packing.bits, parts[0].packing.group_size or row_size)
    count, zeros, distinct = (int(one.found[f"own_{name}"][row]) for name in ("count", "zeros", "distinct"))
    return Grid.guessed(count=count, zeros=zeros, distinct=distinct)


def _peak(span: Range | None) -> float:
    return 0.0 if span is None or span[0] > span[1] else max(-span[0], span[1])


def _beyond(task: tuple[ModelPair, Match, Grid]) -> tuple[int, float]:
    pair, match, grid = task
    base, model = pair.values(match)
    return (0, 0.0) if base is None or model is None else rounding.beyond(base, model, grid=grid)
