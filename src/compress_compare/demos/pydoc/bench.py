"""What the pydoc experiments are made with: text, network, and what is logged about every model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...evaluation import metrics
from ...evaluation.cost import Measurements, measure_cost
from ...evaluation.latency import LatencySettings
from ...recipes import Data, Task
from ...store.store import Store
from ..tree import Node
from . import data, measure
from .generate import chances, continuations
from .network import LENGTH, PieceTransformer
from .pieces import Pieces
from .windows import Windows

VOCABULARY = 512
METRICS = (
    *measure.METRICS,
    *(one for one in metrics.METRICS if one not in (metrics.TOP1_ACCURACY, metrics.NEGATIVE_LOG_LIKELIHOOD)),
)


@dataclass(frozen=True)
class PromptAnswers:
    """What one model wrote and expected for the prompts: texts, and numbers per prompt by metric name."""

    texts: list[str]
    metrics: dict[str, np.ndarray]


class PydocBench:
    """The documentation as pieces, and the untrained network of a seed."""

    def __init__(self, corpus: data.Corpus, *, seed: int) -> None:
        text = data.joined(corpus.train)
        self.pieces = Pieces.learned(text, VOCABULARY)
        self.data = Windows(torch.tensor(self.pieces.encode(text)), LENGTH)
        self._words = data.vocabulary(corpus.train)
        self._prompts = data.prompts(corpus.held_out, self.pieces, seed=seed)
        self._columns = data.columns(self._prompts, self.pieces)
        self._both = torch.tensor([[*prompt.start, *prompt.rest] for prompt in self._prompts])
        self._chances = chances(len(self._prompts), data.REST, seed=seed)
        self._texts = _cut(torch.tensor(self.pieces.encode(data.joined(corpus.held_out))))
        self._seed = seed
        self._base: tuple[measure.Reading, measure.Reading] | None = None

    def create(self) -> PieceTransformer:
        """The untrained network."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._seed)
            return PieceTransformer(len(self.pieces))

    def prepare(self, project: Store) -> None:
        """Define the metrics and log the prompts."""
        for metric in METRICS:
            project.define_metric(**asdict(metric))
        project.log_dataset(data.DATASET, **self._columns)

    def log(self, project: Store, node: Node, *, model: nn.Module) -> None:
        """Log metrics, checkpoint, and how the model goes on after the prompts."""
        if self._base is None:
            self._base = self._read(self._root(project, node, model))
        measured, answers = self._measured(model), self._answers(model)
        project.log_model(
            node.id,
            base=node.base,
            operation=node.operation,
            references=node.references,
            metrics={**self._written(answers), **measured},
            checkpoint=model,
        )
        project.log_outputs(
            node.id, data.DATASET, ids=self._columns["ids"], predictions=answers.texts, metrics=answers.metrics
        )

    def task(self) -> Task:
        """The same for recipes; what is measured against the base is left out."""
        logged = Data(data.DATASET, self._columns, self._answer)
        return Task(self.create, self._measure, METRICS, self.data, data=logged)

    def _measure(self, model: nn.Module) -> Measurements:
        return {**self._written(self._answers(model)), **self._measured(model)}

    def _answer(self, model: nn.Module) -> Mapping[str, Any]:
        answers = self._answers(model)
        return {"predictions": answers.texts, "metrics": answers.metrics}

    def _root(self, project: Store, node: Node, model: nn.Module) -> nn.Module:
        """The uncompressed model, from the project unless it is the one being logged."""
        if node.base is None:
            return model
        root = self.create()
        root.load_state_dict(project.load_checkpoint(project.model(node.base).lineage[0].model))
        return root

    def _read(self, model: nn.Module) -> tuple[measure.Reading, measure.Reading]:
        """The held-out text, and the prompts with what follows them."""
        return measure.read(model, self._texts), measure.read(model, self._both)

    def _measured(self, model: nn.Module) -> Measurements:
        reading = measure.read(model, self._texts)
        found = {
            measure.BITS_PER_BYTE.name: [measure.bits_per_byte(reading.losses, self._sizes)],
            measure.PERPLEXITY.name: [measure.perplexity(reading.losses)],
        }
        if self._base is not None:
            same = measure.agreement(self._base[0], reading).mean(1)
            found[measure.AGREEMENT.name] = [measure.mean_of(same)]
            found[measure.KL.name] = [measure.mean_of(measure.divergence(self._base[0], reading).mean(1))]
        timing = LatencySettings(warm_up=5, runs=50)
        return {**found, **measure_cost(model, self._texts[:1, :-1], timing=timing).values}

    def _answers(self, model: nn.Module) -> PromptAnswers:
        drawn = continuations(model, self._both[:, : data.START], chances=self._chances)
        texts = [data.shown(self.pieces.decode(row)) for row in drawn.tolist()]
        reading = measure.read(model, self._both)
        rest = reading.losses[:, data.START - 1 :].sum(1) / np.log(2)
        sizes = [len(self.pieces.decode(prompt.rest)) for prompt in self._prompts]
        found = {
            measure.BITS_PER_BYTE.name: rest / np.array(sizes),
            measure.KNOWN_WORDS.name: np.array([measure.known_words(text, self._words) for text in texts]),
            measure.REPETITION.name: np.array([measure.repetition(text) for text in texts]),
        }
        if self._base is not None:
            found[measure.KL.name] = measure.divergence(self._base[1], reading)[:, data.START - 1 :].mean(1)
        return PromptAnswers(texts, found)

    def _written(self, answers: PromptAnswers) -> Measurements:
        names = (measure.KNOWN_WORDS.name, measure.REPETITION.name)
        return {name: [measure.mean_of(answers.metrics[name])] for name in names}

    @cached_property
    def _sizes(self) -> np.ndarray:
        """Bytes of the predicted part of every held-out text."""
        return np.array([len(self.pieces.decode(row[1:])) for row in self._texts.tolist()], dtype=np.float64)


def _cut(text: Tensor) -> Tensor:
    """Texts of one piece more than the network reads, ``(texts, pieces)``; what is left over goes."""
    count = len(text) // (LENGTH + 1)
    return text[: count * (LENGTH + 1)].view(count, LENGTH + 1)
