"""Suspect layers: modules ranked by the signs of damage in them, each with the reason in words.

The order is from worst to least. NaN and infinities break every output. A layer of which nothing but zeros is left is
dead. With activations, a layer is to blame for as much of the output's error as goes away when it alone is put back.
Zeros in the scales of a norm silence a channel whatever the weights are, which is why norms are not pruned. A tensor
whose error is far above that of the others in the same model was compressed too hard; its score is the ratio to the
median error, in powers of two. Below these rank signs of quantization without such an error: a range too narrow for the
weights or the outputs, and single values or channels that widen it.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import pyarrow as pa

BROKEN, DEAD, TO_BLAME, SILENCED, MAX_RATIO = 100.0, 50.0, 20.0, 10.0, 10.0
CUT_OFF, STRETCHED, LOUD = 6.0, 5.0, 3.0
FAR = 2.0
"""Ratio to the median error above which a tensor is a suspect."""

BLAMED, EVEN = 0.1, 2.0
"""Share of the output's error from which on a layer is to blame for it: this, or twice an even share of many layers."""

MUCH = 0.05
"""Share of numbers beyond a range from which on it is too short: the best grid for a bell curve cuts off 2% at three
bits and less at more."""

OUTLIER = 8.0
"""Times the root mean square of the others from which on a number is an outlier; a million of a bell curve reach 5."""

LOSSY, NOTED = 0.1, 0.01
"""Relative errors from which on an outlier in weights did harm, and from which on it matters which channels make it."""


@dataclass(frozen=True)
class TensorFinding:
    """What is known about one tensor of one model.

    Args:
        module: that it belongs to.
        parameter: its name there.
        model: the model.
        num_dimensions: of its shape.
        count: numbers.
        nonfinite: NaN and infinities.
        new_zeros: zeros where the base has none; ``None`` without a counterpart.
        error: relative error; ``None`` without a counterpart or where it was not measured.
        zeros: all zeros.
        cut_off: numbers of the base that are beyond the range of the model's quantization.
        reach: the largest ratio of one of these to the end of the range.
        stretch: of a tensor with one scale, the base's largest number over the root mean square of the others.
        clipped: of outputs, the share at an end of the range.
        base_clipped: the same of the base.
        loud: channels of outputs that put out far more than the others and make most of the error.
        loud_share: of the error, that of these.
        repair: the share of the last output's error that goes away with the base's layer; ``None``: not tried.
    """

    module: str
    parameter: str
    model: str
    num_dimensions: int
    count: int
    nonfinite: int
    new_zeros: int | None
    error: float | None
    zeros: int = 0
    cut_off: int = 0
    reach: float = 0.0
    stretch: float = 0.0
    clipped: float = 0.0
    base_clipped: float = 0.0
    loud: Sequence[int] = ()
    loud_share: float = 0.0
    repair: float | None = None


@dataclass(frozen=True)
class Suspect:
    """A module of a model, how suspicious it is, and why."""

    module: str
    model: str
    score: float
    reason: str


SCHEMA = pa.schema([("module", pa.string()), ("model", pa.string()), ("score", pa.float64()), ("reason", pa.string())])


def to_arrow(ranked: Iterable[Suspect]) -> pa.Table:
    """The ranking as a table: ``module, model, score, reason``."""
    return pa.Table.from_pylist([asdict(suspect) for suspect in ranked], SCHEMA)


def suspects(findings: Iterable[TensorFinding]) -> list[Suspect]:
    """Rank the modules of all models, most suspicious first; a module stands once for each model, with all reasons."""
    listed = list(findings)
    medians, blamed = _median_errors(listed), _enough_repair(listed)
    reasons: dict[tuple[str, str], list[tuple[float, str]]] = {}
    for finding in listed:
        for reason in _reasons(finding, medians[finding.model], blamed=blamed[finding.model]):
            reasons.setdefault((finding.module, finding.model), []).append(reason)
    found = [
        Suspect(module, model, max(score for score, _ in said), "; ".join(text for _, text in sorted(said)[::-1]))
        for (module, model), said in reasons.items()
    ]
    return sorted(found, key=lambda suspect: -suspect.score)


