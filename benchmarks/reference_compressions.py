"""Accuracy of ResNet-20 on 1,017 CIFAR-10 images after the default compressions, against published reference figures.

Claim: ``quantize`` and ``magnitude_prune`` with their defaults give the reference accuracies within 0.5 points.
Run from the repository root: ``python benchmarks/reference_compressions.py``. Ends with exit code 1 when one is off.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import time
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn

from compress_compare.operations import MagnitudePrune, Operation, Quantize, scheme

REFERENCE = {  # percent; symmetric round-to-nearest per output channel, global magnitude pruning, no fine-tuning
    Quantize(bits=8): 91.5,
    Quantize(bits=6): 91.8,
    Quantize(bits=5): 91.7,
    Quantize(bits=4): 90.6,
    Quantize(bits=3): 73.0,
    MagnitudePrune(amount=0.3): 91.3,
    MagnitudePrune(amount=0.5): 90.6,
    MagnitudePrune(amount=0.7): 72.6,
}
BASE = 91.6
TOLERANCE = 0.5


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    data = parser.parse_args().data
    if not data.is_dir():
        print(f"No reference data at {data}; give its place with --data.")
        return 2
    torch.set_num_threads(1)
    model, images, labels = load(data)
    print(f"{'compression':<32}{'expected %':>11}{'found %':>9}{'off':>7}{'seconds':>9}  tensors")
    off = [report("none", BASE, accuracy(model, images, labels), 0.0, 0)]
    for operation, expected in REFERENCE.items():
        start = time.perf_counter()
        child = operation(model)
        seconds = time.perf_counter() - start
        found = accuracy(child, images, labels)
        off.append(report(label(operation), expected, found, seconds, len(scheme.of(child))))
    print(f"largest difference {max(off):.2f} points, allowed {TOLERANCE}")
    return int(max(off) > TOLERANCE)


def load(data: Path) -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    """ResNet-20 in evaluation mode, images [1017, 3, 32, 32] as it expects them, and labels."""
    model = architectures(data).CifarResNet(20).eval()
    model.load_state_dict(load_file(data / "models" / "resnet20.safetensors"))
    file = np.load(data / "datasets" / "cifar10_test_1017.npz")
    pixels = torch.from_numpy(file["x"]).permute(0, 3, 1, 2).float() / 255
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    return model, (pixels - mean[:, None, None]) / deviation[:, None, None], torch.from_numpy(file["y"]).long()


def architectures(data: Path) -> ModuleType:
    specification = importlib.util.spec_from_file_location("architectures", data / "architectures.py")
    assert specification and specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@torch.no_grad()
def accuracy(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    """Percent of images whose highest output is at the label."""
    predictions = torch.cat([model(batch).argmax(1) for batch in images.split(128)])
    return 100 * float((predictions == labels).double().mean())


def label(operation: Operation) -> str:
    record = operation.record()
    return f"{record.name} {record.parameters_json}"


def report(name: str, expected: float, found: float, seconds: float, tensors: int) -> float:
    print(f"{name:<32}{expected:>11.1f}{found:>9.2f}{found - expected:>+7.2f}{seconds:>9.3f}  {tensors}")
    return abs(found - expected)


if __name__ == "__main__":
    sys.exit(main())
