"""scikit-learn's 1,797 handwritten digits (the test part of UCI's optical recognition data), split by a seed.

One way of writing is rare in training, as some always is in real data: of the ones that lean to the left, three are
trained on and all others tested on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import MissingExtra

TEST_SHARE = 0.4
DATASET = "digits-test"
_LEVELS = 16
_STROKES = np.array(["thin", "medium", "thick"])
_LEANS = np.array(["left", "upright", "right"])
RARE_LABEL, RARE_LEAN, RARE_TRAINED = 1, "left", 3


@dataclass(frozen=True)
class Digits:
    """Images in 0–1, ``(instances, 8, 8)`` float32, with their labels, 0–9, and their rows in scikit-learn's data.

    Args:
        lean: ``left``, ``upright`` or ``right``: the third of all 1,797 images, by `slant`.
    """

    images: np.ndarray
    labels: np.ndarray
    ids: np.ndarray
    lean: np.ndarray


def load(seed: int, *, rare: bool = True) -> tuple[Digits, Digits]:
    """Training and test part: a split, the same for the same seed, stratified by class but for what is rare.

    Args:
        seed: of the split.
        rare: whether ones that lean to the left are rare in training; without it, they are split like all others.

    Raises:
        MissingExtra: scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split
    except ImportError as error:
        raise MissingExtra("scikit-learn", purpose="The digits demo", extra="demo") from error
    bunch = load_digits()
    images = (bunch.images / _LEVELS).astype(np.float32)
    rows = np.arange(len(images))
    trained, tested = train_test_split(rows, test_size=TEST_SHARE, stratify=bunch.target, random_state=seed)
    lean = _thirds(slant(images), _LEANS)
    if rare:
        few = np.sort(trained[(bunch.target[trained] == RARE_LABEL) & (lean[trained] == RARE_LEAN)])
        moved = np.random.default_rng(seed).permutation(few)[RARE_TRAINED:]
        trained, tested = np.setdiff1d(trained, moved), np.concatenate([tested, moved])
    parts = (Digits(images[part], bunch.target[part], part, lean[part]) for part in map(np.sort, (trained, tested)))
    train, test = parts
    return train, test


def columns(digits: Digits) -> dict[str, Any]:
    """The images as `Project.log_dataset` takes them, with the ink, the thickness and the slant of each."""
    width = stroke_width(digits.images)
    return {
        "ids": digits.ids,
        "labels": digits.labels,
        "images": list(np.rint(digits.images * 255).astype(np.uint8)),
        "metadata": {
            "ink": digits.images.mean(axis=(1, 2)).round(4),
            "stroke_width": width.round(4),
            "stroke": _thirds(width, _STROKES),
            "slant": slant(digits.images).round(4),
            "lean": digits.lean,
        },
    }


def _thirds(values: np.ndarray, names: np.ndarray) -> np.ndarray:
    """The name of the third that each value belongs to."""
    third: np.ndarray = names[np.searchsorted(np.quantile(values, [1 / 3, 2 / 3]), values)]
    return third


def slant(images: np.ndarray) -> np.ndarray:
    """Pixels by which the ink moves to the right per pixel upwards, for images ``(instances, height, width)``.

    The slope of the line through the ink that is right on average in each row: the covariance of the ink's columns and
    rows over the variance of its rows. 0 is upright; without ink, or in one row, too.
    """
    ink = images.astype(np.float64)
    mass = np.maximum(ink.sum(axis=(1, 2)), np.finfo(float).tiny)[:, None]
    rows, columns = np.arange(ink.shape[1]), np.arange(ink.shape[2])
    below = rows - (ink.sum(axis=2) @ rows)[:, None] / mass
    right = columns - (ink.sum(axis=1) @ columns)[:, None] / mass
    joint = np.einsum("nij,ni,nj->n", ink, below, right)
    spread = np.einsum("nij,ni->n", ink, below**2)
    lean: np.ndarray = -joint / np.maximum(spread, np.finfo(float).tiny)
    return lean


def stroke_width(images: np.ndarray) -> np.ndarray:
    """Estimated width of the strokes in pixels, for images ``(instances, height, width)`` of ink in 0–1.

    A stroke of length l and width w has area w·l and a contour of 2·l, so w is twice the area over the length of the
    contour. That length is the total variation of the image: the sum of its gradient's lengths, at full ink 1.
    """
    padded = np.pad(images.astype(np.float64), ((0, 0), (1, 1), (1, 1)))
    down = np.diff(padded, axis=1)[:, :, :-1]
    across = np.diff(padded, axis=2)[:, :-1, :]
    contour = np.hypot(down, across).sum(axis=(1, 2))
    area = images.sum(axis=(1, 2), dtype=np.float64)
    width: np.ndarray = 2 * area / np.maximum(contour, np.finfo(float).tiny)
    return width
