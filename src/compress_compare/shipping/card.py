"""The model card of what was shipped: YAML front matter as the Hugging Face Hub reads it, and a page of Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..analysis.inference.normal import Z
from ..comparisons.behaviors import Behaviors
from ..comparisons.gate.report import GateReport
from ..comparisons.joining import joined
from ..errors import UserError
from ..exporters import card
from ..exporters.card import plain
from ..records import MetricValue, Model
from ..store.store import Store
from .base import Format, Source
from .proof import Proof

WORST = 5


@dataclass(frozen=True)
class Shown:
    """What a card tells about the files beside it.

    Args:
        proof: how they were proved.
        num_bytes: of the weights.
        claimed: bytes that the scheme implies; ``None`` where that is not known.
        latency: seconds of one example; ``None`` where it was not run.
        notes: what was not packed as its scheme says.
        gate: how the model was held against the rules of a release; ``None`` without rules.
    """

    proof: Proof
    num_bytes: int
    claimed: int | None
    latency: MetricValue | None
    notes: Sequence[str]
    gate: GateReport | None = None


def written(store: Store, source: Source, *, format: Format, shown: Shown) -> str:
    """The text of ``README.md``.

    Args:
        store: the project.
        source: what was shipped.
        format: in which.
        shown: the files.
    """
    model = store.model(source.id)
    root = model.lineage[0].model
    tags = ["compress-compare", format.name]
    parts = [
        f"# {plain(model.id)}",
        f"Shipped as {format.summary}, from the project *{plain(store.name)}*.",
        "## How it was made\n" + "\n".join(card.steps(model)),
        "## Sizes\n" + "\n".join(_sizes(store, model, shown)),
        "## Proof\n" + "\n".join(_proof(format, shown)),
    ]
    results = card.results(store, model)
    if results:
        parts.append(f"## Results of the model\n{results}")
    if shown.gate is not None:
        parts.append(f"## Rules of the release\n{shown.gate.markdown().strip()}")
    damage = list(_damage(store, model))
    if damage:
        parts.append("## Known damage\n" + "\n".join(damage))
    return card.written(card.head(store, model, tags=tags, base=root if model.base is not None else None), parts)


def _sizes(store: Store, model: Model, shown: Shown) -> Iterator[str]:
    stored = model.checkpoint.num_bytes if model.checkpoint else None
    root = store.model(model.lineage[0].model)
    yield f"- shipped: {shown.num_bytes:,} bytes"
    if shown.claimed is not None:
        yield f"- packed, as its scheme implies: {shown.claimed:,} bytes"
    if stored is not None:
        yield f"- as it was kept in the project: {stored:,} bytes"
    if root.checkpoint is not None and root.id != model.id:
        yield f"- root {plain(root.id)}, as it was kept: {root.checkpoint.num_bytes:,} bytes"
    yield from (f"- {plain(note)}" for note in shown.notes)


def _proof(format: Format, shown: Shown) -> Iterator[str]:
    proof = shown.proof
    if proof.max_difference == 0:
        yield f"- All numbers of {proof.tensors:,} tensors were read back and are equal to the model's."
    else:
        yield (
            f"- {proof.tensors:,} tensors were read back. The largest difference of a number is "
            f"{proof.max_difference:.3g}, {proof.relative_difference:.2e} of the largest number of its tensor."
        )
    if proof.agreement is None:
        yield "- It was not run."
        return
    yield (
        f"- Run by {proof.runtime} on {proof.on}: {proof.predictions - proof.flips:,} of {proof.predictions:,} "
        f"predictions agree with the model's ({proof.agreement:.2%}; at least {format.agreement:.0%} is asked for). "
        f"The largest difference of an output is {proof.output_difference:.3g}."
    )
    if shown.latency is not None:
        yield f"- One example takes {shown.latency.value * 1e3:.3g} ms on {plain(shown.latency.device or '')}."


def _damage(store: Store, model: Model) -> Iterator[str]:
    """What a model lost against its root: flips, and the classes and slices that lost most beyond chance."""
    root = model.lineage[0].model
    shared = [name for name in model.datasets if root != model.id and name in store.model(root).datasets]
    for name in shared:
        try:
            frame, directions = joined(store, root, models=[model.id], dataset=name)
            found = Behaviors(frame, "correct", directions=directions)
            row, groups = found.summary.to_pylist()[0], found.groups.to_pylist()
            slices = found.slices.to_pylist() if found.can_group else []
        except UserError:
            continue
        yield (
            f"- On the {row['count']:,} examples of {plain(name)}, {row['right_to_wrong']:,} that {plain(root)} had "
            f"right are wrong, and {row['wrong_to_right']:,} that it had wrong are right."
        )
        lost = sorted((one for one in groups if (one["difference"] or 0) < 0), key=lambda one: one["difference"])
        certain = [one for one in lost if one.get("ci_high") is not None and one["ci_high"] < 0]
        for one in certain[:WORST]:
            yield (
                f"- Label {plain(str(one['group']))}: {one['difference'] * 100:+.1f} pp "
                f"(95% interval {one['ci_low'] * 100:+.1f} to {one['ci_high'] * 100:+.1f}), {one['count']:,} examples."
            )
        for one in [one for one in slices if one["excess"] < 0 and one["difference"] < 0][:WORST]:
            yield (
                f"- Slice {plain(one['slice'])}: {one['difference'] * 100:+.1f} pp on {one['count']:,} examples, "
                f"{-one['excess'] * 100:.1f} pp below the change of all examples "
                f"(p = {one['p_adjusted']:.2g}, adjusted for {one['tried']:,} slices)."
            )


def results(model: Model) -> list[dict[str, Any]]:
    """The values over all examples of a data set, as the Hub reads them from ``.eval_results/*.yaml``."""
    found = []
    for name, values in model.metrics.items():
        for value in values:
            data = value.dataset or (model.datasets[0] if len(model.datasets) == 1 else None)
            if value.slice is not None or value.device is not None or value.kind != "number" or data is None:
                continue
            said = [f"on {value.count:,} examples"] if value.count is not None else []
            if value.standard_error:
                half = Z * value.standard_error
                said.append(f"95% interval {card.number(value.value - half)} to {card.number(value.value + half)}")
            said += [f"protocol: {value.protocol}"] if value.protocol else []
            entry: dict[str, Any] = {"dataset": {"id": data, "task_id": card.key(name)}, "value": value.value}
            found.append({**entry, "notes": f"{name}, {'; '.join(said)}" if said else name})
    return found
