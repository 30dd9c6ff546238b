"""Models with traits that made an operation fail or refuse without need."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from compress_compare.errors import InvalidValue
from compress_compare.operations import (
    channel_prune,
    finetune,
    gptq_quantize,
    low_rank,
    magnitude_prune,
    merge_batchnorm,
    palettize,
    pfa_prune,
    quantize,
    quantize_dynamic,
)


class Empty(nn.Module):
    """A module some of whose weights have no values: a list of nothing, a layer without inputs or outputs."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer, self.rows = nn.Linear(16, 5), nn.Parameter(torch.zeros(0, 16))
        self.down, self.up = nn.Linear(16, 0, bias=False), nn.Linear(0, 16)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x + self.rows.sum(0) + self.up(self.down(x)))


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_weights_without_values_are_left_alone() -> None:
    model, x = Empty(), torch.randn(8, 16, generator=torch.Generator().manual_seed(1))
    data = [(x, torch.zeros(8).long())]
    for child in (
        quantize(model, 4),
        gptq_quantize(model, 4, data=data),
        palettize(model, 2),
        magnitude_prune(model, 0.5),
        quantize_dynamic(model),
    ):
        assert child(x).shape == (8, 5) and not torch.equal(child(x), model(x))


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_one_layer_that_is_torchscript_is_refused_by_its_name() -> None:
    model = nn.Sequential(nn.Linear(4, 4), torch.jit.script(nn.Linear(4, 2)))
    with pytest.raises(InvalidValue, match="'1' is TorchScript"):
        quantize(model, 4)


def test_batch_norms_of_a_compiled_model_are_merged() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()).eval()
    model[1].running_mean.copy_(torch.randn(4))
    child = merge_batchnorm(torch.compile(model, backend="eager"))
    x = torch.randn(2, 3, 6, 6)
    torch.testing.assert_close(child._orig_mod(x), model(x))
    assert isinstance(child._orig_mod[1], nn.Identity)


class Bags(nn.Module):
    """The rows of one input are those of all samples: the first two of it are no batch."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.bag, self.hidden, self.out = nn.EmbeddingBag(9, 8), nn.Linear(8, 12), nn.Linear(12, 3)

    def forward(self, words: Tensor, starts: Tensor) -> Tensor:
        return self.out(torch.relu(self.hidden(self.bag(words, starts))))


def test_channels_are_pruned_where_two_samples_cannot_be_cut_out_of_a_batch() -> None:
    inputs = (torch.randint(0, 9, (60,)), torch.arange(0, 60, 3))
    data = [(inputs, torch.zeros(20).long())]
    assert channel_prune(Bags(), 0.5, data=data).hidden.out_features == 6
    assert pfa_prune(Bags(), "energy", share=0.5, data=data).hidden.out_features < 12


class Masked(nn.Module):
    """What the fast path of attention makes nested tensors of."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
        self.encoder, self.out = nn.TransformerEncoder(layer, 2), nn.Linear(16, 3)

    def forward(self, x: Tensor, padding: Tensor) -> Tensor:
        return self.out(self.encoder(x, src_key_padding_mask=padding)[:, 0])


def test_responses_behind_a_padding_mask_are_seen() -> None:
    padding = torch.zeros(40, 5, dtype=torch.bool)
    padding[1::2, 3:] = True
    data = [((torch.randn(40, 5, 16), padding), torch.zeros(40).long())]
    child = pfa_prune(Masked(), "energy", share=0.8, data=data)
    assert child.encoder.layers[0].linear1.out_features < 32


class Twice(nn.Linear):
    """Answers with a pair while it is trained."""

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        y = super().forward(x)
        return (y, y) if self.training else y


def test_answers_that_the_loss_does_not_know_are_refused_by_name() -> None:
    with pytest.raises(InvalidValue, match="the loss cannot be computed"):
        finetune(Twice(4, 3), data=[(torch.randn(6, 4), torch.zeros(6).long())])


class OwnLinear(nn.Linear):
    """Computes what a linear layer does, by itself; as Falcon's."""

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.weight.T + self.bias


class Scaled(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return 2 * super().forward(x)


def test_a_subclass_that_computes_what_a_linear_layer_does_is_one() -> None:
    torch.manual_seed(0)
    model, x = nn.Sequential(OwnLinear(16, 16), Scaled(16, 16)), torch.randn(4, 16)
    small, integer = low_rank(model, ratio=0.5), quantize_dynamic(model)
    assert len(small[0]) == 2 and integer[0].weight_scale.shape == (16,)
    assert type(small[1]) is type(integer[1]) is Scaled
    torch.testing.assert_close(integer(x), model(x), rtol=0.1, atol=0.05)


class Untraced(nn.Module):
    """Branches on numbers; one norm follows a layer, another does not, and a layer's output goes two ways."""

    def __init__(self, *, both: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.norm = nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.after, self.both = nn.BatchNorm2d(4), both
        for norm in (self.norm, self.after):
            norm.running_mean.copy_(torch.randn(4))
            norm.running_var.copy_(torch.rand(4) + 0.5)

    def forward(self, x: Tensor) -> Tensor:
        if x.abs().max() > 1e6:
            return x
        y = self.conv(x)
        z = torch.relu(self.norm(y))
        return self.after(z + y if self.both else z)


def test_batch_norms_of_a_model_that_cannot_be_traced_are_found_on_data() -> None:
    model, x = Untraced().eval(), torch.randn(2, 3, 6, 6)
    child = merge_batchnorm(model, data=[(x, torch.zeros(2).long())])
    assert type(child.norm) is nn.Identity and type(child.after) is nn.BatchNorm2d
    torch.testing.assert_close(child(x), model(x), rtol=1e-4, atol=1e-5)
    with pytest.raises(InvalidValue, match="cannot trace"):
        merge_batchnorm(model)


def test_a_norm_whose_input_goes_elsewhere_too_is_refused_after_the_outputs_were_compared() -> None:
    with pytest.raises(InvalidValue, match="did not stay the same"):
        merge_batchnorm(Untraced(both=True).eval(), data=[(torch.randn(2, 3, 6, 6), torch.zeros(2).long())])
