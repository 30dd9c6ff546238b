"""The networks that every format is tried on, with a task each, and the ways in which they are compressed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor, nn

import compress_compare as cc
from compress_compare.operations import (
    ChannelPrune,
    DKMPalettize,
    LowRank,
    MagnitudePrune,
    NMPrune,
    Palettize,
    Quantize,
    QuantizeDynamic,
    QuantizeStatic,
)
from compress_compare.recipes import Data, Task


class DigitsCNN(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8)
        self.conv2, self.norm2 = nn.Conv2d(8, 16, 3, padding=1), nn.BatchNorm2d(16)
        self.fc = nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.norm1(self.conv1(x)))
        x = torch.relu(self.norm2(self.conv2(x)))
        return self.fc(x.mean((2, 3)))


class Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.norm2 = nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.norm2(self.conv2(torch.relu(self.norm1(self.conv1(x))))))


class Down(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, 2 * width, 3, stride=2, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(2 * width)
        self.conv2 = nn.Conv2d(2 * width, 2 * width, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(2 * width)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm2(self.conv2(torch.relu(self.norm1(self.conv1(x)))))
        short = nn.functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, x.shape[1]))
        return torch.relu(y + short)


class ResNet20(nn.Module):
    """20 layers of weights as He et al. (2016) have them for CIFAR-10."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)
        first = [Block(16), Block(16), Block(16)]
        self.blocks = nn.Sequential(*first, Down(16), Block(32), Block(32), Down(32), Block(64), Block(64))
        self.head = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.blocks(torch.relu(self.norm(self.stem(x)))).mean((2, 3)))


def llama() -> nn.Module:
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=64,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=32,
        use_cache=False,
        tie_word_embeddings=False,
    )
    return LlamaForCausalLM(config)


def bert() -> nn.Module:
    from transformers import BertConfig, BertForSequenceClassification

    config = BertConfig(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=32,
        num_labels=4,
    )
    return BertForSequenceClassification(config)


MAKERS: dict[str, Callable[[], nn.Module]] = {
    "digits cnn": DigitsCNN,
    "resnet-20": ResNet20,
    "small llama": llama,
    "small bert": bert,
}


def made(name: str) -> nn.Module:
    """The network of a name from seed 0, in evaluation mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = MAKERS[name]()
        if name == "resnet-20":
            model.load_state_dict(learned())
        return model.eval()


@cache
def learned() -> Mapping[str, Tensor]:
    """The ResNet-20 after some steps: where 20 layers are drawn at random, its classes are so near to each other that
    how a runtime rounds its integers decides between them."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # several wait for each other where other tests run beside
    model, (inputs, labels) = ResNet20(), images(24, shape=(3, 16, 16))
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(20):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(inputs), labels).backward()
        optimizer.step()
    torch.set_num_threads(threads)
    return model.state_dict()


def images(count: int, *, shape: tuple[int, int, int] = (1, 8, 8)) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(7)
    labels = torch.randint(0, 4, (count,), generator=random)
    return torch.randn(count, *shape, generator=random) + labels[:, None, None, None], labels


def tokens(count: int) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(8)
    return torch.randint(0, 64, (count, 12), generator=random), torch.randint(0, 4, (count,), generator=random)


def task(name: str, *, count: int = 24) -> Task:
    """A task for the network of a name: examples with labels, in two batches."""
    shape = (3, 16, 16) if name == "resnet-20" else (1, 8, 8)
    inputs, labels = tokens(count) if name in ("small llama", "small bert") else images(count, shape=shape)
    given = (lambda x: {"input_ids": x}) if inputs.dtype == torch.int64 else (lambda x: x)
    ids = np.arange(count)

    def answer(model: nn.Module) -> dict[str, object]:
        scores = []
        for part in inputs.split(count // 2):
            output = model(**given(part)) if isinstance(given(part), dict) else model(part)
            found = getattr(output, "logits", output)
            scores.append(found if found.ndim == 2 else found[:, -1])
        logits = torch.cat(scores).detach().double()
        return {"predictions": logits.argmax(1).numpy(), "vectors": {"probabilities": logits.softmax(1).numpy()}}

    batches = [(given(part), labels[: len(part)]) for part in inputs.split(count // 2)]
    kind = "tokens" if inputs.dtype == torch.int64 else "thumbnails" if name == "resnet-20" else "images"
    data = Data(kind, {"ids": ids, "labels": labels.numpy()}, answer)
    return Task(lambda: made(name), lambda _: {}, batches=batches, data=data, example=given(inputs[:1]))


@dataclass(frozen=True)
class Way:
    """One way to compress: operations for convolutional networks and for transformers, or no way at all."""

    images: tuple[object, ...] | None
    tokens: tuple[object, ...] | None


LINEAR = ("Linear",)
WAYS = {
    "float": Way((), ()),
    "w8": Way((Quantize(bits=8),), (Quantize(bits=8, targets=LINEAR),)),
    "w4 groups": Way(
        (Quantize(bits=4, strategy="group", group_size=8),),
        (Quantize(bits=4, strategy="group", group_size=32, targets=LINEAR),),
    ),
    "palettized": Way((Palettize(bits=4),), (Palettize(bits=4, targets=LINEAR),)),
    "dkm": Way((DKMPalettize(bits=2, epochs=1, small=0),), None),
    "pruned 2:4": Way((NMPrune(ignore=("re:conv1|stem",)),), (NMPrune(targets=LINEAR),)),
    "pruned": Way((MagnitudePrune(amount=0.9),), (MagnitudePrune(amount=0.9, targets=LINEAR),)),
    "channel-pruned": Way((ChannelPrune(amount=0.25),), None),
    "low rank": Way((LowRank(),), (LowRank(targets=LINEAR),)),
    "static int8": Way((QuantizeStatic(),), None),
    "dynamic int8": Way(None, (QuantizeDynamic(),)),
}


def logged(project: cc.Project, name: str, way: str) -> tuple[str, Task]:
    """Log the network of a name, compressed in a way; returns the id of that model and its task."""
    found, given = WAYS[way], task(name)
    operations = found.tokens if name in ("small llama", "small bert") else found.images
    assert operations is not None
    model, id = given.create(), name
    if name not in project:
        project.log_dataset(given.data.name, **given.data.columns)
        project.log_model(name, checkpoint=model, operation=cc.Operation("train"))
        project.log_outputs(name, given.data.name, ids=given.data.columns["ids"], **given.data.answer(model))
    for operation in operations:
        model = operation(model, data=given.batches)
        base, id = id, f"{name}, {way}"
        project.log_model(id, base=base, operation=operation, checkpoint=model)
        project.log_outputs(id, given.data.name, ids=given.data.columns["ids"], **given.data.answer(model))
    return id, given


def pairs() -> list[tuple[str, str]]:
    """Every network with every way that applies to it."""
    return [
        (name, way)
        for name in MAKERS
        for way, found in WAYS.items()
        if (found.tokens if name in ("small llama", "small bert") else found.images) is not None
    ]
