"""A task in small for workers: two noisy classes, and ways to misbehave that an option chooses."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

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


def _print_much(_folder):
    block = "x" * 1023 + "\n"
    for _ in range(30_000):
        sys.stdout.write(block)


def _take_memory(_folder):
    taken = []
    for _ in range(200):
        taken.append(np.ones(4_000_000))
        time.sleep(0.01)


def _leave_a_grandchild(folder):
    child = subprocess.Popen(["sleep", "300"])
    Path(folder, "grandchild").write_text(str(child.pid))


def _stubborn(_folder):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(300)


TROUBLES = {
    "raise": lambda _: (_ for _ in ()).throw(ValueError("a step that raises")),
    "segfault": lambda _: os.kill(os.getpid(), signal.SIGSEGV),
    "abort": lambda _: os.abort(),
    "exit 0": lambda _: os._exit(0),
    "exit 3": lambda _: os._exit(3),
    "kill": lambda _: os.kill(os.getpid(), signal.SIGKILL),
    "stop": lambda _: os.kill(os.getpid(), signal.SIGSTOP),
    "memory": _take_memory,
    "print": _print_much,
    "grandchild": _leave_a_grandchild,
    "stubborn": _stubborn,
}
