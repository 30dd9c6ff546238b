"""Objects that models detect: found and missed in each image, average precision of each class, lost and won objects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..inference.resampled import RESAMPLES, drawn, known_or_none, limits, share
from .boxes import OVERLAP, SCORE, Boxes, Flags, Matches, Places, average_precision, match
from .frame import BOXES, OBJECT_MASKS, Frame
from .joined import Floats
from .object_masks import ObjectMasks


def recall(frame: Frame) -> dict[str, Floats]:
    """Objects found over objects; NaN without objects."""
    return {model: share(right, right + missed) for model, right, _, missed in _counted(frame)}


def precision(frame: Frame) -> dict[str, Floats]:
    """Right boxes over boxes; NaN without boxes."""
    return {model: share(right, right + extra) for model, right, extra, _ in _counted(frame)}


def f1(frame: Frame) -> dict[str, Floats]:
    """Harmonic mean of precision and recall; 1 where there is no object and no box."""
    return {
        model: np.where(right + extra + missed == 0, 1.0, share(2 * right, 2 * right + extra + missed))
        for model, right, extra, missed in _counted(frame)
    }


def missed_objects(frame: Frame) -> dict[str, Floats]:
    """Number of objects that no box finds."""
    return {model: missed for model, _, _, missed in _counted(frame)}


def false_positives(frame: Frame) -> dict[str, Floats]:
    """Number of boxes that find no object."""
    return {model: extra for model, _, extra, _ in _counted(frame)}


def classes(frame: Frame) -> list[str]:
    """The classes of objects and boxes, sorted."""

    def load() -> list[str]:
        columns = [frame.dataset.read(BOXES)[BOXES], *(frame.answers(model, BOXES) for model in frame.outputs)]
        names: set[str] = set()
        for column in columns:
            names |= set(pc.unique(pc.struct_field(pc.list_flatten(column), "class")).to_pylist())
        return sorted(names)

    return frame.keep(("classes of boxes",), load)


def corpus(frame: Frame, *, resamples: int = RESAMPLES, seed: int = 0) -> pa.Table:
    """The average precision of each model and class beside the base's, and the objects that were lost and won.

    Over the images that base and model both answered. An object is lost if the base finds it and the model does not, by
    boxes with a score of at least `SCORE`.

    Args:
        frame: whose outputs all have boxes.
        resamples: of the images, drawn for base and model together; the 95% interval of the difference is that of their
            percentiles.
        seed: of the draws.

    Returns:
        ``model, class`` (null for the mean over the classes), ``num_objects, ap, base_ap`` (mean over overlaps of 0.5
        to 0.95), ``ap50, base_ap50, difference`` (of ``ap50``), ``ci_low, ci_high, lost, won``, and ``overlap_of``:
        whether overlaps are of ``masks`` or of ``boxes``.
    """
    names, rows, of = classes(frame), [], {"overlap_of": overlap_of(frame)}
    draws = np.random.default_rng(seed)
    for model in frame.models:
        known = _known(frame, frame.base) & _known(frame, model)
        weights = drawn(known, resamples, draws=draws)
        compared = [_compare(frame, model, label=label, known=known) for label in range(len(names))]
        of_classes = [one.row(weights) for one in compared]
        rows += [{"model": model, "class": None, **_mean(of_classes), **of}]
        rows += [
            {"model": model, "class": name, **row.table, **of} for name, row in zip(names, of_classes, strict=True)
        ]
    return pa.Table.from_pylist(rows, SCHEMA)


SCHEMA = pa.schema(
    [
        ("model", pa.string()),
        ("class", pa.string()),
        ("num_objects", pa.int64()),
        *((name, pa.float64()) for name in ("ap", "base_ap", "ap50", "base_ap50", "difference", "ci_low", "ci_high")),
        ("lost", pa.int64()),
        ("won", pa.int64()),
        ("overlap_of", pa.string()),
    ]
)


def overlap_of(frame: Frame) -> str:
    """Whether overlaps are of ``masks``, which objects and the boxes of all models then have, or of ``boxes``."""
    return "masks" if frame.has_object_masks else "boxes"


def of_instance(frame: Frame, place: int) -> dict[str, list[dict[str, Any]]]:
    """The objects of one image, under the name ``""``, and each model's boxes: class, corners, score, whether right,
    and the mask as COCO writes it, not compressed, if masks are compared.

    An object is right if the base finds it.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    chosen = np.arange(frame.num_instances) == place
    objects = _objects(frame).where(chosen[_objects(frame).image])
    for model in frame.outputs:
        boxes = _boxes(frame, model)
        boxes = boxes.where(chosen[boxes.image])
        right, seen = np.zeros(len(boxes), bool), np.zeros(len(objects), bool)
        for label in np.unique(np.concatenate([boxes.label, objects.label])):
            ours, theirs = boxes.label == label, objects.label == label
            sure = ours & (boxes.score >= SCORE)
            matched = match(boxes.where(sure), objects.where(theirs), label=int(label), thresholds=[OVERLAP])
            order = np.flatnonzero(sure)[np.argsort(-boxes.score[sure], kind="stable")][: matched.right.shape[1]]
            right[order] = matched.right[0]
            seen[theirs] = matched.found
        if model == frame.base:
            found[""] = _listed(frame, objects, right=seen)
        found[model] = _listed(frame, boxes, right=right)
    return found


@dataclass(frozen=True)
class _Row:
    table: dict[str, Any]
    resampled: Floats
    """Differences of the average precision at an overlap of 0.5, one for each resample."""


