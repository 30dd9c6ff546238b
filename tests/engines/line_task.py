"""A task in small for workers: two noisy classes, and ways to misbehave that an option chooses."""

import os
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from trouble import TROUBLES

from compress_compare.recipes import Data, Task
from compress_compare.records import Metric


def task(trouble: str = "", seconds: float = 0.0, folder: str = "", seed: int = 0) -> Task:
    """A linear network in four dimensions.

    Args:
        trouble: what happens while a model is measured.
        seconds: that measuring takes.
        folder: where each measurement leaves a line.
        seed: of the data.
    """
    generator = np.random.default_rng(seed)
    labels = np.arange(32) % 2
    points = torch.tensor(generator.normal(size=(32, 4)) + labels[:, None], dtype=torch.float32)

    def create():
        with torch.random.fork_rng():
            torch.manual_seed(1)
            return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))

    def measure(model):
        if folder:
            with (Path(folder) / "measured").open("a") as file:
                file.write(f"{os.getpid()}\n")
        if trouble:
            TROUBLES[trouble](folder)
        time.sleep(seconds)
        return {"Zeros": sum(int((p == 0).sum()) for p in model.parameters())}

    def answer(model):
        return {"predictions": model(points).argmax(1).numpy()}

    data = Data("points", {"ids": range(32), "labels": labels, "metadata": {"x": points[:, 0].numpy()}}, answer)
    return Task(create, measure, [Metric("Zeros")], [(points, torch.tensor(labels))], data=data)
