"""Tensor by tensor, what an operation changed between a model and its base, against what it is expected to change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import operations, records
from ..analysis.coverage import Expectation, coverage
from ..errors import NotFound
from ..store.store import Store
from ..table import Table


def between(store: Store, parent: str, *, child: str) -> Table:
    """See ``Project.coverage``."""
    model = store.model(child)
    expected = expectation(model.operation) if model.base == parent else Expectation("everything")
    before, after = (arrays(store.load_checkpoint(id)) for id in (parent, child))
    return Table(coverage(before, after, expectation=expected))


def expectation(record: records.Operation | None) -> Expectation:
    """From the class of the operation: training and surgery may change everything, calibration statistics only.

    An operation that is not known here, or none, is taken to change weights of two or more dimensions.
    """
    if record is None:
        return Expectation()
    targets, ignore = (_patterns(record.parameters.get(name)) for name in ("targets", "ignore"))
    try:
        cls = operations.get(record.name)
    except NotFound:
        return Expectation("weights", targets, ignore)
    if cls.data_requirement == "finetune" or not cls.keeps_shapes or cls.roles:
        return Expectation("everything", targets, ignore)
    return Expectation("weights" if cls.lowers else "statistics", targets, ignore)


def arrays(tensors: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Tensors of a checkpoint as NumPy arrays; types that NumPy lacks, such as bfloat16, as float32."""
    return {name: _array(tensor) for name, tensor in tensors.items()}


def _array(tensor: Any) -> np.ndarray:
    if not hasattr(tensor, "detach"):
        return np.asarray(tensor)
    try:
        array: np.ndarray = tensor.detach().cpu().numpy()
    except TypeError:
        array = tensor.detach().cpu().float().numpy()
    return array


def _patterns(value: Any) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list | tuple) else ()
