"""The law of all operations: what ran runs, what must be equal is, and what is refused is refused in a sentence."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import prune

from compress_compare import operations
from compress_compare.errors import InvalidValue
from compress_compare.evaluation.kernels import integer_products
from compress_compare.operations import (
    BaseOperation,
    finetune,
    low_rank,
    magnitude_prune,
    merge_batchnorm,
    operation,
    quantize,
    quantize_dynamic,
)
from compress_compare.schemes import scheme

from .test_merge_batchnorm import stirred


@operation
class Spoil(BaseOperation):
    """Do to a model what the test asks for."""

    name = "spoil"
    how: str = ""

    def apply(self, model: nn.Module, context: Any, /) -> nn.Module:
        if self.how == "shape":
            return nn.Sequential(model, nn.Flatten(0))
        if self.how == "nan":
            model.get_submodule("2").register_forward_hook(lambda *_: torch.tensor([float("nan")]).expand(2, 2))
        if self.how == "run":
            return nn.Sequential(model, nn.Linear(5, 5))
        if self.how == "raise":
            model.get_submodule("0").get_parameter("nothing")
        if self.how == "stop":
            context.progress(0.5, "half")
        if self.how == "inner":
            model(torch.zeros(1, 3))
        return model


@operation
class Same(Spoil):
    """Promise the same outputs, and change them."""

    name = "same"
    keeps_outputs = True

    def apply(self, model: nn.Module, context: Any, /) -> nn.Module:
        model.get_parameter("0.weight").data.mul_(1.01 if self.how == "change" else 1 + 1e-6)
        return model


DATA = [(torch.tensor([[1.0, 2.0], [3.0, -1.0]]), torch.tensor([0, 1]))]


def net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 2))


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("shape", "answers in another shape.*the first module whose outputs are others in this is"),
        ("nan", "not finite. The first module whose outputs are others in this is '2'"),
        ("run", "cannot be run"),
        ("raise", "it failed"),
        ("inner", "it failed in the module '0'"),
    ],
)
def test_a_result_that_breaks_the_law_is_refused(how: str, said: str) -> None:
    with pytest.raises(InvalidValue, match=said) as caught:
        Spoil(how=how)(net(), data=DATA)
    assert caught.value.code == "operation.not_applicable" and "\n" not in str(caught.value)


def test_outputs_that_are_promised_equal_are() -> None:
    Same(how="")(net(), data=DATA)
    with pytest.raises(InvalidValue, match="did not stay the same"):
        Same(how="change")(net(), data=DATA)


def test_what_progress_raises_comes_out_as_it_is() -> None:
    def stop(_share: float, text: str) -> None:
        if text == "half":
            raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        Spoil(how="stop")(net(), progress=stop)


def scripted() -> nn.Module:
    return torch.jit.script(net())


def meta() -> nn.Module:
    return net().to("meta")


def sparse() -> nn.Module:
    model = net()
    model[0].weight = nn.Parameter(model[0].weight.detach().relu().to_sparse())
    return model


def packed() -> nn.Module:
    return torch.ao.quantization.quantize_dynamic(net(), {nn.Linear}, dtype=torch.qint8)


def torchao() -> nn.Module:
    quantization = pytest.importorskip("torchao.quantization")
    model = net()
    quantization.quantize_(model, quantization.Int8WeightOnlyConfig())
    return model


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("make", [scripted, meta, sparse, packed, torchao])
@pytest.mark.parametrize("name", ["quantize", "finetune", "low rank", "merge batchnorm", "quantize static"])
def test_models_that_nobody_can_change_are_refused_with_the_way_out(make: Any, name: str) -> None:
    cls = operations.get(name)
    with pytest.raises(InvalidValue) as caught:
        cls()(make(), data=DATA)
    assert caught.value.code == "operation.not_applicable" and caught.value.hint


@pytest.mark.parametrize("name", ["quantize", "finetune", "magnitude prune", "low rank"])
def test_pending_masks_become_zeros(name: str) -> None:
    model = net()
    prune.l1_unstructured(model[0], "weight", amount=0.5)
    model(DATA[0][0]).sum().backward()  # the masked weight is now the result of a computation
    zeros = model[0].weight.detach() == 0
    said: list[str] = []
    child = operations.get(name)(**({"targets": ["2"]} if name == "low rank" else {}))(
        model, data=DATA, progress=lambda _, text: said.append(text)
    )
    assert not child[0].weight[zeros].any() and set(child[0].state_dict()) == {"weight", "bias"}
    assert scheme.of(child)["0.weight"].pruned and any("0.weight" in text for text in said)
    assert set(model[0].state_dict()) == {"weight_orig", "weight_mask", "bias"}


@pytest.mark.filterwarnings("ignore")
def test_weight_norm_can_be_trained_and_is_left_alone_by_rounding() -> None:
    model = net()
    nn.utils.weight_norm(model[0])
    model(DATA[0][0])
    assert not torch.equal(finetune(model, data=DATA)[0].weight_g, model[0].weight_g)
    said: list[str] = []
    child = quantize(model, progress=lambda _, text: said.append(text))
    assert torch.equal(child[0].weight_v, model[0].weight_v) and not torch.equal(child[2].weight, model[2].weight)
    assert any("0.weight_v" in text and "remove_weight_norm" in text for text in said)
    with pytest.raises(InvalidValue, match="remove_weight_norm"):
        quantize(model, targets=["0"])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", ["quantize", "palettize", "gptq quantize", "awq quantize", "low rank", "finetune"])
def test_sixteen_bits_are_worked_on_as_they_are(dtype: torch.dtype, name: str) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 16), nn.Linear(16, 2)).to(dtype)
    child = operations.get(name)()(model, data=[(DATA[0][0].to(dtype), DATA[0][1])])
    assert {value.dtype for value in child.parameters()} == {dtype}
    assert child(DATA[0][0].to(dtype)).isfinite().all()


class Reading(nn.Module):
    """Reads the weight of a layer, its stride and its sizes, instead of calling it."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.fc, self.conv = nn.Linear(16, 12), nn.Conv2d(8, 12, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y = x @ self.fc.weight.t() + self.fc.bias
        image = y.new_ones(1, self.conv.in_channels, 6, 6)
        convolved = nn.functional.conv2d(image, self.conv.weight, self.conv.bias, self.conv.stride, self.conv.padding)
        return y + convolved.mean() * self.fc.out_features


