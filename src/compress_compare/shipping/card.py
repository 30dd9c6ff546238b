"""The model card of what was shipped: YAML front matter as the Hugging Face Hub reads it, and a page of Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from ..analysis.inference.normal import Z
from ..comparisons.behaviors import Behaviors, joined
from ..errors import UserError
from ..records import MetricValue, Model
from ..store.store import Store
from .base import Format, Source
from .proof import Proof

RELATIONS = {
    "finetune": "finetune", "train": "finetune", "calibrate": "finetune", "distill": "finetune", "merge": "merge",
}  # fmt: skip
"""What the Hub calls the step from a base to a model; everything else here makes a model smaller: ``quantized``."""
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
    """

    proof: Proof
    num_bytes: int
    claimed: int | None
    latency: MetricValue | None
    notes: Sequence[str]


def written(store: Store, source: Source, *, format: Format, shown: Shown) -> str:
    """The text of ``README.md``.

    Args:
        store: the project.
        source: what was shipped.
        format: in which.
        shown: the files.
    """
    model = store.model(source.id)
    parts = [
        f"---\n{yaml.safe_dump(_front(store, model, format), sort_keys=False, allow_unicode=True)}---",
        f"# {_plain(model.id)}",
        f"Shipped as {format.summary}, from the project *{_plain(store.name)}*.",
        "## How it was made\n" + "\n".join(_steps(model)),
        "## Sizes\n" + "\n".join(_sizes(store, model, shown)),
        "## Proof\n" + "\n".join(_proof(format, shown)),
    ]
    results = list(_results(store, model))
    if results:
        header = "| metric | value | 95% interval | examples | device |\n|---|---:|---|---:|---|\n"
        parts.append("## Results of the model\n" + header + "\n".join(results))
    damage = list(_damage(store, model))
    if damage:
        parts.append("## Known damage\n" + "\n".join(damage))
    return "\n\n".join(parts) + "\n"


def _front(store: Store, model: Model, format: Format) -> dict[str, Any]:
    root, operation = model.lineage[0].model, model.operation
    front: dict[str, Any] = {"tags": ["compress-compare", format.name]}
    if model.base is not None:
        names = [step.operation.name for step in model.lineage[1:] if step.operation]
        shrinking = [name for name in names if name not in RELATIONS]
        front["base_model"] = root
        front["base_model_relation"] = "quantized" if shrinking or operation is None else RELATIONS[operation.name]
    primary = {metric.name: metric for metric in store.metrics()}
    results = [
        {"type": _key(name), "name": name, "value": value.value}
        for name, values in model.metrics.items()
        for value in values
        if value.slice is None and value.device is None and value.kind == "number" and name in primary
    ]
    if results:
        data = {"name": model.datasets[0] if model.datasets else store.name, "type": "custom"}
        task = {"type": "other"}
        entry = {"task": task, "dataset": data, "metrics": results}
        front["model-index"] = [{"name": model.id, "results": [entry]}]
    return front


def _steps(model: Model) -> Iterator[str]:
    for number, step in enumerate(model.lineage, 1):
        said = "the root" if step.operation is None else f"{_plain(step.operation.name)}"
        parameters = step.operation.parameters if step.operation else {}
        listed = ", ".join(f"{_plain(str(key))} = {_plain(str(value))}" for key, value in parameters.items())
        yield f"{number}. {_plain(step.model)}: {said}{f' ({listed})' if listed else ''}"


def _sizes(store: Store, model: Model, shown: Shown) -> Iterator[str]:
    stored = model.checkpoint.num_bytes if model.checkpoint else None
    root = store.model(model.lineage[0].model)
    yield f"- shipped: {shown.num_bytes:,} bytes"
    if shown.claimed is not None:
        yield f"- packed, as its scheme implies: {shown.claimed:,} bytes"
    if stored is not None:
        yield f"- as it was kept in the project: {stored:,} bytes"
    if root.checkpoint is not None and root.id != model.id:
        yield f"- root {_plain(root.id)}, as it was kept: {root.checkpoint.num_bytes:,} bytes"
    yield from (f"- {_plain(note)}" for note in shown.notes)


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
        yield f"- One example takes {shown.latency.value * 1e3:.3g} ms on {_plain(shown.latency.device or '')}."


def _results(store: Store, model: Model) -> Iterator[str]:
    known = {metric.name: metric for metric in store.metrics()}
    for name, values in model.metrics.items():
        for value in values:
            if value.slice is None and value.kind == "number":
                unit = known[name].unit if name in known else ""
                interval = ""
                if value.standard_error:
                    half = Z * value.standard_error
                    interval = f"{_number(value.value - half)} to {_number(value.value + half)}"
                count = "" if value.count is None else f"{value.count:,}"
                shown = f"{_number(value.value)}{f' {unit}' if unit else ''}"
                yield f"| {_plain(name)} | {shown} | {interval} | {count} | {_plain(value.device or '')} |"


def _damage(store: Store, model: Model) -> Iterator[str]:
    """What a model lost against its root: flips, and the classes and slices that lost most beyond chance."""
    root = model.lineage[0].model
    shared = [name for name in model.datasets if root != model.id and name in store.model(root).datasets]
    for name in shared:
        try:
            frame, directions = joined(store, root, models=[model.id], dataset=name)
            found = Behaviors(frame, "correct", directions=directions)
            row, groups = found.summary.to_pylist()[0], found.groups.to_pylist()
        except UserError:
            continue
        yield (
            f"- On the {row['count']:,} examples of {_plain(name)}, {row['right_to_wrong']:,} that {_plain(root)} had "
            f"right are wrong, and {row['wrong_to_right']:,} that it had wrong are right."
        )
        lost = sorted((one for one in groups if (one["difference"] or 0) < 0), key=lambda one: one["difference"])
        certain = [one for one in lost if one.get("ci_high") is not None and one["ci_high"] < 0]
        for one in certain[:WORST]:
            yield (
                f"- Label {_plain(str(one['group']))}: {one['difference'] * 100:+.1f} pp "
                f"(95% interval {one['ci_low'] * 100:+.1f} to {one['ci_high'] * 100:+.1f}), {one['count']:,} examples."
            )


def _key(name: str) -> str:
    return "_".join("".join(c if c.isalnum() else " " for c in name.lower()).split()) or "metric"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 and math.isfinite(value) else f"{value:.4g}"


def _plain(text: str) -> str:
    """A name as text of Markdown, on one line, without any mark-up of its own."""
    line = "".join(character if character.isprintable() else " " for character in text)
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>#|" else c for c in line)
