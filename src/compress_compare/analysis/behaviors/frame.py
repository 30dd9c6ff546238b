"""The outputs of a base and of models on one dataset, joined by instance id, column by column as they are asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...errors import InvalidValue
from . import joined
from .joined import Codes, Floats, Join, Mask, Vectors, side_by_side

PROBABILITIES, LOGITS, EMBEDDINGS = "probabilities", "logits", "embeddings"
LABEL, PREDICTION, TEXT, TOKENS, BOXES, MASK = "label", "prediction", "text", "tokens", "boxes", "mask"
OBJECT_MASKS = "object_masks"
LOG_PROBABILITY = "log_probability"

Kept = TypeVar("Kept")


class LazyColumns(Protocol):
    """A table whose columns are read when they are asked for."""

    @property
    def schema(self) -> pa.Schema:
        """Names and types, read without the data."""

    def read(self, *names: str) -> pa.Table:
        """Some columns."""


class Frame:
    """Everything in the order of the dataset's instances.

    Args:
        dataset: has ``id``, and ``label`` and metadata as far as logged.
        outputs: by model id, the base first; each has ``id`` and ``prediction``.
    """

    def __init__(self, dataset: LazyColumns, outputs: Mapping[str, LazyColumns]) -> None:
        self.dataset = dataset
        self.outputs = dict(outputs)
        self.base = next(iter(self.outputs))
        self._kept: dict[tuple[str, ...], Any] = {}

    def keep(self, key: tuple[str, ...], load: Callable[[], Kept]) -> Kept:
        """What ``load`` gave when it was first asked for under this key."""
        if key not in self._kept:
            self._kept[key] = load()
        found: Kept = self._kept[key]
        return found

    @property
    def models(self) -> list[str]:
        """The compared models, without the base."""
        return list(self.outputs)[1:]

    @property
    def num_instances(self) -> int:
        """Of the dataset."""
        return len(self.ids())

    def ids(self) -> pa.ChunkedArray:
        """The instance ids."""
        return self.column("id")

    def column(self, name: str) -> pa.ChunkedArray:
        """A column of the dataset; a set of labels as the text that names it."""

        def load() -> pa.ChunkedArray:
            found = self.dataset.read(name)[name]
            return joined.named(found) if name == LABEL else found

        return self.keep(("dataset", name), load)

    def join(self, model: str) -> Join:
        """Where the instances stand in a model's outputs."""
        return self.keep(("join", model), lambda: joined.join(self.ids(), self.outputs[model].read("id")["id"]))

    def present(self, model: str) -> Mask:
        """Which instances a model answered."""
        return self.join(model).present

    # What is there

    @property
    def has_labels(self) -> bool:
        """Whether instances have a label."""
        return LABEL in self.dataset.schema.names

    @property
    def has_predictions(self) -> bool:
        """Whether every model logged predictions; vectors or tokens alone can be compared too."""
        return all(PREDICTION in table.schema.names for table in self.outputs.values())

    @property
    def has_sets(self) -> bool:
        """Whether instances have several labels each."""
        return self.has_labels and self.has_predictions and bool(_is_list(self.dataset.schema.field(LABEL).type))

    @property
    def has_boxes(self) -> bool:
        """Whether instances have objects in boxes, and every model has boxes."""
        schemas = [self.dataset.schema, *(table.schema for table in self.outputs.values())]
        return all(BOXES in schema.names and _is_boxes(schema.field(BOXES).type) for schema in schemas)

    @property
    def has_masks(self) -> bool:
        """Whether instances have a mask as their label, and every model has masks."""
        return self._all_structs(MASK)

    @property
    def has_object_masks(self) -> bool:
        """Whether objects and the boxes of every model have masks, so that these are matched, not the boxes."""
        return self.has_boxes and self._all_structs(OBJECT_MASKS)

    def _all_structs(self, name: str) -> bool:
        schemas = [self.dataset.schema, *(table.schema for table in self.outputs.values())]
        return all(name in schema.names and pa.types.is_struct(schema.field(name).type) for schema in schemas)

    @property
    def is_numeric(self) -> bool:
        """Whether predictions are no classes: there are none, or they or the labels are floating-point numbers."""
        if not self.has_predictions:
            return True
        types = [table.schema.field(PREDICTION).type for table in self.outputs.values()]
        if self.has_labels:
            types.append(self.dataset.schema.field(LABEL).type)
        return any(pa.types.is_floating(type) for type in types)

    def vector_names(self) -> list[str]:
        """Vectors that every model has, in the order of the base."""
        return self._shared(lambda type: bool(pa.types.is_fixed_size_list(type)))

    def logged_names(self) -> list[str]:
        """Per-instance metrics that every model has, in the order of the base."""
        shared = self._shared(lambda type: bool(pa.types.is_floating(type)))
        return [name for name in shared if name != PREDICTION]

    def token_names(self) -> list[str]:
        """Numbers per token that every model has, in the order of the base."""
        shared = self._shared(lambda type: bool(_is_list(type) and pa.types.is_floating(type.value_type)))
        return [name for name in shared if name != PREDICTION]

    def fact(self, model: str, key: bytes) -> Any:
        """What was logged about how outputs came about: ``preprocessing`` or ``classes``; ``None`` if it was not."""
        found = (self.outputs[model].schema.metadata or {}).get(key)
        return None if found is None else json.loads(found)

    def _shared(self, wanted: Any) -> list[str]:
        schemas = [table.schema for table in self.outputs.values()]
        fields = [field.name for field in schemas[0] if wanted(field.type)]
        return [name for name in fields if all(name in s.names and wanted(s.field(name).type) for s in schemas)]

    # Classes

    def classes(self) -> pa.Array:
        """The distinct labels and predictions, sorted."""
        return self._classified()[0]

    def labels(self) -> Codes:
        """The class of each instance, −1 where it has none."""

        def load() -> Codes:
            return joined.codes(_as(self.column(LABEL), self.classes().type), self.classes())

        return self.keep(("labels",), load)

    def predictions(self, model: str) -> Codes:
        """The class that a model predicts, −1 where it gives none."""
        return self._classified()[1][model]

    def _classified(self) -> tuple[pa.Array, dict[str, Codes]]:
        """The classes, and which of them each model predicts: read once, for the columns are larger than the codes."""

        def load() -> tuple[pa.Array, dict[str, Codes]]:
            self.ids()
            columns = _one_type(
                [*side_by_side(self._prediction, self.outputs), *([self.column(LABEL)] if self.has_labels else [])]
            )
            classes = joined.classes_of(columns)
            predicted = dict(zip(self.outputs, columns, strict=False))
            columns.clear()

            def coded(model: str) -> Codes:
                return self.join(model).codes(predicted.pop(model), classes)

            return classes, dict(zip(self.outputs, side_by_side(coded, self.outputs), strict=True))

        return self.keep(("classes",), load)

    def _prediction(self, model: str) -> pa.ChunkedArray:
        return joined.named(self.outputs[model].read(PREDICTION)[PREDICTION])

    def label_sets(self) -> pa.Array:
        """The labels of each instance, as lists of text."""
        return self.keep(("label sets",), lambda: joined.text_lists(self.dataset.read(LABEL)[LABEL]))

    def prediction_sets(self, model: str) -> pa.Array:
        """The labels that a model gives each instance, as lists of text; null where it lacks the instance."""
        return joined.text_lists(self.answers(model, PREDICTION))

    def numbers(self, model: str) -> Floats:
        """Numeric predictions."""
        return self.keep(("numbers", model), lambda: self.join(model).floats(self._prediction(model)))

    def logged(self, model: str, name: str) -> Floats:
        """A per-instance metric as logged."""
        return self.join(model).floats(self.outputs[model].read(name)[name])

    def texts(self, model: str) -> list[str | None]:
        """What a model wrote: its texts, or else its predictions."""
        name = TEXT if TEXT in self.outputs[model].schema.names else PREDICTION
        found: list[str | None] = self.answers(model, name).cast(pa.string()).to_pylist()
        return found

    def answers(self, model: str, name: str) -> pa.Array:
        """A column of a model's outputs, null where the model lacks the instance."""

        def load() -> pa.Array:
            return self.join(model).values(self.outputs[model].read(name)[name])

        return self.keep(("answers", model, name), load)

    # Vectors

    def vectors(self, model: str, name: str, *, logits: bool = False) -> Vectors:
        """The vectors of one name; with ``logits`` as probabilities."""

        def load() -> NDArray[np.float32]:
            return joined.aligned(joined.matrix(self.outputs[model].read(name)[name]), self.join(model))

        return Vectors(self.keep(("vectors", model, name), load), logits)

    def forget_vectors(self, limit: int) -> None:
        """Let go of the vectors if they take more than ``limit`` bytes; what was worked out of them stays."""
        vectors = {key: kept for key, kept in self._kept.items() if key[0] == "vectors"}
        if sum(kept.nbytes for kept in vectors.values()) > limit:
            for key in vectors:
                self._kept.pop(key, None)

    def class_columns(self) -> Codes:
        """``[classes]``: the element of a probability vector that each class is, −1 for none.

        Integer classes below the size of the vector are their own place; otherwise the distinct classes, sorted, are
        the places if they are as many.

        Raises:
            InvalidValue: ``behaviors.classes`` if neither fits.
        """
        classes, size = self.classes(), self._probability_size()
        names = self.fact(self.base, b"classes")
        if names is not None and len(names) == size:
            places = {str(name): place for place, name in enumerate(names)}
            return np.array([places.get(str(one), -1) for one in classes.to_pylist()], dtype=np.int32)
        if pa.types.is_integer(classes.type) or pa.types.is_boolean(classes.type):
            numbers = np.asarray(classes.cast(pa.int64()).to_numpy())
            if len(numbers) == 0 or (numbers.min() >= 0 and numbers.max() < size):
                return numbers.astype(np.int32)
        if len(classes) == size:
            return np.arange(size, dtype=np.int32)
        raise InvalidValue(
            "behaviors.classes",
            "It is not known which class each probability belongs to.",
            detail=f"Vectors have {size} probabilities; labels and predictions have {len(classes)} distinct values.",
            hint="Log classes as integers from 0: the place of the class in the vector.",
        )

    def _probability_size(self) -> int:
        name = PROBABILITIES if PROBABILITIES in self.vector_names() else LOGITS
        return int(self.outputs[self.base].schema.field(name).type.list_size)


def _one_type(columns: Sequence[pa.ChunkedArray]) -> list[pa.ChunkedArray]:
    """The columns in one type; integers of any width go together. The guard has refused everything else."""
    integers = all(pa.types.is_integer(column.type) or pa.types.is_boolean(column.type) for column in columns)
    same = len({column.type for column in columns}) == 1
    return [column if same else _as(column, pa.int64() if integers else pa.string()) for column in columns]


def _is_list(type: pa.DataType) -> bool:
    return bool(pa.types.is_list(type))


def _is_boxes(type: pa.DataType) -> bool:
    return bool(pa.types.is_list(type) and pa.types.is_struct(type.value_type))


def _as(column: pa.ChunkedArray, type: pa.DataType) -> pa.ChunkedArray:
    return column if column.type == type else column.cast(type)
