from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from compress_compare.errors import InvalidValue
from compress_compare.operations import DKMPalettize, dkm_palettize, magnitude_prune
from compress_compare.operations.dkm.attention import CentroidAttention
from compress_compare.operations.dkm.modules import ClusterPlan, Palette, spacing
from compress_compare.operations.parts.data import cross_entropy
from compress_compare.operations.parts.substituted import Substituted
from compress_compare.operations.targets import Weight
from compress_compare.schemes import scheme

from .networks import build


def palette(weight: Tensor, bits: int = 2, dim: int = 1, **method: object) -> Palette:
    plan = ClusterPlan(bits, dim, axis=0, keep_zeros=True)
    attention = CentroidAttention(**{"temperature": 0.04, **method})  # type: ignore[arg-type]
    return Palette(weight, plan, attention=attention, generator=torch.Generator().manual_seed(0))


def normal(*shape: int, seed: int = 0, scale: float = 0.05) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * scale


def test_the_result_is_an_ordinary_module_with_snapped_weights() -> None:
    model, data = build("residual")
    child = dkm_palettize(model, 2, small=100, data=data)
    assert type(child) is type(model)
    assert list(child.state_dict()) == list(model.state_dict())
    assert len(child.conv.weight.unique()) <= 4 and len(child.stem.weight.unique()) > 4
    entries = scheme.of(child)
    assert (entries["conv.weight"].kind, entries["conv.weight"].bits) == ("palettized", 2)
    assert entries["conv.weight"].codebook_size == 4 and entries["conv.weight"].table_bits == 16
    assert entries["stem.weight"].bits == 8, "below 100 weights"
    assert not torch.equal(child.norm.weight, model.norm.weight), "norms are trained"
    assert "norm.weight" not in entries and "head.bias" not in entries


def test_training_through_the_attention_beats_snapping_afterwards() -> None:
    model, data = build("convolutional")
    options = {"small": 0, "learning_rate": 0.05, "data": data}
    before = dkm_palettize(model, 1, epochs=1, **{**options, "learning_rate": 1e-9})
    after = dkm_palettize(model, 1, epochs=20, **options)
    assert loss(after, data) < 0.7 * loss(before, data)
    for weight in (after[0].weight, after[5].weight):
        assert len(weight.unique()) == 2


@torch.no_grad()
def loss(model: nn.Module, data: list[tuple[Tensor, Tensor]]) -> float:
    model.eval()
    return float(sum(cross_entropy(model(x), y) for x, y in data)) / len(data)


@pytest.mark.parametrize("gradient", ["unrolled", "jfb"])
def test_the_task_gradient_reaches_the_weights_through_the_centroids(gradient: str) -> None:
    layer = nn.Linear(8, 4).double()
    held = palette(layer.weight, temperature=0.3, max_iter=3, tolerance=0.0, gradient=gradient)
    start = held.centroids.clone()
    x, target = normal(5, 8).double(), normal(5, 4, seed=1).double()

    def objective(weight: Tensor) -> Tensor:
        held.centroids = start.clone()
        return ((x @ held(weight).T - target) ** 2).sum()

    weight = layer.weight.detach().requires_grad_()
    if gradient == "unrolled":
        assert torch.autograd.gradcheck(objective, (weight,))
    clustered = Substituted(layer, {"weight": held})
    held.centroids = start.clone()
    ((clustered(x) - layer.bias.detach() - target) ** 2).sum().backward()
    (expected,) = torch.autograd.grad(objective(weight), weight)
    torch.testing.assert_close(layer.weight.grad, expected)


def test_evaluation_snaps_and_training_is_soft() -> None:
    weight = normal(40, 30)
    held = palette(weight)
    assert len(held(weight).unique()) > 100
    held.eval()
    hard = held(weight)
    assert len(hard.unique()) == 4 and torch.equal(hard, hard.half().float())
    table = held.table(torch.float32)[:, 0]
    apart = (weight.reshape(-1, 1) - table).abs()
    assert torch.equal(hard.reshape(-1), table[apart.argmin(1)])


def test_centroids_start_where_the_last_step_left_them() -> None:
    weight = normal(40, 30)
    held = palette(weight, max_iter=1, temperature=0.5, tolerance=0.0)
    before = held.centroids.clone()
    held(weight)
    middle = held.centroids.clone()
    held(weight)
    assert not torch.equal(before, middle) and not torch.equal(middle, held.centroids)
    once = palette(weight, max_iter=2, temperature=0.5, tolerance=0.0)
    once(weight)
    torch.testing.assert_close(once.centroids, held.centroids)


@pytest.mark.parametrize("scale", [1e-4, 0.05, 30.0])
@pytest.mark.parametrize("dim", [1, 2])
def test_the_default_temperature_follows_the_scale_of_the_tensor(scale: float, dim: int) -> None:
    reference, other = palette(normal(40, 30, scale=1.0), dim=dim), palette(normal(40, 30, scale=scale), dim=dim)
    soft = reference(normal(40, 30, scale=1.0))
    torch.testing.assert_close(other(normal(40, 30, scale=scale)), soft * scale, rtol=1e-3, atol=1e-4 * scale)


