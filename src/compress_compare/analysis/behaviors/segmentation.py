"""Masks that models give: how well they cover the label's in each image, and in all images by class."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from ..inference.resampled import RESAMPLES, drawn, known_or_none, limits, share
from .frame import MASK, Frame
from .joined import Floats, Mask
from .masks import Cells, Classes, Counts, PixelMasks, cells, summed, together

SCHEMA = pa.schema(
    [
        ("model", pa.string()),
        ("class", pa.string()),
        ("num_pixels", pa.int64()),
        *((name, pa.float64()) for name in ("iou", "base_iou", "difference", "ci_low", "ci_high")),
        ("lost", pa.int64()),
        ("won", pa.int64()),
    ]
)


def measurable(frame: Frame, model: str) -> Mask:
    """Which images have a label with a pixel that is not void, and a mask of the model."""
    return _counted(frame) & _answer(frame, model).known


def _counted(frame: Frame) -> Mask:

    def load() -> Mask:
        label = _label(frame)
        found = np.zeros(frame.num_instances, dtype=np.bool_)
        found[label.image[label.classes >= 0]] = True
        return found

    return frame.keep(("measurable",), load)


def mean_iou(frame: Frame) -> dict[str, Floats]:
    """Mean of the intersection over union of the classes that label or answer have in the image."""
    return {model: _by_image(frame, model, _mean_iou) for model in frame.outputs}


def pixel_accuracy(frame: Frame) -> dict[str, Floats]:
    """Pixels of the right class over pixels that are not void."""
    return {model: _by_image(frame, model, _pixel_accuracy) for model in frame.outputs}


def agreement(frame: Frame) -> dict[str, Floats]:
    """Pixels to which model and base give the same class, over pixels that are not void."""
    return {model: _beside(frame, model).agreement for model in frame.outputs}


def names(frame: Frame) -> dict[int, str]:
    """What each class that occurs in a mask is called, by its number: as logged with ``classes``, else the number."""

    def load() -> dict[int, str]:
        every = [_label(frame), *(_answer(frame, model) for model in frame.outputs)]
        numbers = np.unique(np.concatenate([np.unique(one.classes) for one in every]))
        facts = (frame.fact(model, b"classes") for model in frame.outputs)
        given: list[Any] = next((fact for fact in facts if fact is not None), [])
        return {int(at): str(given[at]) if at < len(given) else str(at) for at in numbers[numbers >= 0]}

    return frame.keep(("classes of masks",), load)


def of_instance(frame: Frame, place: int) -> dict[str, Classes]:
    """The masks of one image, int32 ``[height, width]``: the label under the name ``""``, then each model's."""
    found = {"": _label(frame).pixels(place)}
    found |= {model: _answer(frame, model).pixels(place) for model in frame.outputs}
    return {name: mask for name, mask in found.items() if mask is not None}


def corpus(frame: Frame, *, resamples: int = RESAMPLES, seed: int = 0) -> pa.Table:
    """The intersection over union of each model and class beside the base's, over the pixels of all images.

    Over the images that base and model both answered. A pixel is lost if the base gives it the class of the label and
    the model does not.

    Args:
        frame: whose outputs all have masks.
        resamples: of the images, drawn for base and model together; the 95% interval of the difference is that of their
            percentiles.
        seed: of the draws.

    Returns:
        ``model, class`` (null for the mean over the classes that label or answer have), ``num_pixels`` of the label,
        ``iou, base_iou, difference, ci_low, ci_high, lost, won``.
    """
    called, rows = names(frame), []
    draws = np.random.default_rng(seed)
    for model in frame.models:
        known = measurable(frame, frame.base) & measurable(frame, model)
        weights = np.concatenate([known[None].astype(np.int64), drawn(known, resamples, draws=draws)])
        ours, theirs = (_of_classes(_cells(frame, one), weights, list(called)) for one in (model, frame.base))
        beside = _beside(frame, model)
        lost, won = beside.lost[list(called)], beside.won[list(called)]
        whole = {"num_pixels": int(ours.pixels.sum()), "lost": int(lost.sum()), "won": int(won.sum())}
        rows.append({"model": model, "class": None, **_row(_mean(ours.iou), _mean(theirs.iou)), **whole})
        for at, name in enumerate(called.values()):
            counts = {"num_pixels": int(ours.pixels[at]), "lost": int(lost[at]), "won": int(won[at])}
            rows.append({"model": model, "class": name, **_row(ours.iou[:, at], theirs.iou[:, at]), **counts})
    return pa.Table.from_pylist(rows, SCHEMA)


