"""The paper's three sizes, from the definitions of its networks."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from compress_compare.operations.dkm.size import Layer, layer_bytes, network_bytes

MIB = 2**20


@dataclass(frozen=True)
class Network:
    """Weights of every convolution; of the linear layer; and the number of norm scales, norm shifts and biases."""

    convolutions: list[int]
    linear: int
    affine: int

    @property
    def parameters(self) -> int:
        return sum(self.convolutions) + self.linear + self.affine


def resnet50() -> Network:
    """He et al. 2016: stages of 3, 4, 6 and 3 bottlenecks, a projection in the first of each."""
    convolutions, channels, norms = [64 * 3 * 49], 64, 64
    for blocks, width in [(3, 64), (4, 128), (6, 256), (3, 512)]:
        for block in range(blocks):
            convolutions += [channels * width, width * width * 9, width * 4 * width]
            norms += width + width + 4 * width
            if block == 0:
                convolutions.append(channels * 4 * width)
                norms += 4 * width
            channels = 4 * width
    return Network(convolutions, 2048 * 1000, 2 * norms + 1000)


def mobilenet_v1() -> Network:
    """Howard et al. 2017: thirteen pairs of a depthwise and a pointwise convolution."""
    convolutions, channels, norms = [32 * 3 * 9], 32, 32
    for width in [64, 128, 128, 256, 256, *[512] * 6, 1024, 1024]:
        convolutions += [channels * 9, channels * width]
        norms += channels + width
        channels = width
    return Network(convolutions, 1024 * 1000, 2 * norms + 1000)


def mobilenet_v2() -> Network:
    """Sandler et al. 2018: inverted residuals of expansion t, width c and n repetitions."""
    convolutions, channels, norms = [32 * 3 * 9], 32, 32
    for t, c, n in [(1, 16, 1), (6, 24, 2), (6, 32, 3), (6, 64, 4), (6, 96, 3), (6, 160, 3), (6, 320, 1)]:
        for _ in range(n):
            inside = channels * t
            convolutions += [channels * inside] * (t != 1) + [inside * 9, inside * c]
            norms += inside * (t != 1) + inside + c
            channels = c
    return Network([*convolutions, 320 * 1280], 1280 * 1000, 2 * (norms + 1280) + 1000)


CASES = [  # network, millions of parameters, bits and dim of convolutions and of the linear layer, MiB, MiB as float32
    (resnet50(), 25.557, (6, 6), (6, 4), 3.316, 97.49),
    (mobilenet_v1(), 4.232, (4, 4), (4, 2), 0.723, 16.14),
    (mobilenet_v2(), 3.505, (2, 1), (4, 4), 0.839, 13.37),
]


@pytest.mark.parametrize(("network", "millions", "convolution", "linear", "expected", "dense"), CASES)
def test_sizes_of_the_paper(
    network: Network,
    millions: float,
    convolution: tuple[int, int],
    linear: tuple[int, int],
    expected: float,
    dense: float,
) -> None:
    assert abs(network.parameters / 1e6 - millions) < 0.0005
    assert abs(4 * network.parameters / MIB - dense) < 0.005
    layers = [Layer(weights, *convolution) for weights in network.convolutions] + [Layer(network.linear, *linear)]
    assert abs(network_bytes(layers, affine=network.affine) / MIB - expected) < 0.0005


def test_one_layer_by_hand() -> None:
    assert layer_bytes(Layer(10_001, bits=4, dim=3)) == 3334 * 0.5 + 16 * 3 * 2
    assert layer_bytes(Layer(9_999, bits=1, dim=8)) == 9_999 + 256 * 2
