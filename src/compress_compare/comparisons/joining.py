"""What models and their base answered on a dataset, read from the store to be compared."""

from __future__ import annotations

from collections.abc import Sequence

from .. import checks
from ..analysis.behaviors.frame import Frame
from ..errors import InvalidValue
from ..store.store import Store


def joined(
    store: Store, base: str, *, models: str | Sequence[str], dataset: str
) -> tuple[Frame, dict[str, bool | None]]:
    """Return the outputs of a base and models on a dataset, and the directions of the project's metrics.

    Raises:
        NotFound: ``model.unknown``, ``dataset.unknown``, ``outputs.unknown``.
    """
    data, answered = store.outputs_of([base, *others(base, models)], dataset=dataset)
    return Frame(data, answered), {one.name: one.higher_is_better for one in store.metrics()}


def others(base: str, models: str | Sequence[str]) -> list[str]:
    """The models to compare, each once, without the base.

    Raises:
        InvalidValue: ``behaviors.models`` if none is left.
    """
    found = [model for model in dict.fromkeys(checks.texts(models, "Models")) if model != base]
    if not found:
        raise InvalidValue("behaviors.models", "There is no model to compare with the base.", hint="Name at least one.")
    return found
