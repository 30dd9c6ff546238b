"""Metrics of written answers against the label: exact match, word F1, word edit distance.

Normalization, exact match and F1 are those of SQuAD (Rajpurkar et al. 2016): lower case, no punctuation, no articles,
single spaces.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable

import numpy as np
import pyarrow as pa

from ... import progress
from .frame import LABEL, PREDICTION, TEXT, Frame
from .joined import Floats

STEP = 16
"""Texts between two looks at whether the answer is still wanted."""

MAX_WORDS = 2_000
"""Words beyond these are left out of the edit distance, whose time grows with the product of the lengths."""

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def are_texts(frame: Frame) -> bool:
    """Whether the answers and the labels, if there are any, are strings."""
    answers = (
        TEXT in schema.names or (PREDICTION in schema.names and pa.types.is_string(schema.field(PREDICTION).type))
        for schema in (table.schema for table in frame.outputs.values())
    )
    return all(answers) and (not frame.has_labels or pa.types.is_string(frame.dataset.schema.field(LABEL).type))


def words(text: str) -> list[str]:
    """The normalized words."""
    return _ARTICLES.sub(" ", text.lower().translate(_NO_PUNCTUATION)).split()


def exact_match(frame: Frame) -> dict[str, Floats]:
    """1 where the normalized words are the same, else 0."""
    return _scored(frame, lambda answer, label: float(answer == label))


def token_f1(frame: Frame) -> dict[str, Floats]:
    """Harmonic mean of the precision and recall of the words, each counted as often as it occurs."""
    return _scored(frame, f1)


def edit_distance(frame: Frame) -> dict[str, Floats]:
    """Insertions, deletions and replacements of words (Levenshtein 1966), divided by the longer length."""
    return _scored(frame, relative_edits)


def f1(answer: list[str], label: list[str]) -> float:
    """F1 of two lists of words; 1 if both are empty."""
    if not answer or not label:
        return float(answer == label)
    shared = (Counter(answer) & Counter(label)).total()
    return 2 * shared / (len(answer) + len(label))


def relative_edits(answer: list[str], label: list[str]) -> float:
    """Edits from one to the other over the longer length, 0 to 1; row by row, each at once.

    With e the row before, a row is the least of replacing (e[j−1] + cost), deleting (e[j] + 1) and inserting, which
    carries on from the left at 1 a word: a running minimum after taking the place of the word off.
    """
    codes: dict[str, int] = {}
    first, second = ([codes.setdefault(word, len(codes)) for word in side[:MAX_WORDS]] for side in (answer, label))
    if not first or not second:
        return float(bool(first or second))
    target = np.array(second)
    places = np.arange(len(second) + 1)
    row = places.copy()
    for step, code in enumerate(first, 1):
        best = np.minimum(row[1:] + 1, row[:-1] + (target != code))
        row = np.minimum.accumulate(np.concatenate(([step], best)) - places) + places
    return float(row[-1]) / max(len(first), len(second))


def _scored(frame: Frame, score: Callable[[list[str], list[str]], float]) -> dict[str, Floats]:
    labels = [None if label is None else words(label) for label in frame.column(LABEL).to_pylist()]
    total = len(labels) * len(frame.outputs)
    found = {}
    for place, model in enumerate(frame.outputs):
        scores = np.full(len(labels), np.nan)
        for row, (answer, label) in enumerate(zip(frame.texts(model), labels, strict=True)):
            if row % STEP == 0:
                progress.step("Comparing texts", place * len(labels) + row, total=total)
            if answer is not None and label is not None:
                scores[row] = score(words(answer), label)
        found[model] = scores
    return found