def _median_errors(findings: list[TensorFinding]) -> dict[str, float]:
    """The median over the tensors of each model that changed at all."""
    errors: dict[str, list[float]] = {finding.model: [] for finding in findings}
    for finding in findings:
        if finding.error and math.isfinite(finding.error):
            errors[finding.model].append(finding.error)
    return {model: statistics.median(found) if found else 0.0 for model, found in errors.items()}


def _enough_repair(findings: list[TensorFinding]) -> dict[str, float]:
    """The share of the output's error from which on a layer of each model is to blame."""
    tried = Counter(finding.model for finding in findings if finding.repair is not None)
    return {finding.model: min(BLAMED, EVEN / max(tried[finding.model], 1)) for finding in findings}


def _reasons(finding: TensorFinding, median: float, *, blamed: float) -> list[tuple[float, str]]:
    what = _what(finding)
    found = []
    if finding.nonfinite:
        share = finding.nonfinite / finding.count
        found.append((BROKEN + share, f"{what}: {finding.nonfinite:,} of {finding.count:,} values are NaN or infinite"))
    if finding.new_zeros and finding.num_dimensions > 1 and finding.zeros == finding.count:
        found.append((DEAD, f"{what}: all {finding.count:,} values are zero, so the layer is dead"))
    if finding.repair is not None and finding.repair >= blamed:
        text = f"{finding.repair:.0%} of the error of the network's output goes away when it is put back"
        found.append((TO_BLAME + finding.repair, text))
    if finding.new_zeros and finding.num_dimensions == 1:
        share = finding.new_zeros / finding.count
        score = SILENCED + share if what == "norm scales" else 1 + share
        found.append((score, f"{what}: {finding.new_zeros:,} of {finding.count:,} values became zero"))
    helps = finding.repair is None or finding.repair > 0
    if finding.error and median and finding.error > FAR * median and helps:
        ratio = finding.error / median
        times = "far above" if math.isinf(ratio) else f"{ratio:,.2g}×"
        score = MAX_RATIO - 1 / max(math.log2(ratio), 1e-9) if math.isfinite(ratio) else MAX_RATIO
        found.append(
            (max(score, 0.0), f"{what}: relative error {finding.error:.3g} is {times} this model's typical layer")
        )
    return found + [(score, f"{what}: {text}") for score, text in _of_ranges(finding)]


def _of_ranges(finding: TensorFinding) -> list[tuple[float, str]]:
    """What the range of a quantization did."""
    found = []
    share = finding.cut_off / finding.count if finding.count else 0.0
    if share > MUCH:
        reach = f"up to {finding.reach:.3g}× the largest code"
        found.append((CUT_OFF + share, f"{share:.1%} of the base's values are outside the range, {reach}"))
    if finding.stretch > OUTLIER and (finding.error or 0) > LOSSY:
        lost = f"; {finding.zeros / finding.count:.1%} of the values became zero" if finding.zeros else ""
        text = f"one value is {finding.stretch:,.3g}× the root mean square of the others and makes every step coarser"
        found.append((STRETCHED + 1 - OUTLIER / finding.stretch, text + lost))
    if finding.clipped - finding.base_clipped > MUCH:
        base = f"{finding.base_clipped:.1%} in the base"
        found.append((CUT_OFF + finding.clipped, f"{finding.clipped:.1%} are clipped at an end of the range, {base}"))
    if finding.loud and (finding.error or 0) > NOTED:
        channels = ", ".join(map(str, finding.loud))
        many = f"outlier channel{'s' if len(finding.loud) > 1 else ''} {channels}"
        text = f"{many} make{'' if len(finding.loud) > 1 else 's'} {finding.loud_share:.0%} of the error"
        found.append((LOUD + finding.loud_share, text))
    return found


def _what(finding: TensorFinding) -> str:
    if finding.num_dimensions == 1 and finding.parameter in ("weight", "gamma", "scale"):
        return "norm scales"
    return {"weight": "weights"}.get(finding.parameter, finding.parameter)
