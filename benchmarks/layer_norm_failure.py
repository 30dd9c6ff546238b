"""The layer-norm failure: pruning that also takes the scales of norms ruins a small transformer.

Claim: setting the smallest 10 % of every weight to zero costs little, and much more as soon as the scales of layer
norms are among them; restoring the norms repairs it; the coverage proof names the norms, and nothing else, as changed
unexpectedly, and the most sensitive layer is a norm. A transformer that sorts 16 numbers is trained from three seeds.
Run from the repository root: ``python benchmarks/layer_norm_failure.py``. Ends with exit code 1 when the claim fails.
"""

from __future__ import annotations

import sys

import numpy as np
import torch
from torch import Tensor, nn

from compress_compare.analysis.coverage import coverage
from compress_compare.comparisons.coverage import expectation
from compress_compare.operations import MagnitudePrune, magnitude_prune, restore, train
from compress_compare.plans.sensitivity import Study, sensitivity

NUMBERS, LENGTH, WIDTH = 16, 16, 32
EVERYWHERE = (r"re:.*\.weight",)


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.attention = nn.MultiheadAttention(WIDTH, 4, batch_first=True)
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm1(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        return x + self.down(torch.relu(self.up(self.norm2(x))))


class Sorter(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed, self.place = nn.Embedding(NUMBERS, WIDTH), nn.Embedding(LENGTH, WIDTH)
        self.blocks = nn.Sequential(*(Block() for _ in range(4)))
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, NUMBERS)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embed(tokens) + self.place(torch.arange(tokens.shape[1]))
        return self.head(self.norm(self.blocks(x)))


def main() -> int:
    torch.set_num_threads(1)
    print(f"{'seed':>4}{'trained':>9}{'10 %':>8}{'with norms':>12}{'restored':>10}  unexpected   most sensitive")
    ok = [study(seed) for seed in range(3)]
    print("the claim holds" if all(ok) else "the claim fails")
    return int(not all(ok))


def study(seed: int) -> bool:
    """One trained network, with and without its norms; whether the claim holds."""
    torch.manual_seed(seed)
    inputs, answers = sequences(4096, seed=0)
    data = list(zip(inputs.split(64), answers.split(64), strict=True))
    model = train(Sorter(), epochs=12, learning_rate=3e-3, optimizer="adam", data=data, seed=seed).eval()
    careful = magnitude_prune(model, 0.1, scope="local")
    operation = MagnitudePrune(0.1, scope="local", targets=EVERYWHERE)
    ruined = operation(model)
    repaired = restore(ruined, targets=["LayerNorm"], original=model)
    found = [accuracy(network) for network in (model, careful, ruined, repaired)]
    before, after = (
        {name: tensor.numpy() for name, tensor in network.state_dict().items()} for network in (model, ruined)
    )
    rows = coverage(before, after, expectation=expectation(operation.record())).to_pylist()
    unexpected = [row["tensor"] for row in rows if row["status"] == "unexpected"]
    table = sensitivity(model, [MagnitudePrune(0.1)], study=Study(accuracy, layers=EVERYWHERE))
    worst = [table["layer"][int(index)].as_py() for index in np.argsort(table["change"].to_numpy())[:3]]
    print(
        f"{seed:>4}{found[0]:>9.1%}{found[1]:>8.1%}{found[2]:>12.1%}{found[3]:>10.1%}"
        f"  {len(unexpected)} norms      {', '.join(worst)}"
    )
    lost = [found[0] - other for other in found[1:]]
    norms = {f"{path}.weight" for path, module in model.named_modules() if isinstance(module, nn.LayerNorm)}
    repaired_by_norms = lost[2] < 0.25 * lost[1] and lost[1] > 3 * max(lost[0], 0.01)
    return repaired_by_norms and set(unexpected) == norms and "norm" in worst[0]


def sequences(count: int, *, seed: int) -> tuple[Tensor, Tensor]:
    """Numbers [count, length], and the same in order."""
    numbers = torch.randint(0, NUMBERS, (count, LENGTH), generator=torch.Generator().manual_seed(seed))
    return numbers, numbers.sort(1).values


@torch.no_grad()
def accuracy(model: nn.Module) -> float:
    """Share of the numbers of 1,000 unseen sequences that are put in their place."""
    inputs, answers = sequences(1000, seed=1)
    return float((model.eval()(inputs).argmax(-1) == answers).float().mean())


if __name__ == "__main__":
    sys.exit(main())
