"""Compression-identified exemplars: instances on which most compressed models disagree with the base.

After Hooker et al. 2019, where they are those whose most frequent prediction over compressed models is not that of the
uncompressed ones; here they are ranked by how many models disagree, so that any set of models can be asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .joined import Codes
from .pairs import Changes

Numbers = NDArray[np.unsignedinteger[Any]]


def disagreements(by_model: Mapping[str, Changes], num_instances: int) -> tuple[Numbers, Numbers]:
    """``[instances]`` how many models disagree with the base, and how many answered together with it.

    In the smallest integers that hold them.
    """
    kind = np.min_scalar_type(len(by_model))
    changed, answered = np.zeros(num_instances, kind), np.zeros(num_instances, kind)
    for of_model in by_model.values():
        changed += of_model.changed
        answered += of_model.answered
    return changed, answered


def ranked(changed: Numbers, answered: Numbers, *, share: float, limit: int) -> NDArray[np.int64]:
    """Instances with at least that share of models disagreeing, the largest share first, then the most models.

    Args:
        changed: ``[instances]`` models that disagree with the base.
        answered: ``[instances]`` models that answered, as many or more.
        share: from 0 to 1; an instance without any disagreement is never among them.
        limit: how many instances, at most.
    """
    size = int(answered.max(initial=0)) + 1  # each pair of the two is a kind, whose instances rank alike
    kinds = answered.astype(np.min_scalar_type(size * size)) * size + changed
    counts = np.bincount(kinds)
    (there,) = np.nonzero(counts)
    models, disagreeing = np.divmod(there, size)
    shares = disagreeing / np.maximum(models, 1)
    order = np.lexsort((-models, -shares))
    order = order[(disagreeing[order] > 0) & (shares[order] >= share)]
    order = order[: 1 + np.searchsorted(np.cumsum(counts[there[order]]), limit)]
    ranks = np.full(len(counts), len(order), np.min_scalar_type(len(order)))
    ranks[there[order]] = np.arange(len(order))
    rows = np.flatnonzero(ranks[kinds] < len(order))
    return rows[np.argsort(ranks[kinds[rows]], kind="stable")][:limit]


def most_frequent(by_model: Mapping[str, Changes], rows: NDArray[np.int64], *, size: int) -> Codes:
    """``[rows]`` the class most predicted by the models, the base not counted; −1 where several are."""
    votes = np.zeros((len(rows), size + 1), dtype=np.int32)
    for of_model in by_model.values():
        votes[np.arange(len(rows)), of_model.after[rows]] += 1
    cast = votes[:, :size]
    tied = np.sum(cast == cast.max(axis=1, keepdims=True), axis=1) > 1
    return np.where(tied, -1, np.argmax(cast, axis=1)).astype(np.int32)
