from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from compress_compare.errors import InvalidValue
from compress_compare.operations import magnitude_prune
from compress_compare.operations.targets import select

from .networks import Residual, Shared, TiedTransformer


def names(model: nn.Module, *targets: str, ignore: tuple[str, ...] = ()) -> list[str]:
    return [weight.name for weight in select("try", model, targets=targets, ignore=ignore)]


def test_default_is_weights_of_two_dimensions_outside_norms() -> None:
    assert names(Residual()) == ["stem.weight", "conv.weight", "head.weight"]
    assert names(TiedTransformer())[0] == "embed.weight"
    assert names(nn.Sequential(nn.LayerNorm((2, 3)), nn.Linear(3, 2))) == ["1.weight"]
    assert names(Shared()) == ["first.weight", "out.weight"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("Conv2d", ["stem.weight", "conv.weight"]),
        ("conv", ["conv.weight"]),
        ("head.bias", ["head.bias"]),
        ("BatchNorm2d", ["norm.weight"]),
        ("norm", ["norm.weight"]),
        ("re:.*e.*", ["stem.weight", "head.weight"]),
        (r"re:.*\.bias", ["stem.bias", "norm.bias", "head.bias"]),
        (r"re:.*\.weight", ["stem.weight", "conv.weight", "norm.weight", "head.weight"]),
        ("Residual", ["stem.weight", "conv.weight", "head.weight"]),
    ],
)
def test_patterns(pattern: str, expected: list[str]) -> None:
    assert names(Residual(), pattern) == expected


def test_regular_expressions_match_the_whole_path() -> None:
    with pytest.raises(InvalidValue, match="matches no module"):
        names(Residual(), "re:con")


def test_ignore() -> None:
    assert names(Residual(), ignore=("Linear", "stem")) == ["conv.weight"]
    assert names(Residual(), "Conv2d", ignore=("re:s.*",)) == ["conv.weight"]


def test_tied_weights_are_one_under_either_name() -> None:
    assert names(TiedTransformer(), "head") == names(TiedTransformer(), "embed") == ["embed.weight"]
    assert "embed.weight" not in names(TiedTransformer(), ignore=("head",))
    assert names(Shared(), "second") == ["first.weight"]


def test_nothing_left_says_so() -> None:
    with pytest.raises(InvalidValue, match="no weight is left") as caught:
        names(Residual(), "Conv2d", ignore=("Conv2d",))
    assert caught.value.code == "targets.empty"


def test_a_broken_expression_says_so() -> None:
    with pytest.raises(InvalidValue, match="is not a regular expression") as caught:
        names(Residual(), "re:(")
    assert caught.value.code == "targets.pattern"


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_weights_computed_from_others_are_refused_by_name() -> None:
    normed = nn.Sequential(parametrizations.weight_norm(nn.Linear(3, 3)))
    with pytest.raises(InvalidValue, match=r"'0\.parametrizations\.weight\.original0' is computed from others"):
        magnitude_prune(normed)
    for wrap, advice in (
        (nn.utils.weight_norm, "remove_weight_norm"),
        (nn.utils.spectral_norm, "remove_spectral_norm"),
    ):
        with pytest.raises(InvalidValue, match=advice):
            magnitude_prune(nn.Sequential(wrap(nn.Linear(3, 3))))


def test_output_channels_of_transposed_layers() -> None:
    class Conv1D(nn.Module):
        """As in GPT-2: the weight is [in, out]."""

        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(2, 3))

    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ConvTranspose1d(2, 3, 2), Conv1D())
    assert [weight.channel_axis for weight in select("try", model)] == [0, 1, 1]
