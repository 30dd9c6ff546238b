"""Channel pruning beside plain Torch-Pruning, on ResNet-20 and 1,017 CIFAR-10 images.

Both remove the same share of the channels of the first convolution of each block, by their own magnitude, and are then
fine-tuned for two epochs on the same 8,068 images, by the same operation. Torch-Pruning is used as its guide does, with
its defaults. Other layers are left: Torch-Pruning 1.6.1 raises an IndexError at their shortcuts, which pad channels.
Claim: at the same MACs (within 1%) our accuracy is no worse within the paired 95% interval, at each share.
Run from the repository root: ``python benchmarks/peers_torch_pruning.py``. Ends with code 1 when a limit is missed.
"""

from __future__ import annotations

import re
import sys

import torch
import torch_pruning as tp
from cifar import Augmented, data_folder, images, resnet20
from pairs import paired
from torch import Tensor, nn

from compress_compare.evaluation.compute import macs
from compress_compare.operations import ChannelPrune, Finetune

AMOUNTS, EPOCHS, RATE = (0.25, 0.5, 0.75), 2, 0.01
INNER = r"re:.*\d\.conv1"


def main() -> int:
    """Print both at each share."""
    data = data_folder(__doc__)
    if data is None:
        return 2
    torch.set_num_threads(1)
    pixels, labels = images(data, "test_1017")
    training = images(data, "train_8068")
    print(f"{'share removed':<15}{'':<15}{'MACs':>12}{'pruned %':>10}{'tuned %':>9}")
    missed = False
    for amount in AMOUNTS:
        network = resnet20(data)
        right, count = {}, {}
        for name, pruned in (
            ("ours", ChannelPrune(amount, targets=(INNER,))(network, data=[(pixels[:1], labels[:1])])),
            ("Torch-Pruning", plain(resnet20(data), pixels[:1], amount=amount)),
        ):
            count[name] = macs(pruned, pixels[:1]).value
            before = answers(pruned, pixels) == labels
            tuned = Finetune(epochs=EPOCHS, learning_rate=RATE)(pruned, data=Augmented(*training))
            right[name] = answers(tuned, pixels) == labels
            shares = [100 * float(some.double().mean()) for some in (before, right[name])]
            print(f"{amount:<15}{name:<15}{count[name]:>12,.0f}{shares[0]:>10.1f}{shares[1]:>9.2f}", flush=True)
        low, high = paired(right["ours"].tolist(), right["Torch-Pruning"].tolist())
        print(f"  ours against theirs, tuned: {100 * low:+.1f} to {100 * high:+.1f} points")
        missed |= high < 0 or abs(count["ours"] / count["Torch-Pruning"] - 1) > 0.01
    print("a limit is missed" if missed else "all limits are kept")
    return int(missed)


def plain(network: nn.Module, example: Tensor, *, amount: float) -> nn.Module:
    """The network pruned by Torch-Pruning itself; its outputs stay whole."""
    weighted = {name: module for name, module in network.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)}
    pruner = tp.pruner.BasePruner(
        network,
        example,
        importance=tp.importance.MagnitudeImportance(),
        pruning_ratio=amount,
        ignored_layers=[
            module for name, module in weighted.items() if not re.fullmatch(INNER.removeprefix("re:"), name)
        ],
    )
    pruner.step()
    return network


@torch.no_grad()
def answers(network: nn.Module, pixels: Tensor) -> Tensor:
    """The class that the network gives each image."""
    network.eval()
    return torch.cat([network(some).argmax(1) for some in pixels.split(128)])


if __name__ == "__main__":
    sys.exit(main())
