"""Frames in memory, and made-up outputs."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from compress_compare.analysis.behaviors.frame import Frame
from compress_compare.store import instance_tables


@dataclass(frozen=True)
class Memory:
    table: pa.Table

    @property
    def schema(self):
        return self.table.schema

    def read(self, *names):
        return self.table.select(list(names))


def dataset(ids, *, labels=None, metadata=None, **payload):
    given = instance_tables.PayloadColumns(**payload)
    return Memory(instance_tables.dataset_table(ids, labels=labels, payload=given, metadata=metadata))


def outputs(ids, predictions=None, **answers):
    return Memory(instance_tables.outputs_table(ids, predictions, answers=instance_tables.OutputColumns(**answers)))


def softmax(logits):
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (exponentials / exponentials.sum(axis=1, keepdims=True)).astype(np.float32)


def classified(seed=0, count=60, *, classes=4, models=2):
    """Labels, and probabilities ``[models + 1, count, classes]`` of a base and of noisier and noisier models."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, count)
    logits = random.normal(size=(count, classes))
    logits[np.arange(count), labels] += 1.5
    noise = random.normal(size=(models + 1, count, classes)) * np.arange(models + 1)[:, None, None] / 2
    return labels, np.stack([softmax(logits + one) for one in noise])


def frame(labels, probabilities, *, orders=None, kind="probabilities", metadata=None):
    """A frame of models ``m0`` (the base), ``m1`` …; ``orders`` are the rows that each logs, in its order."""
    ids = np.arange(len(labels)) + 100
    answered = {}
    for place, given in enumerate(probabilities):
        rows = np.arange(len(labels)) if orders is None else orders[place]
        vectors = np.log(given[rows]) if kind == "logits" else given[rows]
        answered[f"m{place}"] = outputs(ids[rows], given[rows].argmax(1), vectors={kind: vectors})
    return Frame(dataset(ids, labels=labels, metadata=metadata), answered)