@pytest.mark.parametrize(("bits", "dim"), [(1, 1), (2, 1), (3, 1), (4, 1), (8, 1), (4, 2), (4, 4)])
def test_the_default_temperature_is_as_soft_for_any_number_of_clusters(bits: int, dim: int) -> None:
    """0.04 squared spacings for four clusters of one dimension are the published 1e-4 for σ = 0.05."""
    weight = normal(200, 100).double()
    assert spacing(weight, bits=2, dim=1) == pytest.approx(0.05, rel=0.02)
    held = palette(weight, bits, dim)
    soft, _ = held(weight), held.eval()
    vectors = ((weight - held.origin) / held.spacing).reshape(-1)[:, None] if dim == 1 else None
    if vectors is not None:
        sharp = float(held.attention.weights(vectors, held.centroids).max(1).values.mean())
        assert 0.93 < sharp < 0.999
    error = float((soft - held(weight)).square().mean().sqrt() / weight.std())
    assert error < 0.30 / 2 ** (bits / dim) * 2, "relative to the spacing, the same everywhere"


def test_an_absolute_temperature() -> None:
    weight = nn.Parameter(normal(40, 30))
    unit = spacing(weight, bits=2, dim=1)
    holder = nn.Module()
    holder.weight = weight
    for distance, power in (("squared", 2), ("euclidean", 1)):
        operation = DKMPalettize(2, temperature=1e-3, temperature_unit="absolute", distance=distance)  # type: ignore[arg-type]
        method = operation.attention(Weight("weight", holder, "weight"))
        assert method.temperature * unit**power == pytest.approx(1e-3)


def test_vectors_run_along_output_channels_and_leftovers_stay_dense() -> None:
    weight = normal(5, 3)
    held = palette(weight, bits=2, dim=4)
    hard = held.eval()(weight)
    flat = hard.T.reshape(-1)
    assert torch.equal(flat[12:], weight.T.reshape(-1)[12:])
    assert len(flat[:12].reshape(3, 4).unique(dim=0)) == 3, "three vectors for four centroids: all are kept"
    np.testing.assert_allclose(hard.numpy(), weight.numpy(), rtol=1e-3)


def test_sixteen_bit_weights_are_clustered_by_their_distinct_values() -> None:
    weight = normal(64, 64).half()
    held, wide = palette(weight), palette(weight.float())
    narrow = weight.clone().requires_grad_()
    full = weight.float().requires_grad_()
    upstream = normal(64, 64, seed=4)
    soft = held(narrow)
    assert soft.dtype == torch.float16
    (soft.float() * upstream).sum().backward()
    (wide(full) * upstream).sum().backward()
    torch.testing.assert_close(held.centroids, wide.centroids, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(narrow.grad.float(), full.grad, rtol=5e-3, atol=5e-3)


@pytest.mark.parametrize("dim", [1, 2])
def test_zeros_keep_a_centroid_of_their_own(dim: int) -> None:
    model = nn.Linear(40, 30)
    pruned = magnitude_prune(model, 0.5)
    if dim == 2:
        with torch.no_grad():
            pruned.weight[:10] = 0
    data = [(torch.randn(16, 40), torch.randint(0, 30, (16,)))]
    child = dkm_palettize(pruned, 3, dim, small=0, epochs=3, data=data)
    zero = (pruned.weight.T.reshape(-1, dim) == 0).all(1)
    assert bool((child.weight.T.reshape(-1, dim)[zero] == 0).all())
    assert len(child.weight.T.reshape(-1, dim).unique(dim=0)) <= 8
    if dim == 1:
        assert scheme.of(child)["weight"].pruned
        free = dkm_palettize(pruned, 1, small=0, keep_zeros=False, data=data)
        assert not scheme.of(free)["weight"].pruned


def test_a_constant_tensor() -> None:
    model = nn.Linear(8, 4)
    nn.init.constant_(model.weight, 0.25)
    child = dkm_palettize(model, 2, small=0, learning_rate=1e-6, data=[(torch.randn(8, 8), torch.zeros(8).long())])
    torch.testing.assert_close(child.weight, model.weight, rtol=1e-3, atol=0)


def test_tied_weights_are_clustered_once_and_stay_tied() -> None:
    model, data = build("tied transformer")
    child = dkm_palettize(model, 2, small=0, data=data)
    assert child.head.weight is child.embed.weight
    assert len(child.embed.weight.unique()) <= 4 and "head.weight" not in scheme.of(child)


@pytest.mark.parametrize("options", [{"gradient": "jfb"}, {"chunk": 7}, {"distance": "euclidean"}, {"dim": 2}])
def test_every_way_of_training_trains(options: dict[str, object]) -> None:
    model, data = build("convolutional")
    slow = dkm_palettize(model, 2, small=0, learning_rate=1e-9, data=data, **options)
    fast = dkm_palettize(model, 2, small=0, epochs=15, learning_rate=0.05, data=data, **options)
    assert loss(fast, data) < loss(slow, data)


def test_only_what_is_targeted() -> None:
    model, data = build("convolutional")
    child = dkm_palettize(model, 1, small=0, targets=["Linear"], data=data)
    assert list(scheme.of(child)) == ["5.weight"] and len(child[0].weight.unique()) > 2


def test_out_of_range() -> None:
    with pytest.raises(InvalidValue, match="bits must be a whole number from 1 to 8"):
        DKMPalettize(9)
