"""The project, and the parts of a comparison, as JSON can say them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

from ..analysis.behaviors.boxes import MOST_BOXES, SCORE
from ..analysis.behaviors.masks import Classes, run_lengths
from ..analysis.behaviors.object_masks import counts_of, pixels
from ..comparisons.behaviors import Behaviors
from ..store.store import Store
from ..table import Table
from .payloads import InstancePayload
from .snapshot import Snapshot
from .wire import behaviors as asked
from .wire import project as wire
from .wire.base import number

BINS = 40
LONGEST = 1_000
"""Characters of a text in a list of instances."""
LONGEST_WHOLE = 100_000
"""Characters of the text of one instance that is looked at."""
MOST_TOKENS = 2_000
CLASSES = 10
"""Probabilities of one instance, the largest."""
EXEMPLARS = 100
MASK_SIDE = 512
"""Pixels of the longer side of a mask that is looked at; of larger ones, every second or third is sent, and so on."""
MOST_CHANGES = 500
"""Changes of prediction per answer, the most frequent of each model first."""


def project(project: Store, snapshot: Snapshot) -> wire.ProjectAnswer:
    """What a project holds, without its models."""
    return wire.ProjectAnswer(
        name=project.name,
        version=version("compress-compare"),
        read_only=project.storage.read_only,
        revision=snapshot.revision,
        num_models=snapshot.num_models,
        metrics=[wire.MetricAnswer.model_validate(metric, from_attributes=True) for metric in project.metrics()],
        operations=snapshot.operations,
        datasets=[wire.DatasetAnswer.model_validate(dataset, from_attributes=True) for dataset in project.datasets()],
        tags=snapshot.tags,
    )


def behaviors(found: Behaviors, ask: asked.BehaviorsAsk) -> asked.BehaviorsAnswer:
    """The parts that are asked for; a part that there cannot be without labels or classes is null."""
    wanted = set(ask.parts)

    def part(name: str, make: Callable[[], Table], *, possible: bool = True) -> list[dict[str, Any]] | None:
        return rows(make()) if name in wanted and possible else None

    classes, labels = found.has_classes, found.has_classes and found.has_labels
    calibrated = labels and "confidence" in found.metrics
    instances = ask.instances
    return asked.BehaviorsAnswer.model_validate(
        {
            "base": found.base,
            "models": found.models,
            "metric": found.metric,
            "higher_is_better": found.higher_is_better,
            "meaning": found.meaning,
            "metrics": found.metrics,
            "columns": found.columns,
            "group_columns": found.group_columns,
            "num_instances": found.num_instances,
            "summary": part("summary", lambda: found.summary),
            "histograms": part("histograms", lambda: found.histograms(BINS, instances.where, relative=ask.relative)),
            "groups": part("groups", lambda: found.groups, possible=found.can_group),
            "changes": part("changes", lambda: Table(found.changes.slice(0, MOST_CHANGES)), possible=classes),
            "pairs": part("pairs", lambda: found.pairs, possible=labels),
            "confusion": part(
                "confusion", lambda: found.confusion(ask.confusion_of or found.models[0]), possible=labels
            ),
            "calibration": part("calibration", lambda: found.calibration, possible=calibrated),
            "calibration_errors": found.calibration_errors if "calibration" in wanted and calibrated else None,
            "perplexity": part("perplexity", lambda: found.perplexity, possible="perplexity" in found.metrics),
            "exemplars": part("exemplars", lambda: found.exemplars(limit=EXEMPLARS), possible=classes),
            "slices": part("slices", lambda: Table(found.slices.slice(0, MOST_CHANGES))),
            "segmentation": part("segmentation", lambda: found.segmentation, possible="mean_iou" in found.metrics),
            "instances": part(
                "instances",
                lambda: found.instances(
                    instances.sort, instances.where, limit=instances.limit, offset=instances.offset
                ),
            ),
            "total": found.count(instances.where) if "instances" in wanted else None,
        }
    )


def instance(found: Behaviors, payload: InstancePayload, *, id: int | str) -> asked.InstanceAnswer:
    """One instance with its whole text."""
    text = payload.text
    return asked.InstanceAnswer(
        row=rows(found.instances(where=[("id", "==", payload.id)], limit=1))[0],
        text=None if text is None else text[:LONGEST_WHOLE],
        is_cut=text is not None and len(text) > LONGEST_WHOLE,
        has_image=payload.image is not None,
        has_audio=payload.audio is not None,
        tokens=[token[:LONGEST] for token in payload.tokens[:MOST_TOKENS]],
        token_numbers=[
            asked.TokenNumbers(measure=measure, model=model, values=[_plain(one) for one in values[:MOST_TOKENS]])
            for measure, by_model in found.tokens(id).items()
            for model, values in by_model.items()
        ],
        boxes=[asked.ImageBoxes(model=model or None, boxes=_boxes(boxes)) for model, boxes in found.boxes(id).items()],
        masks=[_mask(mask, model=model or None) for model, mask in found.masks(id).items()],
        mask_classes=[asked.MaskClass(number=number, name=name) for number, name in found.mask_classes.items()],
        probabilities=[asked.ClassProbability.model_validate(row) for row in rows(found.vectors(id, CLASSES))],
    )


def _boxes(boxes: Sequence[Mapping[str, Any]]) -> list[asked.BoxAnswer]:
    """Boxes, the surest of those that count with their masks."""
    sure = sorted((k for k, box in enumerate(boxes) if box["score"] >= SCORE), key=lambda k: -boxes[k]["score"])
    drawn = set(sure[:MOST_BOXES])
    masks = [_object_mask(box["mask"]) if k in drawn and "mask" in box else None for k, box in enumerate(boxes)]
    return [asked.BoxAnswer.model_validate({**box, "mask": mask}) for box, mask in zip(boxes, masks, strict=True)]


def _object_mask(mask: Mapping[str, Any]) -> asked.ObjectMask:
    step = -(-max(mask["size"]) // MASK_SIDE)
    height, width = (-(-side // step) for side in mask["size"])
    counts = mask["counts"] if step == 1 else counts_of(pixels(mask, step=step)).tolist()
    return asked.ObjectMask(height=height, width=width, step=step, counts=counts)


def _mask(mask: Classes, *, model: str | None) -> asked.ImageMask:
    step = -(-max(mask.shape) // MASK_SIDE)
    sent = mask[::step, ::step]
    classes, lengths = run_lengths(sent)
    height, width = sent.shape
    return asked.ImageMask(
        model=model, height=height, width=width, step=step, classes=classes.tolist(), lengths=lengths.tolist()
    )


def rows(table: Table) -> list[dict[str, Any]]:
    """One mapping per row; NaN and infinities as strings, missing as null, long texts cut short."""
    return [{name: _plain(value) for name, value in row.items()} for row in table.to_pylist()]


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return number(value)
    if isinstance(value, str) and len(value) > LONGEST:
        return f"{value[:LONGEST]}…"
    return value