def test_code_that_reads_a_weight_reads_the_product_of_the_two_layers() -> None:
    child = low_rank(Reading(), rank=3)
    for layer, rebuilt in ((child.fc, child.fc.weight), (child.conv, child.conv.weight)):
        down, up = (part.weight.detach().flatten(1) for part in layer)
        torch.testing.assert_close(rebuilt.detach().flatten(1), up @ down)
    assert child.conv.stride == (2, 2) and child.fc.out_features == 12
    x = torch.randn(2, 16)
    torch.testing.assert_close(x @ child.fc.weight.t() + child.fc.bias, child.fc(x))
    assert child(x).shape == (2, 12)


def test_code_that_reads_an_integer_weight_reads_what_it_stands_for() -> None:
    model = Reading()
    child = quantize_dynamic(model)
    stored, scale = child.state_dict()["fc.weight"], child.state_dict()["fc.weight_scale"]
    assert stored.dtype == torch.int8
    torch.testing.assert_close(child.fc.weight, stored * scale[:, None])
    torch.testing.assert_close(child(torch.ones(2, 16)), model(torch.ones(2, 16)), rtol=0.05, atol=0.05)


def test_a_transformer_layer_calls_the_layers_that_were_put_in() -> None:
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    model = nn.TransformerEncoder(layer, 2).eval()
    x = torch.randn(3, 5, 8)
    found = integer_products(quantize_dynamic(model), x)
    assert found is not None and found.value * found.count >= 4  # the two linear layers of both
    assert low_rank(model, rank=2)(x, src_key_padding_mask=torch.zeros(3, 5).bool()).shape == x.shape


