"""Compression-identified exemplars: instances on which most compressed models disagree with the base.

After Hooker et al. 2019, where they are those whose most frequent prediction over compressed models is not that of the
uncompressed ones; here they are ranked by how many models disagree, so that any set of models can be asked.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from .joined import Codes
from .pairs import Changes


def disagreements(by_model: Mapping[str, Changes], num_instances: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """``[instances]`` how many models disagree with the base, and how many answered together with it."""
    changed = np.zeros(num_instances, dtype=np.int64)
    answered = np.zeros(num_instances, dtype=np.int64)
    for of_model in by_model.values():
        changed += of_model.changed
        answered += of_model.answered
    return changed, answered


def ranked(changed: NDArray[np.int64], answered: NDArray[np.int64], *, share: float) -> NDArray[np.int64]:
    """Instances with at least that share of models disagreeing, the largest share first, then the most models.

    Args:
        changed: ``[instances]`` models that disagree with the base.
        answered: ``[instances]`` models that answered.
        share: from 0 to 1; an instance without any disagreement is never among them.
    """
    shares = changed / np.maximum(answered, 1)
    chosen = np.flatnonzero((changed > 0) & (shares >= share))
    return chosen[np.lexsort((-answered[chosen], -shares[chosen]))]


def most_frequent(by_model: Mapping[str, Changes], rows: NDArray[np.int64], *, size: int) -> Codes:
    """``[rows]`` the class most predicted by the models, the base not counted; −1 where several are."""
    votes = np.zeros((len(rows), size + 1), dtype=np.int32)
    for of_model in by_model.values():
        votes[np.arange(len(rows)), of_model.after[rows]] += 1
    cast = votes[:, :size]
    tied = np.sum(cast == cast.max(axis=1, keepdims=True), axis=1) > 1
    return np.where(tied, -1, np.argmax(cast, axis=1)).astype(np.int32)
