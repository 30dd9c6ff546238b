"""Plain PyTorch networks of the zoo, each with the traits of what it is named after."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Made = tuple[nn.Module, tuple[object, Tensor]]


class NormAct(nn.BatchNorm2d):
    """A batch norm that holds an activation, as in timm."""

    def __init__(self, width: int, act: type[nn.Module] = nn.SiLU) -> None:
        super().__init__(width)
        self.drop, self.act = nn.Identity(), act()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.drop(super().forward(x)))


class SqueezeExcite(nn.Module):
    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.reduce, self.expand = nn.Conv2d(width, inner, 1), nn.Conv2d(inner, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.expand(F.relu(self.reduce(x.mean((2, 3), keepdim=True)))))


class Inverted(nn.Module):
    """An inverted residual block: widen, depthwise, squeeze and excite, narrow."""

    def __init__(self, width: int, act: type[nn.Module]) -> None:
        super().__init__()
        inner = 2 * width
        self.conv_pw, self.bn1 = nn.Conv2d(width, inner, 1, bias=False), NormAct(inner, act)
        self.conv_dw = nn.Conv2d(inner, inner, 3, padding=1, groups=inner, bias=False)
        self.bn2, self.se = NormAct(inner, act), SqueezeExcite(inner, 4)
        self.conv_pwl, self.bn3 = nn.Conv2d(inner, width, 1, bias=False), NormAct(width, nn.Identity)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.bn3(self.conv_pwl(self.se(self.bn2(self.conv_dw(self.bn1(self.conv_pw(x)))))))


class Efficient(nn.Module):
    def __init__(self, act: type[nn.Module] = nn.SiLU) -> None:
        super().__init__()
        self.conv_stem, self.bn1 = nn.Conv2d(3, 16, 3, 2, 1, bias=False), NormAct(16, act)
        self.blocks = nn.Sequential(Inverted(16, act), Inverted(16, act))
        self.classifier = nn.Linear(16, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.blocks(self.bn1(self.conv_stem(x))).mean((2, 3)))


class Bottleneck(nn.Module):
    """Grouped convolutions inside a residual block, as in ResNeXt and RegNet."""

    def __init__(self, width: int, groups: int, *, excite: bool) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(width, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, groups=groups, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.se = SqueezeExcite(width, 4) if excite else nn.Identity()
        self.conv3, self.bn3 = nn.Conv2d(width, width, 1, bias=False), nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        return F.relu(x + self.bn3(self.conv3(self.se(y))))


class Grouped(nn.Module):
    def __init__(self, *, excite: bool = False) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)
        self.layers = nn.Sequential(Bottleneck(16, 4, excite=excite), Bottleneck(16, 4, excite=excite))
        self.fc = nn.Linear(16, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.layers(F.relu(self.bn1(self.conv1(x)))).mean((2, 3)))


class ConvNext(nn.Module):
    """Depthwise convolution, norm with channels last, two linear layers, a scale per channel, a sum."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, width, 4, 4)
        self.dwconv, self.norm = nn.Conv2d(width, width, 7, padding=3, groups=width), nn.LayerNorm(width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.gamma, self.head = nn.Parameter(torch.full((width,), 0.5)), nn.Linear(width, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        y = self.down(F.gelu(self.up(self.norm(self.dwconv(x).permute(0, 2, 3, 1))))) * self.gamma
        return self.head((x + y.permute(0, 3, 1, 2)).mean((2, 3)))


class C2f(nn.Module):
    """YOLO's block of partly used channels: half goes on, all halves are joined."""

    def __init__(self, width: int = 16, blocks: int = 2) -> None:
        super().__init__()
        half = width // 2
        self.cv1, self.cv2 = nn.Conv2d(width, 2 * half, 1), nn.Conv2d((2 + blocks) * half, width, 1)
        self.m = nn.ModuleList(
            nn.Sequential(nn.Conv2d(half, half, 3, padding=1), nn.BatchNorm2d(half), nn.SiLU()) for _ in range(blocks)
        )

    def forward(self, x: Tensor) -> Tensor:
        parts = list(self.cv1(x).chunk(2, 1))
        for block in self.m:
            parts.append(block(parts[-1]))
        return self.cv2(torch.cat(parts, 1))


class Yolo(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.bn, self.c2f = nn.Conv2d(3, 16, 3, 2, 1), nn.BatchNorm2d(16), C2f()
        self.pool, self.sppf = nn.MaxPool2d(5, 1, 2), nn.Conv2d(32, 16, 1)
        self.head = nn.ModuleList([nn.Conv2d(16, 10, 1), nn.Conv2d(32, 10, 1)])

    def forward(self, x: Tensor) -> Tensor:
        a = F.relu(self.bn(self.stem(x)))
        b = self.c2f(a)
        c = self.sppf(torch.cat([b, self.pool(b)], 1))
        return torch.cat([self.head[0](c).flatten(2), self.head[1](torch.cat([c, a], 1)).flatten(2)], 2).mean(2)


class UNet(nn.Module):
    """Down, up by a transposed convolution, and a second one with groups."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.bn = nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8)
        self.middle, self.up, self.up_bn = (
            nn.Conv2d(8, 16, 3, 2, 1),
            nn.ConvTranspose2d(16, 12, 2, 2),
            nn.BatchNorm2d(12),
        )
        self.last, self.out = nn.ConvTranspose2d(20, 8, 4, 2, 1, groups=4), nn.Conv2d(8, 5, 1)

    def forward(self, x: Tensor) -> Tensor:
        a = F.relu(self.bn(self.down(x)))
        b = F.relu(self.up_bn(self.up(F.relu(self.middle(a)))))
        return self.out(F.relu(self.last(torch.cat([a, b], 1))))


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(50, 16, padding_idx=0)
        self.lstm = nn.LSTM(16, 24, 2, bidirectional=True, batch_first=True)
        self.gru, self.out = nn.GRU(48, 16, batch_first=True), nn.Linear(16, 5)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.out(self.gru(self.lstm(self.embed(tokens))[0])[0][:, -1])


class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
        self.inp, self.encoder, self.out = nn.Linear(8, 32), nn.TransformerEncoder(layer, 2), nn.Linear(32, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.encoder(self.inp(x)).mean(1))


class Attention(nn.Module):
    """Attention between two sequences, whose packed projection is used in parts."""

    def __init__(self) -> None:
        super().__init__()
        self.inp, self.attention = nn.Linear(8, 16), nn.MultiheadAttention(16, 4, batch_first=True)
        self.queries, self.out = nn.Parameter(torch.randn(1, 3, 16)), nn.Linear(16, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.inp(x)
        return self.out(self.attention(self.queries.expand(len(x), -1, -1), x, x)[0].mean(1))


class Vocoder(nn.Module):
    """Weights that are computed from two others."""

    def __init__(self) -> None:
        super().__init__()
        norm = nn.utils.parametrizations.weight_norm
        self.first, self.last = norm(nn.Conv1d(8, 16, 7, padding=3)), nn.Conv1d(8, 1, 7, padding=3)
        self.up = norm(nn.ConvTranspose1d(16, 8, 4, 2, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.last(F.relu(self.up(F.relu(self.first(x))))).mean(2) @ torch.ones(1, 5)


class Recommender(nn.Module):
    """Bags of categories and numbers, joined by their products, as in DLRM."""

    def __init__(self) -> None:
        super().__init__()
        self.tables = nn.ModuleList(nn.EmbeddingBag(30, 8, mode="sum") for _ in range(3))
        self.bottom, self.top = nn.Linear(6, 8), nn.Sequential(nn.Linear(8 + 6, 16), nn.ReLU(), nn.Linear(16, 5))

    def forward(self, numbers: Tensor, categories: Tensor) -> Tensor:
        x = F.relu(self.bottom(numbers))
        each = torch.stack([x, *(table(categories[:, i]) for i, table in enumerate(self.tables))], 1)
        rows, columns = torch.tril_indices(4, 4, -1)
        return self.top(torch.cat([x, (each @ each.transpose(1, 2))[:, rows, columns]], 1))


class Flattened(nn.Module):
    """A convolution whose channels become features, and a layer that runs twice."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.bn = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8)
        self.twice, self.norm = nn.Conv2d(8, 8, 3, padding=1), nn.GroupNorm(4, 8)
        self.hidden, self.out = nn.Linear(8 * 16, 20), nn.Linear(20, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn(self.conv(x)))
        x = F.relu(self.norm(self.twice(F.relu(self.twice(x)))))
        return self.out(F.relu(self.hidden(F.adaptive_avg_pool2d(x, 4).flatten(1))))


def _labels() -> Tensor:
    return torch.tensor([0, 1, 2, 3])


def _of_images(kind: Callable[[], nn.Module]) -> Callable[[], Made]:
    return lambda: (kind(), (torch.randn(4, 3, 16, 16), _labels()))


def _of(kind: Callable[[], nn.Module], *shape: int) -> Callable[[], Made]:
    return lambda: (kind(), (torch.randn(4, *shape), _labels()))


MODELS: dict[str, Callable[[], Made]] = {
    "convnext": _of_images(ConvNext),
    "efficientnet": _of_images(Efficient),
    "mobilenetv3": _of_images(lambda: Efficient(nn.Hardswish)),
    "resnext": _of_images(Grouped),
    "regnet": _of_images(lambda: Grouped(excite=True)),
    "yolo": _of_images(Yolo),
    "flattened": _of_images(Flattened),
    "unet": lambda: (UNet(), (torch.randn(4, 3, 16, 16), torch.randint(0, 5, (4, 16, 16)))),
    "lstm": lambda: (Recurrent(), (torch.randint(1, 50, (4, 7)), _labels())),
    "transformer encoder": _of(Encoder, 6, 8),
    "attention": _of(Attention, 6, 8),
    "vocoder": _of(Vocoder, 8, 10),
    "dlrm": lambda: (Recommender(), ((torch.randn(4, 6), torch.randint(0, 30, (4, 3, 2))), _labels())),
}
