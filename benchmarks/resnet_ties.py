"""Published ResNet-20, 32 and 44 and compressed children on 1,017 images: which differ by more than chance, paired.

Run: python benchmarks/resnet_ties.py. Every pair's difference, interval and exact McNemar p are compared with those of
SciPy; ends with exit code 1 if they differ, or if ResNet-32 and 44 are not a tie.
"""

from __future__ import annotations

import sys
import tempfile

import numpy as np
import torch
from cifar import DATA, images, resnet
from scipy import stats

import compress_compare as cc
from compress_compare.operations import magnitude_prune, quantize


@torch.no_grad()
def probabilities(model: torch.nn.Module, pixels: torch.Tensor) -> np.ndarray:
    """[images, 10] in evaluation mode."""
    return torch.cat([model.eval()(batch).softmax(1) for batch in pixels.split(128)]).numpy()


def main() -> None:
    """Evaluate, log, compare, check."""
    pixels, labels = images(DATA, "test_1017")
    models = {f"resnet{depth}": resnet(DATA, depth) for depth in (20, 32, 44)}
    for depth in (20, 44):
        models[f"resnet{depth}-int4"] = quantize(models[f"resnet{depth}"], bits=4)
        models[f"resnet{depth}-p50"] = magnitude_prune(models[f"resnet{depth}"], amount=0.5)
    given = {name: probabilities(model, pixels) for name, model in models.items()}
    right = {name: one.argmax(1) == labels.numpy() for name, one in given.items()}
    ids = np.arange(len(labels))
    with tempfile.TemporaryDirectory() as folder, cc.open(f"{folder}/project") as project:
        project.log_dataset("cifar10", ids=ids, labels=labels.numpy())
        for name, one in given.items():
            project.log_model(name)
            project.log_outputs(name, "cifar10", ids=ids, predictions=one.argmax(1), vectors={"probabilities": one})
        pairs = project.behaviors("resnet20", list(given), "cifar10").pairs.to_pylist()
    wrong = 0
    for row in pairs:
        lost = int((right[row["first"]] & ~right[row["second"]]).sum())
        won = int((~right[row["first"]] & right[row["second"]]).sum())
        p = stats.binomtest(lost, lost + won).pvalue if lost + won else 1.0
        wrong += not np.isclose(p, row["mcnemar_p"]) or not np.isclose((won - lost) / len(ids), row["difference"])
        low, high = 100 * row["ci_low"], 100 * row["ci_high"]
        verdict = "tie" if row["tie"] else "differ"
        change = f"{100 * row['difference']:+6.2f} pp ({low:+.2f} to {high:+.2f})"
        print(f"{row['first']:14s}{row['second']:14s}{change:32s}p {row['mcnemar_p']:.3g}  {verdict}")
    tied = next(row for row in pairs if (row["first"], row["second"]) == ("resnet32", "resnet44"))
    print(f"\n{len(pairs)} pairs, {wrong} unlike SciPy; ResNet-32 and 44 {'tie' if tied['tie'] else 'differ'}")
    sys.exit(int(wrong > 0 or not tied["tie"] or not tied["ci_low"] <= 0 <= tied["ci_high"]))


if __name__ == "__main__":
    main()