class NormAct(nn.BatchNorm2d):
    """A norm that holds an activation, as timm's."""

    def __init__(self, width: int, *, more: float = 0.0) -> None:
        super().__init__(width)
        self.drop, self.act, self.more = nn.Identity(), nn.SiLU(), more

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.drop(super().forward(x))) + self.more


def test_an_activation_inside_a_norm_stays() -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3), stirred(NormAct(4)), nn.Conv2d(4, 4, 1), stirred(nn.BatchNorm2d(4))
    ).eval()
    child = merge_batchnorm(model)
    x = torch.randn(2, 3, 6, 6)
    torch.testing.assert_close(child(x), model(x), rtol=1e-4, atol=1e-5)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in child.modules())


def test_a_norm_that_computes_something_else_is_left_and_named() -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3), stirred(NormAct(4, more=1.0)), nn.Conv2d(4, 4, 1), stirred(nn.BatchNorm2d(4))
    ).eval()
    said: list[str] = []
    child = merge_batchnorm(model, progress=lambda _, text: said.append(text))
    x = torch.randn(2, 3, 6, 6)
    torch.testing.assert_close(child(x), model(x), rtol=1e-4, atol=1e-5)
    assert isinstance(child[1], NormAct) and isinstance(child[3], nn.Identity)
    assert torch.equal(child[0].weight, model[0].weight) and any("1: its outputs would change" in text for text in said)


class Odd(nn.Module):
    """Norms that may not be folded: along the sequence, of a shared weight, of a weight that is read."""

    def __init__(self, *, length: int) -> None:
        super().__init__()
        self.along, self.norm = nn.Linear(4, 4), stirred(nn.BatchNorm1d(length))
        self.one, self.two, self.last = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4)
        self.two.weight = self.one.weight
        self.norm1, self.norm2, self.norm3 = (stirred(nn.BatchNorm1d(4), seed) for seed in range(3))

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.along(x)).mean(1)
        x = self.norm2(self.two(self.norm1(self.one(x))))
        return self.norm3(self.last(x)) + self.last.weight.sum()


def test_norms_that_may_not_be_folded_are_left() -> None:
    model = Odd(length=3).eval()
    with pytest.raises(InvalidValue, match="no batch norm") as caught:
        merge_batchnorm(model)
    assert "shares a weight" in caught.value.detail and "one by one" in caught.value.detail


def test_a_norm_along_a_sequence_as_long_as_it_is_wide_is_found_out_on_data() -> None:
    model = nn.Sequential(nn.Linear(4, 4), stirred(nn.BatchNorm1d(4))).eval()
    with pytest.raises(InvalidValue, match="did not stay the same"):
        merge_batchnorm(model, data=[(torch.randn(2, 4, 4), None)])
    merge_batchnorm(model, data=[(torch.randn(2, 4), None)])


def test_grouped_transposed_convolutions_are_folded() -> None:
    model = nn.Sequential(nn.ConvTranspose2d(4, 6, 3, groups=2), stirred(nn.BatchNorm2d(6))).eval()
    x = torch.randn(2, 4, 5, 5)
    torch.testing.assert_close(merge_batchnorm(model)(x), model(x), rtol=1e-4, atol=1e-5)


def test_layers_that_are_left_are_named_with_the_reason() -> None:
    said: list[str] = []
    low_rank(nn.Sequential(nn.Linear(16, 16), nn.Conv2d(4, 4, 3, groups=2)), progress=lambda _, text: said.append(text))
    assert any("1.weight: is a grouped convolution" in text for text in said)


def test_magnitude_pruning_takes_a_model_that_was_run_in_training() -> None:
    model = nn.Sequential(nn.utils.spectral_norm(nn.Linear(4, 4)), nn.Linear(4, 4))
    model(torch.ones(2, 4)).sum().backward()
    child = magnitude_prune(model, amount=0.5, targets=["1"])
    assert int((child[1].weight == 0).sum()) == 8
