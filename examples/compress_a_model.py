"""Prune and quantize a model of your own, and keep the weights and their sizes in a project. Needs PyTorch.

python examples/compress_a_model.py [DIRECTORY]
"""

import sys

import torch

import compress_compare as cc
from compress_compare import operations
from compress_compare.evaluation.evaluate import measure_size


def main(directory: str) -> None:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(784, 256), torch.nn.ReLU(), torch.nn.Linear(256, 10))
    steps = {
        "mlp-p75": operations.MagnitudePrune(amount=0.75),
        "mlp-w4": operations.Quantize(bits=4),
    }
    with cc.open(directory) as project:
        project.log_model("mlp", metrics=measure_size(model), checkpoint=model)
        for name, operation in steps.items():
            smaller = operation(model)
            project.log_model(name, base="mlp", operation=operation, metrics=measure_size(smaller), checkpoint=smaller)
        for row in project.models().to_pylist():
            print(f"{row['id']:8} {row['parameters']:24} {row['Packed Size']:>10,.0f} bytes")
        restored = project.load_checkpoint("mlp-p75")
        print("Zeros in the first layer:", int((restored["0.weight"] == 0).sum()))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "runs/compressed")
