"""Do the suspects name the layers whose repair helps? Three quantized and three pruned networks, layer by layer.

Claim: over the layers of a network, the order in which they are suspects, by activations on other examples, agrees with
the quality that comes back when that layer alone gets its own weights back: Spearman's rank correlation is 0.6 or more
on average. What is no suspect follows in the order of its measure; the order by weights alone is printed beside it, and
so is the correlation with the accuracy won back, where there is one: in points it has far more noise than the loss.
Run from the repository root: ``python benchmarks/suspects.py``. Ends with exit code 1 when the mean correlation of
activations and loss is below 0.6.
"""

from __future__ import annotations

import argparse
import copy
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from cifar import DATA, images, resnet
from gptq_stories import load, losses
from reference_compressions import architectures
from safetensors.torch import load_file
from scipy.stats import spearmanr
from torch import Tensor, nn

import compress_compare as cc
from compress_compare.operations import BaseOperation, MagnitudePrune, Quantize

EXAMPLES = 64
"""Images whose activations are compared."""

ENOUGH = 0.6


@dataclass(frozen=True)
class Study:
    """A network, how well it does, what it is fed with, and how it is compressed."""

    network: nn.Module
    quality: Callable[[nn.Module], tuple[float, float]]
    sample: list[Any]
    operations: tuple[BaseOperation, ...]


def studies(data: Path, count: int) -> dict[str, Study]:
    """The networks by name."""
    made = architectures(data)
    pixels, labels = images(data, "test_1017")
    train, _ = images(data, "train_8068")
    small = made.MLPerfTinyResNet8().eval()
    small.load_state_dict(load_file(data / "models" / "resnet8.safetensors"))
    raw, _ = _raw(data, "test_1017")
    raw_train, _ = _raw(data, "train_8068")
    words, stories = load(data)
    few = [story[None, :128] for story in stories[:4]]
    return {
        "ResNet-20": Study(
            resnet(data, 20), lambda net: classified(net, pixels[:count], labels[:count]),
            [train[:EXAMPLES]], (Quantize(bits=3), MagnitudePrune(amount=0.7)),
        ),
        "ResNet-8": Study(
            small, lambda net: classified(net, raw[:count], labels[:count]),
            [raw_train[:EXAMPLES]], (Quantize(bits=4), MagnitudePrune(amount=0.5)),
        ),
        "stories260K": Study(
            words, lambda net: told(net, stories[4:]), few, (Quantize(bits=3), MagnitudePrune(amount=0.3)),
        ),
    }  # fmt: skip


def _raw(data: Path, name: str) -> tuple[Tensor, Tensor]:
    file = np.load(data / "datasets" / f"cifar10_{name}.npz")
    return torch.from_numpy(file["x"]).permute(0, 3, 1, 2).float(), torch.from_numpy(file["y"]).long()


@torch.no_grad()
def classified(net: nn.Module, pixels: Tensor, labels: Tensor) -> tuple[float, float]:
    """Loss per image, and percent right."""
    found = torch.cat([net(batch) for batch in pixels.split(128)])
    right = 100 * float((found.argmax(1) == labels).double().mean())
    return float(nn.functional.cross_entropy(found, labels)), right


def told(net: nn.Module, stories: Iterable[Tensor]) -> tuple[float, float]:
    """Loss per token; no share of hits."""
    found = losses(net, list(stories))
    return float(found[:, 0].sum() / found[:, 1].sum()), float("nan")


def layers_of(base: nn.Module, child: nn.Module) -> list[str]:
    """The layers whose weights changed."""
    other = dict(child.named_parameters())
    return [
        name.removesuffix(".weight")
        for name, parameter in base.named_parameters()
        if parameter.dim() > 1 and not torch.equal(parameter, other[name])
    ]


def restored(base: nn.Module, child: nn.Module, layer: str) -> nn.Module:
    """The child with the weight of one layer as it was."""
    net = copy.deepcopy(child)
    net.get_submodule(layer).load_state_dict(base.get_submodule(layer).state_dict())
    return net


def orders(base: nn.Module, child: nn.Module, sample: list[Any], layers: list[str]) -> dict[str, list[float]]:
    """How suspicious each layer is, by weights and by activations: suspects first, the others by the mode's measure."""
    project = cc.open(tempfile.mkdtemp())
    project.log_model("base", checkpoint=base)
    project.log_model("child", base="base", operation=cc.Operation("compress"), checkpoint=child.state_dict())
    found = {}
    for what, measure in (("weights", "relative_error"), ("activations", "repair")):
        given = {} if what == "weights" else {"network": copy.deepcopy(base), "data": sample}
        compared = project.layers("base", ["child"], what, **given)
        rows = compared.table.to_pylist()
        own = [row for row in rows if row["model"] == "child" and row.get("parameter") in (None, "weight")]
        errors = {row["module"]: row[measure] or 0.0 for row in own}
        named = {row["module"]: row["score"] for row in compared.suspects.to_pylist()}
        found[what] = [1000 * (layer in named) + named.get(layer, 0.0) + errors.get(layer, 0.0) for layer in layers]
        found[f"{what}, suspects"] = [layer for layer in layers if layer in named]
    project.close()
    return found


def written(found: Iterable[float]) -> str:
    """Three correlations in columns."""
    first, second, third = found
    return f"{first:>9.2f}{second:>13.2f}{third:>10.2f}"


def main() -> int:
    """Print the correlations."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder with models/, datasets/ and architectures.py")
    parser.add_argument("--images", type=int, default=1017, help="images on which quality is measured")
    parser.add_argument("--verbose", action="store_true", help="print each layer")
    given = parser.parse_args()
    if not given.data.is_dir():
        print(f"No reference data at {given.data}; give its place with --data.")
        return 2
    torch.set_num_threads(1)
    print(f"{'network':<30}{'layers':>7}{'loss':>14}{'weights':>9}{'activations':>13}{'accuracy':>10}  best; suspects")
    all_found = []
    for name, study in studies(given.data, given.images).items():
        for operation in study.operations:
            child = operation(study.network).eval()
            layers = layers_of(study.network, child)
            before, _ = study.quality(study.network)
            after, _ = study.quality(child)
            repaired = [study.quality(restored(study.network, child, layer)) for layer in layers]
            won = [after - loss for loss, _ in repaired]
            found = orders(study.network, child, study.sample, layers)
            hits = [right for _, right in repaired]
            pairs = ((found["weights"], won), (found["activations"], won), (found["activations"], hits))
            all_found.append([float(spearmanr(*pair).statistic) for pair in pairs])
            best = layers[int(np.argmax(won))]
            said = ", ".join(found["activations, suspects"]) or "none"
            start = f"{name + ', ' + operation.name:<30}{len(layers):>7}{f'{before:.2f} → {after:.2f}':>14}"
            print(f"{start}{written(all_found[-1])}  {best}; {said}", flush=True)
            if given.verbose:
                for row in sorted(zip(won, layers, found["weights"], found["activations"], strict=True))[::-1]:
                    print("   ", *(f"{each:.4f}" if isinstance(each, float) else each for each in row))
    mean = np.nanmean(all_found, axis=0)
    print(f"{'mean':<51}{written(mean)}")
    return int(mean[1] < ENOUGH)


if __name__ == "__main__":
    sys.exit(main())
