"""Real images and a real network for the benchmarks that train: CIFAR-10 and the published ResNet-20."""

from __future__ import annotations

import argparse
import importlib.util
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

DATA = Path(__file__).parents[2] / "shared" / "data"


def data_folder(about: str | None) -> Path | None:
    """The folder with the reference data, as the command line names it; None, having said so, if it is not there."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--data", type=Path, default=DATA, help="folder with models/, datasets/ and architectures.py")
    data: Path = parser.parse_args().data
    if data.is_dir():
        return data
    print(f"No reference data at {data}; give its place with --data.")
    return None


class Augmented:
    """Batches of images, shifted by up to four pixels and mirrored at random, from a seed."""

    def __init__(self, images: Tensor, labels: Tensor, *, size: int = 128, seed: int = 0) -> None:
        self.images, self.labels, self.size = images, labels, size
        self.generator = torch.Generator().manual_seed(seed)

    def __len__(self) -> int:
        return math.ceil(len(self.images) / self.size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for index in torch.randperm(len(self.images), generator=self.generator).split(self.size):
            yield self.moved(self.images[index]), self.labels[index]

    def moved(self, images: Tensor) -> Tensor:
        wide = nn.functional.pad(images, (4, 4, 4, 4))
        down, right = (int(value) for value in torch.randint(0, 9, (2,), generator=self.generator))
        cut = wide[:, :, down : down + 32, right : right + 32]
        mirrored = torch.rand(len(cut), generator=self.generator) < 0.5
        return torch.where(mirrored[:, None, None, None], cut.flip(3), cut)


def images(data: Path, name: str) -> tuple[Tensor, Tensor]:
    """``test_1017`` or ``train_8068``: images [N, 3, 32, 32] as the networks expect them, and labels [N]."""
    file = np.load(data / "datasets" / f"cifar10_{name}.npz")
    pixels = torch.from_numpy(file["x"]).permute(0, 3, 1, 2).float() / 255
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    return (pixels - mean[:, None, None]) / deviation[:, None, None], torch.from_numpy(file["y"]).long()


def resnet20(data: Path) -> nn.Module:
    """The published network, in evaluation mode."""
    return resnet(data, 20)


def resnet(data: Path, depth: int) -> nn.Module:
    """The published network of a depth of 20, 32 or 44, in evaluation mode."""
    specification = importlib.util.spec_from_file_location("architectures", data / "architectures.py")
    assert specification and specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    model: nn.Module = module.CifarResNet(depth).eval()
    model.load_state_dict(load_file(data / "models" / f"resnet{depth}.safetensors"))
    return model


@torch.no_grad()
def accuracy(model: nn.Module, pixels: Tensor, labels: Tensor) -> float:
    """Percent of images whose highest output is at the label, in evaluation mode."""
    model.eval()
    predictions = torch.cat([model(batch).argmax(1) for batch in pixels.split(128)])
    return 100 * float((predictions == labels).double().mean())
