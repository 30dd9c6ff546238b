"""Weights that modules compute: the numbers of a file beside those that PyTorch itself computes."""

import pytest

from compress_compare.readers.checkpoint import read

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
