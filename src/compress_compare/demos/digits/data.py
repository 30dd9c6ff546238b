"""scikit-learn's 1,797 handwritten digits (the test part of UCI's optical recognition data), split by a seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import MissingExtra

TEST_SHARE = 0.4
DATASET = "digits-test"
_LEVELS = 16
_STROKES = np.array(["thin", "medium", "thick"])


@dataclass(frozen=True)
class Digits:
    """Images in 0–1, ``(instances, 8, 8)`` float32, with their labels, 0–9, and their rows in scikit-learn's data."""

    images: np.ndarray
    labels: np.ndarray
    ids: np.ndarray


def load(seed: int) -> tuple[Digits, Digits]:
    """Training and test part: a stratified split, the same for the same seed.

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
    parts = train_test_split(rows, test_size=TEST_SHARE, stratify=bunch.target, random_state=seed)
    train, test = (Digits(images[part], bunch.target[part], part) for part in map(np.sort, parts))
    return train, test


def columns(digits: Digits) -> dict[str, Any]:
    """The images as `Project.log_dataset` takes them, with how much ink each has and how thick its strokes are."""
    width = stroke_width(digits.images)
    return {
        "ids": digits.ids,
        "labels": digits.labels,
        "images": list(np.rint(digits.images * 255).astype(np.uint8)),
        "metadata": {
            "ink": digits.images.mean(axis=(1, 2)).round(4),
            "stroke_width": width.round(4),
            "stroke": _STROKES[np.searchsorted(np.quantile(width, [1 / 3, 2 / 3]), width)],
        },
    }


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
