"""Logging what models are evaluated on, and what they answered."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .. import late
from ..errors import Conflict
from ..records import Dataset
from . import models
from .database import Connection
from .staging import Staging
from .writing import Writer

if TYPE_CHECKING:
    from . import instance_tables, instances
else:
    instance_tables, instances = late.modules(__package__, "instance_tables", "instances")


class EvaluationWriter(Writer):
    """Writes datasets and outputs into the project in ``directory``, too."""

    def log_dataset(
        self,
        name: str,
        *,
        ids: Any,
        labels: Any = None,
        images: Any = None,
        texts: Any = None,
        metadata: Any = None,
        audio: Any = None,
        tokens: Any = None,
        boxes: Any = None,
        masks: Any = None,
        void: int | None = None,
        object_masks: Any = None,
        new_version: bool = False,
    ) -> Dataset:
        """Log evaluation data: one instance for each id.

        Other content than that of the name is refused, or becomes the version ``NAME@2`` and so on beside the old
        ones; the content of one of these again gives that one. Its name is the one to log outputs on.

        Args:
            name: name of the dataset.
            ids: [N] integers or strings, unique.
            labels: [N], optional; lists for sets of labels.
            images: [N] arrays [H,W], [H,W,C] or [C,H,W] (uint8, or float in 0–1), bytes of image files, or paths;
                None for no image.
            texts, audio: [N] strings; [N] bytes of sound files, paths, or ``(samples, rate)``, samples from −1 to 1.
            metadata: a mapping of column names to [N] values, or a data frame.
            tokens: [N] lists of strings, for numbers per token.
            boxes: [N] lists of ``{"class": …, "box": [left, top, right, bottom]}``, the objects in each image.
            masks: [N] arrays [height, width], or one [N, height, width]: the class of each pixel, a whole number from
                0, or −100 where it counts for nothing; None for no mask.
            void: a further number in the masks that counts for nothing.
            object_masks: [N], a mask for each of the boxes: arrays [boxes, height, width] of yes and no, or lists of
                COCO's run lengths, as pycocotools writes them. Boxes may have them as ``"mask"``, too.
            new_version: whether other content than that of the name is taken as a version of it.

        Raises:
            Conflict: ``dataset.conflict``.
        """
        payload = instance_tables.PayloadColumns(images, audio, texts, tokens, boxes, masks, void, object_masks)
        table = instance_tables.dataset_table(ids, labels=labels, payload=payload, metadata=metadata)
        with self._artifacts.staging() as staging:
            sha256 = instances.store(staging, table, name="dataset.parquet")
            with self._database.write() as connection:
                dataset, placed = instances.insert_dataset(
                    connection, self._artifacts, name=name, content=(table, sha256), new=new_version
                )
                if placed:
                    self._publish(staging, [sha256])
        return dataset

    def log_outputs(
        self,
        model: str,
        dataset: str,
        *,
        ids: Any,
        predictions: Any = None,
        vectors: Mapping[str, Any] | None = None,
        metrics: Mapping[str, Any] | None = None,
        texts: Any = None,
        tokens: Mapping[str, Any] | None = None,
        preprocessing: Any = None,
        classes: Sequence[str | int] | None = None,
        boxes: Any = None,
        masks: Any = None,
        object_masks: Any = None,
    ) -> None:
        """Log the outputs of a model on a dataset. They are joined to it by id, in any order; a subset is fine.

        Outputs on further examples complete those that are there; the same again changes nothing.

        Args:
            model: id of the model.
            dataset: name of the dataset.
            ids: [N] instance ids, all of them in the dataset.
            predictions: [N] classes, numbers, strings, or lists for sets of labels; optional beside vectors or tokens.
            vectors: name → [N, size] numbers, e.g. ``probabilities``, ``logits``, ``embeddings``; kept as float32.
            metrics, texts: name → [N] numbers: per-instance metrics of your own; [N] generated strings.
            tokens: name → [N] lists of one number per token, e.g. ``log_probability`` (natural) or the
                ``kl_divergence`` that ``kl_per_token`` gives.
            preprocessing: how the inputs were prepared, as JSON data. Models with different values are not compared.
            classes: the names of the probabilities' elements, or of the masks' classes from 0 on. Models with different
                classes are not compared.
            boxes: [N] lists of ``{"class": …, "box": [left, top, right, bottom], "score": …}``, what a detector found.
            masks: [N] arrays [height, width], or one [N, height, width]: the class that the model gives each pixel, of
                the size of the label's mask.
            object_masks: [N], a mask for each of the boxes, as for ``log_dataset``.
        """
        answers = instance_tables.OutputColumns(
            vectors, metrics, texts, tokens, preprocessing, classes, boxes, masks, object_masks
        )
        table = instance_tables.outputs_table(ids, predictions, answers=answers)
        table, (row, data) = self._checked(table, model, dataset)
        with self._artifacts.staging() as staging:
            sha256 = instances.store(staging, table, name="outputs.parquet")
            with self._database.write() as connection:
                known = instances.known_outputs(connection, row, data)
                if known is not None and known != sha256 and not instances.same(self._artifacts, known, table=table):
                    self._complete(connection, staging, known, of=(row, data), table=table)
                elif instances.insert_outputs(connection, self._artifacts, of=(row, data), table=table, sha256=sha256):
                    self._publish(staging, [sha256])

    def correct_outputs(
        self, model: str, dataset: str, *, ids: Any, predictions: Any = None, reason: str = "", **answers: Any
    ) -> bool:
        """Replace all that a model answered on a dataset, because it was measured again. The old answers stay in the
        history, and ``undo`` brings them back.

        Args:
            model, dataset, ids, predictions: as for ``log_outputs``.
            reason: why, for the history.
            answers: the other arguments of ``log_outputs``.

        Returns:
            Whether other answers were there; the same again changes nothing.

        Raises:
            NotFound: ``outputs.unknown`` if none are there.
        """
        columns = instance_tables.OutputColumns(**answers)
        table = instance_tables.outputs_table(ids, predictions, answers=columns)
        table, of = self._checked(table, model, dataset)
        with self._artifacts.staging() as staging:
            sha256 = instances.store(staging, table, name="outputs.parquet")
            with self._database.write() as connection:
                known = instances.outputs_sha256(connection, *of)
                if known == sha256 or instances.same(self._artifacts, known, table=table):
                    return False
                self._publish(staging, [sha256])
                count = table.num_rows
                instances.replace_outputs(connection, of=of, count=count, sha256=sha256, corrected=reason)
        return True

    def has_other_outputs(self, model: str, dataset: str, *, ids: Any, predictions: Any = None, **answers: Any) -> bool:
        """Whether ``log_outputs`` would refuse these answers, because others to the same examples are there.

        Args:
            model, dataset, ids, predictions, answers: as for ``log_outputs``.
        """
        columns = instance_tables.OutputColumns(**answers)
        table = instance_tables.outputs_table(ids, predictions, answers=columns)
        table, of = self._checked(table, model, dataset)
        with self._database.read() as connection:
            known = instances.known_outputs(connection, *of)
        if known is None or instances.same(self._artifacts, known, table=table):
            return False
        try:
            instances.completed(self._artifacts, known, table=table, of=of)
        except Conflict:
            return True
        return False

    def _checked(self, table: Any, model: str, dataset: str) -> tuple[Any, tuple[Any, Any]]:
        """Answers whose ids and sizes of masks are those of the dataset, and the rows of model and dataset."""
        with self._database.read() as connection:
            of = models.one(connection, model), instances.dataset_row(connection, dataset)
        there = json.loads(of[1].columns)
        masks = [name for name in instance_tables.MASKS if instance_tables.has_masks(table.schema, name)]
        wanted = ["id", *(name for name in masks if name in there)]
        known = instances.load(self._artifacts, of[1].sha256, columns=wanted)
        facts = table.schema.metadata
        ids = instance_tables.check_known_ids(table["id"], known["id"], dataset=dataset)
        table = table.set_column(0, "id", ids).replace_schema_metadata(facts)
        instance_tables.check_masks(table, known)
        return table, of

    def _complete(
        self, connection: Connection, staging: Staging, known: str, *, of: tuple[Any, Any], table: Any
    ) -> None:
        """Add outputs on further examples to those that are there."""
        whole = instances.completed(self._artifacts, known, table=table, of=of)
        if whole is not None:
            sha256 = instances.store(staging, whole, name="outputs.parquet")
            self._publish(staging, [sha256])
            instances.replace_outputs(connection, of=of, count=whole.num_rows, sha256=sha256)