@dataclass(frozen=True)
class _OfClasses:
    """Args:
    iou: float64 ``[1 + resamples, classes]``, of all images first; NaN where neither label nor answer have the class.
    pixels: float64 ``[classes]``, of the label.
    """

    iou: Floats
    pixels: Floats


def _of_classes(found: Cells, weights: Counts, numbers: list[int]) -> _OfClasses:
    iou, pixels = np.full((len(weights), len(numbers)), np.nan), np.zeros(len(numbers))
    for at, number in enumerate(numbers):
        chosen = found.label == number
        times = weights[:, found.image[chosen]]
        iou[:, at] = share(times @ found.shared[chosen], times @ found.union[chosen])
        pixels[at] = times[0] @ found.wanted[chosen]
    return _OfClasses(iou, pixels)


@dataclass(frozen=True)
class _Beside:
    """A model beside the base.

    Args:
        agreement: ``[images]``, share of the pixels to which both give the same class.
        lost: ``[classes]``, pixels that only the base has right, by the number of the label's class.
        won: likewise, that only the model has right.
    """

    agreement: Floats
    lost: Counts
    won: Counts


def _beside(frame: Frame, model: str) -> _Beside:
    def load() -> _Beside:
        size = 1 + max(names(frame), default=0)
        shares = np.full(frame.num_instances, np.nan)
        lost, won = np.zeros(size, np.int64), np.zeros(size, np.int64)
        for place, (label, base, ours) in together(_label(frame), _answer(frame, frame.base), _answer(frame, model)):
            differ = base != ours
            wanted, before, after = label[differ], base[differ], ours[differ]
            lost += np.bincount(wanted[before == wanted], minlength=size)
            won += np.bincount(wanted[after == wanted], minlength=size)
            shares[place] = 1 - len(wanted) / len(label) if len(label) else np.nan
        return _Beside(shares, lost, won)

    return frame.keep(("beside", model), load)


def _row(ours: Floats, theirs: Floats) -> dict[str, Any]:
    difference = ours - theirs
    return {
        "iou": known_or_none(ours[0]),
        "base_iou": known_or_none(theirs[0]),
        "difference": known_or_none(difference[0]),
        **limits(difference[1:]),
    }


def _mean(iou: Floats) -> Floats:
    """Over the classes that are there, ``[1 + resamples]``."""
    known = ~np.isnan(iou)
    return share(np.where(known, iou, 0.0).sum(axis=1), known.sum(axis=1).astype(np.float64))


def _by_image(frame: Frame, model: str, score: Callable[[Cells, int], Floats]) -> Floats:
    return score(_cells(frame, model), frame.num_instances)


def _mean_iou(found: Cells, images: int) -> Floats:
    shares = summed(found.image, found.shared / found.union, size=images)
    return share(shares, summed(found.image, np.ones(len(found.image)), size=images))


def _pixel_accuracy(found: Cells, images: int) -> Floats:
    return share(summed(found.image, found.shared, size=images), summed(found.image, found.wanted, size=images))


def _cells(frame: Frame, model: str) -> Cells:
    return frame.keep(("cells", model), lambda: cells(_label(frame), _answer(frame, model)))


def _label(frame: Frame) -> PixelMasks:
    return frame.keep(("label masks",), lambda: PixelMasks.read(frame.dataset.read(MASK)[MASK].combine_chunks()))


def _answer(frame: Frame, model: str) -> PixelMasks:
    return frame.keep(("masks", model), lambda: PixelMasks.read(frame.answers(model, MASK)))
