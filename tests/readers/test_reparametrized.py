"""Weights that modules compute: the numbers of a file beside those that PyTorch itself computes."""

import numpy as np
import pytest

from compress_compare.readers.checkpoint import read
from compress_compare.readers.layouts import unpacked

from .made import weights

torch = pytest.importorskip("torch")
safetensors = pytest.importorskip("safetensors.torch")


class Masked(torch.nn.Module):
    """A parametrization that keeps some weights."""

    def __init__(self, mask):
        super().__init__()
        self.register_buffer("mask", mask)

    def forward(self, weight):
        return weight * self.mask


class Shifted(torch.nn.Module):
    """A parametrization of a kind that is not known."""

    def __init__(self):
        super().__init__()
        self.register_buffer("shift", torch.ones(3))

    def forward(self, weight):
        return weight + self.shift.sum()


def layer():
    torch.manual_seed(3)
    return torch.nn.Linear(6, 4, bias=False)


def opened(tmp_path, module):
    path = tmp_path / "m.safetensors"
    safetensors.save_file({f"l.{name}": tensor for name, tensor in module.state_dict().items()}, path)
    return read("safetensors", {path.name: path})


def parametrized(module, *others):
    for other in others:
        torch.nn.utils.parametrize.register_parametrization(module, "weight", other)
    return module


def mask(seed):
    return (torch.rand(4, 6, generator=torch.Generator().manual_seed(seed)) < 0.6).float()


@pytest.mark.filterwarnings("ignore:.torch.nn.utils.weight_norm:FutureWarning")
@pytest.mark.parametrize("dim", [0, 1, None])
@pytest.mark.parametrize("old", [True, False])
def test_weight_norm_of_any_dimension(tmp_path, dim, old):
    kinds = torch.nn.utils if old else torch.nn.utils.parametrizations
    made = kinds.weight_norm(layer(), dim=dim)
    with torch.no_grad():
        length = made.weight_g if old else made.parametrizations.weight.original0
        length.mul_(1.5)
    made(torch.zeros(1, 6))
    (found,) = opened(tmp_path, made).tensors.values()
    assert found.values.whole() == pytest.approx(made.weight.detach().numpy(), rel=1e-6)


@pytest.mark.parametrize(
    "make",
    [
        lambda: parametrized(layer(), Masked(mask(1)), Masked(mask(2)), Masked(mask(3))),
        lambda: parametrized(torch.nn.utils.parametrizations.weight_norm(layer()), Masked(mask(1))),
        lambda: parametrized(torch.nn.utils.parametrizations.spectral_norm(layer()).eval(), Masked(mask(1))),
    ],
)
def test_masks_upon_other_parametrizations(tmp_path, make):
    made = make().eval()
    (found,) = opened(tmp_path, made).tensors.values()
    assert found.values.whole() == pytest.approx(made.weight.detach().numpy(), rel=1e-5)
    assert found.num_bytes == sum(tensor.nbytes for name, tensor in made.state_dict().items() if "._" not in name) + (
        4 * 4 + 6 * 4 if any("._u" in name for name in made.state_dict()) else 0
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda: parametrized(layer(), Masked(mask(1)), Shifted()),
        lambda: parametrized(torch.nn.utils.parametrizations.weight_norm(layer()), Shifted()),
        lambda: torch.nn.utils.parametrizations.spectral_norm(parametrized(layer(), Masked(mask(1)))),
    ],
)
def test_what_is_not_known_upon_what_is_known_leaves_no_numbers(tmp_path, make):
    found = opened(tmp_path, make())
    assert list(found.tensors) == ["l.weight"] or list(found.tensors) == [
        "l.weight",
        "l.parametrizations.weight.0.mask",
    ]
    assert found.tensors["l.weight"].values is None
    assert found.unread == {"a parametrization": 1}


def test_lengths_and_directions_elsewhere_are_weights_of_their_own():
    tensors = {"l.original0": np.ones((3, 1), np.float32), "l.original1": np.ones((3, 2), np.float32)}
    deeper = {f"l.parametrizations.weight.more.{name[2:]}": array for name, array in tensors.items()}
    for given in (tensors, deeper):
        found = unpacked(weights(given))
        assert found.tensors.keys() == given.keys()
        assert not any(stored.rule for stored in found.tensors.values())


def test_a_weight_of_a_direction_of_length_five():
    """(3, 4) is of length 5 and the second row of length 2; each becomes as long as its g."""
    tensors = {"v": np.array([[3, 4], [0, -2]], np.float32), "g": np.array([[10], [1]], np.float32)}
    named = {"v": "l.parametrizations.weight.original1", "g": "l.parametrizations.weight.original0"}
    for names in ({"v": "l.weight_v", "g": "l.weight_g"}, named):
        found = unpacked(weights({names[part]: array for part, array in tensors.items()})).tensors
        assert list(found) == ["l.weight"]
        assert found["l.weight"].values.whole().tolist() == [[6, 8], [0, -1]]
        assert (found["l.weight"].rule, found["l.weight"].num_bytes) == ("weight norm", 24)


@pytest.mark.parametrize("wrong", [{"g": np.ones((2,))}, {"g": np.ones((2, 2, 1))}, {"g": np.ones((3, 1))}])
def test_lengths_of_another_shape_are_not_applied(wrong):
    tensors = {"l.weight_v": np.ones((2, 2), np.float32), "l.weight_g": wrong["g"].astype(np.float32)}
    assert unpacked(weights(tensors)).tensors.keys() == tensors.keys()


def test_spectral_norm_divides_by_its_singular_value():
    matrix = np.array([[3, 0], [0, 1], [0, 0]], np.float32)
    u, v = np.array([1, 0, 0], np.float32), np.array([1, 0], np.float32)
    tensors = {"l.weight_orig": matrix, "l.weight_u": u, "l.weight_v": v}
    found = unpacked(weights(tensors)).tensors
    assert found["l.weight"].values.whole() == pytest.approx(matrix / 3)
    assert found["l.weight"].num_bytes == 4 * (6 + 3 + 2)
    for wrong in ({"l.weight_u": u[:2]}, {"l.weight_u": u.reshape(3, 1)}, {"l.weight_v": v.reshape(1, 2)}):
        assert unpacked(weights(tensors | wrong)).tensors["l.weight"].values is None
