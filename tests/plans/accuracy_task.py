"""A task in small whose metric is the share of right answers: four noisy classes, and a network of two layers."""

import numpy as np
import torch
from torch import nn

from compress_compare.evaluation.size import packed_size
from compress_compare.recipes import Data, Task
from compress_compare.records import Metric


def task(examples: int = 200) -> Task:
    """A network that is trained for a moment, and points of which it gets most right.

    Args:
        examples: how many.
    """
    generator = np.random.default_rng(0)
    labels = np.arange(examples) % 4
    centers = generator.normal(size=(4, 6)) * 1.5
    points = torch.tensor(generator.normal(size=(examples, 6)) + centers[labels], dtype=torch.float32)
    targets = torch.tensor(labels)

    def create() -> nn.Module:
        with torch.random.fork_rng():
            torch.manual_seed(1)
            model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 4))
            optimizer = torch.optim.Adam(model.parameters(), 0.05)
            for _ in range(30):
                optimizer.zero_grad()
                nn.functional.cross_entropy(model(points), targets).backward()
                optimizer.step()
        return model

    def predictions(model: nn.Module) -> np.ndarray:
        with torch.no_grad():
            return model(points).argmax(1).numpy()

    def measure(model: nn.Module) -> dict[str, float]:
        size = packed_size(model).value
        return {"Accuracy": float((predictions(model) == labels).mean()), "Packed Size": float(size)}

    metrics = [
        Metric("Packed Size", unit="B", higher_is_better=False, primary=True),
        Metric("Accuracy", format=".1%", higher_is_better=True, primary=True, min=0, max=1),
    ]
    data = Data("points", {"ids": range(examples), "labels": labels}, lambda model: {"predictions": predictions(model)})
    return Task(create, measure, metrics, [(points, targets)], data=data)
