"""One instance: where it is, and what base and models made of it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...errors import NotFound
from .frame import LOGITS, PROBABILITIES, Frame
from .joined import AnyArrow, Floats


def place(ids: AnyArrow, id: int | str) -> int:
    """The place of an instance among the ids, which are integers or strings.

    Raises:
        NotFound: ``instance.unknown``.
    """
    try:
        wanted = pa.scalar(str(id)).cast(ids.type)
    except (pa.ArrowInvalid, UnicodeEncodeError):
        found = -1
    else:
        found = int(pc.index(ids, wanted).as_py())
    if found < 0:
        raise NotFound("instance.unknown", f"The dataset has no instance {str(id)[:80]!r}.")
    return found


def probabilities(frame: Frame, place: int, *, limit: int) -> pa.Table:
    """The largest probabilities of the instance at a place, of every model the same classes.

    Returns:
        ``model, class, probability``; the classes by their largest probability of any model, those of the base first.
    """
    vectors = {model: found for model in frame.outputs if (found := _vector(frame, model, place)) is not None}
    if not vectors:
        return pa.table({"model": pa.array([], pa.string()), "class": [], "probability": pa.array([], pa.float64())})
    order = list(dict.fromkeys(int(at) for vector in vectors.values() for at in np.argsort(-vector, kind="stable")[:3]))
    rest = np.argsort(-np.nanmax(np.stack([*vectors.values()]), axis=0, initial=0.0), kind="stable")
    shown = list(dict.fromkeys([*order, *(int(at) for at in rest)]))[:limit]
    names = pa.array([_name(frame, at) for at in shown])
    return pa.table(
        {
            "model": pa.array([model for model in vectors for _ in shown], pa.string()),
            "class": pa.concat_arrays([names] * len(vectors)),
            "probability": pa.array(np.concatenate([vector[shown] for vector in vectors.values()])),
        }
    )


def _vector(frame: Frame, model: str, place: int) -> Floats | None:
    """``[classes]``; ``None`` where there are no probabilities or the model lacks the instance."""
    name = next((name for name in (PROBABILITIES, LOGITS) if name in frame.vector_names()), None)
    if name is None or not _has_names(frame) or not frame.present(model)[place]:
        return None
    found: Floats = frame.vectors(model, name, logits=name == LOGITS).rows(slice(place, place + 1))[0]
    return found


def _has_names(frame: Frame) -> bool:
    """Whether it is known what an element of a vector is: a class, or one of the labels that sets are made of."""
    return not frame.is_numeric and (not frame.has_sets or frame.fact(frame.base, b"classes") is not None)


def _name(frame: Frame, element: int) -> str:
    """The class that an element of the vector belongs to, in words; its number where no class is known for it."""
    names = frame.fact(frame.base, b"classes")
    if names is not None and element < len(names):
        return str(names[element])
    known = np.flatnonzero(frame.class_columns() == element)
    return str(frame.classes()[int(known[0])].as_py()) if len(known) else str(element)
