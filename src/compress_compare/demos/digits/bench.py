"""What the digits experiments are made with: network, batches, and what is logged about every model."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import nn

from ...evaluation import quality
from ...evaluation.evaluate import LabelledData, Measurements, Settings, evaluate
from ...evaluation.forward import logits
from ...evaluation.latency import LatencySettings
from ...evaluation.metrics import METRICS, ONNX_METRICS
from ...evaluation.onnx_runtime import Exports
from ...recipes import Data, Task
from ...store.store import Store
from ..batches import ShuffledBatches
from ..tree import Node
from . import data
from .network import DigitsNet


class DigitsBench:
    """Training and test images as tensors ``(instances, 1, 8, 8)``, and the untrained network of a seed.

    Args:
        train: to train on.
        test: to measure on.
        seed: of the network.
        onnx: whether to measure in ONNX Runtime as well, where that is installed.
    """

    def __init__(self, train: data.Digits, test: data.Digits, *, seed: int, onnx: bool = False) -> None:
        self.data = ShuffledBatches(_tensor(train.images), torch.from_numpy(train.labels))
        self._test = test
        self._labeled = LabelledData(_tensor(test.images), test.labels)
        self._settings = Settings(
            latency=LatencySettings(warm_up=20, runs=200, processes=3), onnx=Exports() if onnx else None
        )
        self._metrics = (*METRICS, *ONNX_METRICS) if onnx else METRICS
        self._seed = seed

    def create(self) -> nn.Module:
        """The untrained network."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._seed)
            return DigitsNet()

    def prepare(self, project: Store) -> None:
        """Define the metrics and log the test images."""
        for metric in self._metrics:
            project.define_metric(**asdict(metric))
        project.log_dataset(data.DATASET, **data.columns(self._test))

    def log(self, project: Store, node: Node, *, model: nn.Module) -> None:
        """Log metrics, checkpoint, and the answers to the test images with their probabilities."""
        project.log_model(
            node.id, base=node.base, operation=node.operation, metrics=self.measure(model), checkpoint=model
        )
        project.log_outputs(node.id, data.DATASET, ids=self._test.ids, **self.answer(model))

    def measure(self, model: nn.Module) -> Measurements:
        """All that is measured of a model."""
        return evaluate(model, self._labeled, settings=self._settings)

    def answer(self, model: nn.Module) -> dict[str, Any]:
        """What a model answers to the test images, in their order, with the probabilities."""
        scores = logits(model, self._labeled.inputs)
        return {
            "predictions": quality.predictions(scores),
            "vectors": {"probabilities": np.exp(quality.log_probabilities(scores))},
        }

    def task(self) -> Task:
        """The same for recipes."""
        test = Data(data.DATASET, data.columns(self._test), self.answer)
        example = self._labeled.inputs[:1]
        return Task(self.create, self.measure, self._metrics, self.data, data=test, example=example)


def _tensor(images: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(images).unsqueeze(1)