@dataclass(frozen=True)
class _Compared:
    """What base and model find of one class."""

    base: Matches
    model: Matches
    lost: int
    won: int

    def row(self, weights: Places) -> _Row:
        ours, theirs = average_precision(self.model), average_precision(self.base)
        differences = np.array([float(_first(self.model, weight) - _first(self.base, weight)) for weight in weights])
        return _Row(
            {
                "num_objects": len(self.base.objects),
                "ap": known_or_none(ours.mean()),
                "base_ap": known_or_none(theirs.mean()),
                "ap50": known_or_none(ours[0]),
                "base_ap50": known_or_none(theirs[0]),
                "difference": known_or_none(ours[0] - theirs[0]),
                **limits(differences),
                "lost": self.lost,
                "won": self.won,
            },
            differences,
        )


def _first(matches: Matches, weight: Places) -> float:
    at_first = Matches(matches.image, matches.right[:1], matches.found, matches.objects)
    return float(average_precision(at_first, weight)[0])


def _compare(frame: Frame, model: str, *, label: int, known: Flags) -> _Compared:
    objects = _objects(frame)
    objects = objects.where(known[objects.image])
    sides = []
    for name in (frame.base, model):
        boxes = _boxes(frame, name)
        boxes = boxes.where(known[boxes.image])
        sure = match(boxes.where(boxes.score >= SCORE), objects, label=label, thresholds=[OVERLAP])
        sides.append((match(boxes, objects, label=label), sure.found))
    (base, in_base), (ours, in_model) = sides
    return _Compared(base, ours, int((in_base & ~in_model).sum()), int((in_model & ~in_base).sum()))


def _mean(rows: list[_Row]) -> dict[str, Any]:
    """Over the classes that have objects; an interval of what the resamples say of them."""
    with_objects = [row for row in rows if row.table["num_objects"]]
    found: dict[str, Any] = {"num_objects": sum(row.table["num_objects"] for row in rows)}
    for name in ("ap", "base_ap", "ap50", "base_ap50", "difference"):
        found[name] = float(np.mean([row.table[name] for row in with_objects])) if with_objects else None
    every = np.array([row.resampled for row in with_objects])
    kept = np.nanmean(every[:, ~np.isnan(every).all(axis=0)], axis=0) if len(every) else np.zeros(0)
    lost, won = (sum(row.table[name] for row in rows) for name in ("lost", "won"))
    return {**found, **limits(kept), "lost": lost, "won": won}


def _counted(frame: Frame) -> Iterator[tuple[str, Floats, Floats, Floats]]:
    """By model, per image: right boxes, boxes that find nothing, objects that are missed; NaN where not known."""
    objects = _objects(frame)
    for model in frame.outputs:
        boxes = _boxes(frame, model)
        boxes = boxes.where(boxes.score >= SCORE)
        known = _known(frame, model)
        right, count = (np.zeros(frame.num_instances) for _ in range(2))
        for label in range(len(classes(frame))):
            found = match(boxes, objects, label=label, thresholds=[OVERLAP])
            right += np.bincount(found.image[found.right[0]], minlength=len(right))
            count += np.bincount(found.image, minlength=len(right))
        there = np.bincount(objects.image, minlength=len(right)).astype(float)
        right[~known] = np.nan
        yield model, right, count - right, there - right


def _known(frame: Frame, model: str) -> Flags:
    """Which images have their objects and the model's boxes, and masks of both if these are compared."""

    def load() -> Flags:
        objects, answers = (_columns(frame, one)[0] for one in (None, model))
        valid: Flags = np.asarray(pc.and_(objects.is_valid(), answers.is_valid()))
        return valid

    return frame.keep(("images", model), load)


def _objects(frame: Frame) -> Boxes:
    return frame.keep(("objects",), lambda: _read(frame, None))


def _boxes(frame: Frame, model: str) -> Boxes:
    return frame.keep(("boxes", model), lambda: _read(frame, model))


def _columns(frame: Frame, model: str | None) -> tuple[pa.Array, pa.Array | None]:
    """Boxes and their masks, of the labels where no model is named; an image without masks has no boxes either."""
    names = (BOXES, OBJECT_MASKS) if frame.has_object_masks else (BOXES,)
    found = [
        frame.dataset.read(name)[name].combine_chunks() if model is None else frame.answers(model, name)
        for name in names
    ]
    if len(found) == 1:
        return found[0], None
    both = pc.and_(*(column.is_valid() for column in found))
    boxes, masks = (pc.if_else(both, column, pa.scalar(None, column.type)) for column in found)
    return boxes, masks


def _read(frame: Frame, model: str | None) -> Boxes:
    column, masked = _columns(frame, model)
    flat = pc.list_flatten(column)
    labels = pc.index_in(pc.struct_field(flat, "class"), value_set=pa.array(classes(frame), pa.string()))
    corners = [pc.struct_field(flat, name).to_numpy(zero_copy_only=False) for name in ("x0", "y0", "x1", "y1")]
    found = Boxes(
        pc.list_parent_indices(column).to_numpy(zero_copy_only=False).astype(np.int64),
        labels.to_numpy(zero_copy_only=False).astype(np.int64),
        np.stack(corners, axis=1).astype(np.float64),
        pc.struct_field(flat, "score").to_numpy(zero_copy_only=False).astype(np.float64),
    )
    return found if masked is None else replace(found, masks=ObjectMasks.read(masked), mask=np.arange(len(found)))


def _listed(frame: Frame, boxes: Boxes, *, right: Flags) -> list[dict[str, Any]]:
    names = classes(frame)
    found = [
        {"class": names[label], "box": corners.tolist(), "score": float(score), "right": bool(is_right)}
        for label, corners, score, is_right in zip(boxes.label, boxes.corners, boxes.score, right, strict=True)
    ]
    if boxes.masks is None or boxes.mask is None:
        return found
    return [{**one, "mask": boxes.masks.rle(place)} for one, place in zip(found, boxes.mask, strict=True)]
