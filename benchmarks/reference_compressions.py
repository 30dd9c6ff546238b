"""What the default compressions do to three published networks, against published reference figures.

Claim: ``quantize`` and ``magnitude_prune`` with their defaults give the reference accuracies (ResNet-20 and ResNet-8 on
1,017 CIFAR-10 images) within 0.5 points, and the reference perplexities (stories260K on 21 stories) within 0.05.
Run from the repository root: ``python benchmarks/reference_compressions.py``. Ends with exit code 1 when one is off.
"""

from __future__ import annotations

import importlib.util
import json
import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from cifar import data_folder
from safetensors.torch import load_file
from torch import nn

from compress_compare.operations import BaseOperation, MagnitudePrune, Quantize

PRUNE_30, PRUNE_50, PRUNE_70 = (MagnitudePrune(amount=amount) for amount in (0.3, 0.5, 0.7))
W8, W6, W5, W4, W3 = (Quantize(bits=bits) for bits in (8, 6, 5, 4, 3))

EVERY = (None, W8, W6, W5, W4, W3, PRUNE_30, PRUNE_50, PRUNE_70)
# Percent right, or perplexity: symmetric round-to-nearest per output channel, global magnitude pruning, no fine-tuning.
REFERENCE: dict[str, dict[BaseOperation | None, float]] = {
    "resnet20": dict(zip(EVERY, (91.6, 91.5, 91.8, 91.7, 90.6, 73.0, 91.3, 90.6, 72.6), strict=True)),
    "resnet8": dict(zip(EVERY, (88.0, 88.1, 85.1, 81.5, 54.3, 8.7, 84.6, 64.3, 22.2), strict=True)),
    "stories260K": {None: 4.86, W8: 4.86, W6: 4.96, W5: 5.02, W4: 5.95, PRUNE_30: 9.79},
}
TOLERANCE = {"resnet20": 0.5, "resnet8": 0.5, "stories260K": 0.05}


@dataclass(frozen=True)
class Result:
    network: str
    operation: BaseOperation | None
    expected: float
    found: float
    seconds: float

    @property
    def off(self) -> bool:
        return abs(self.found - self.expected) > TOLERANCE[self.network]


def main() -> int:
    data = data_folder(__doc__)
    if data is None:
        return 2
    torch.set_num_threads(1)
    print(f"{'network':<12}{'compression':<32}{'expected':>9}{'found':>8}{'off by':>8}{'seconds':>9}")
    results = [result for network in REFERENCE for result in compress(network, data)]
    for result in results:
        record = result.operation.record() if result.operation else None
        label = f"{record.name} {record.parameters_json}" if record else "none"
        difference = f"{result.found - result.expected:+.2f}"
        numbers = f"{result.expected:>9.2f}{result.found:>8.2f}{difference:>8}{result.seconds:>9.3f}"
        print(f"{result.network:<12}{label:<32}{numbers}")
    print(f"{sum(result.off for result in results)} of {len(results)} outside the tolerance")
    return int(any(result.off for result in results))


def compress(network: str, data: Path) -> list[Result]:
    """One result for each reference figure of a network."""
    model, measure = (load_stories if network == "stories260K" else load_resnet)(network, data)
    results = []
    for operation, expected in REFERENCE[network].items():
        start = time.perf_counter()
        child = operation(model) if operation else model
        seconds = time.perf_counter() - start
        results.append(Result(network, operation, expected, measure(child), seconds))
    return results


def load_resnet(network: str, data: Path) -> tuple[nn.Module, Callable[[nn.Module], float]]:
    """A network on CIFAR-10 in evaluation mode, and what measures its accuracy in percent."""
    made = architectures(data)
    model = made.CifarResNet(20) if network == "resnet20" else made.MLPerfTinyResNet8()
    model.load_state_dict(load_file(data / "models" / f"{network}.safetensors"))
    with np.load(data / "datasets" / "cifar10_test_1017.npz") as file:
        images, labels = torch.from_numpy(file["x"]).permute(0, 3, 1, 2).float(), torch.from_numpy(file["y"]).long()
    if network == "resnet20":
        mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
        images = (images / 255 - mean[:, None, None]) / deviation[:, None, None]

    @torch.no_grad()
    def accuracy(module: nn.Module) -> float:
        predictions = torch.cat([module(batch).argmax(1) for batch in images.split(128)])
        return 100 * float((predictions == labels).double().mean())

    return model.eval(), accuracy


def load_stories(network: str, data: Path) -> tuple[nn.Module, Callable[[nn.Module], float]]:
    """The language model in evaluation mode, and what measures its perplexity per token."""
    made = architectures(data)
    model = made.Llama()
    model.load_state_dict(load_file(data / "models" / f"{network}.safetensors"))
    tokenizer = made.Tok512(data / "models" / "tok512.bin")
    lines = (data / "datasets" / "tinystories_eval.jsonl").read_text(encoding="utf-8").splitlines()
    stories = [torch.tensor(tokenizer.encode(json.loads(line)["text"])[:512]) for line in lines]

    @torch.no_grad()
    def perplexity(module: nn.Module) -> float:
        losses = [
            nn.functional.cross_entropy(module(story[None, :-1])[0], story[1:], reduction="sum") for story in stories
        ]
        return math.exp(float(sum(losses)) / sum(len(story) - 1 for story in stories))

    return model.eval(), perplexity


def architectures(data: Path) -> ModuleType:
    specification = importlib.util.spec_from_file_location("architectures", data / "architectures.py")
    assert specification and specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


if __name__ == "__main__":
    sys.exit(main())
