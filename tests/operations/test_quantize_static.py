from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from compress_compare.errors import InvalidValue
from compress_compare.operations import OPERATIONS, magnitude_prune, quantize_static
from compress_compare.schemes import scheme

from .networks import CASES, Residual, TiedTransformer, build


@pytest.fixture(scope="module", autouse=True)
def needed() -> None:
    """Imported by who runs these tests alone: it takes seconds."""
    pytest.importorskip("torchao", reason="torchao is not installed")


def int8(model: nn.Module) -> set[str]:
    return {name for name, tensor in model.state_dict().items() if tensor.dtype == torch.int8}


def test_linear_layer_is_the_arithmetic_of_8_bit_integers() -> None:
    torch.manual_seed(0)
    model = nn.Linear(6, 3)
    batches = [torch.randn(8, 6) for _ in range(4)]
    child = quantize_static(model, data=[(batch, None) for batch in batches])
    codes, scale = child.weight.numpy().astype(np.int64), child.weight_scale.numpy()
    expected_scale = np.abs(model.weight.detach().numpy()).max(axis=1) / 127.5
    np.testing.assert_allclose(scale, expected_scale, rtol=1e-5)
    assert np.abs(codes - np.clip(model.weight.detach().numpy() / scale[:, None], -128, 127)).max() <= 0.5 + 1e-3
    inputs = batches[0]
    found = child(inputs).detach().numpy()
    exact = inputs.numpy() @ (codes * scale[:, None]).T + model.bias.detach().numpy()
    span = max(float(batch.max()) for batch in batches) - min(float(batch.min()) for batch in batches)
    bound = span / 255 * np.abs(codes * scale[:, None]).sum(axis=1)
    assert (np.abs(found - exact) <= bound + 1e-6).all() and (found != exact).any()


@pytest.mark.parametrize("case", CASES)
def test_answers_stay_close(case: str) -> None:
    model, data = build(case)
    child = quantize_static(model.eval(), data=data)
    inputs = data[0][0]
    expected = model(inputs)
    assert float(((child(inputs) - expected).norm() / expected.norm()).detach()) < 0.03
    assert child(inputs[:1]).shape == expected[:1].shape


def test_batch_norm_is_folded_and_ignored_layers_stay() -> None:
    model, data = build("residual")
    child = quantize_static(model, ignore=["head"], data=data)
    assert int8(child) == {"stem.weight", "conv.weight"} == set(scheme.of(child))
    assert torch.equal(child.state_dict()["head.weight"], model.state_dict()["head.weight"])
    assert not any("norm" in name for name in child.state_dict())
    only = quantize_static(model, targets=["Linear"], data=data)
    assert int8(only) == {"head.weight"}


def test_tied_embedding_is_stored_once_and_read_by_both() -> None:
    model, data = build("tied transformer")
    assert isinstance(model, TiedTransformer)
    child = quantize_static(model, data=data)
    tied = [name for name in child.state_dict() if name in ("embed.weight", "head.weight")]
    assert len(tied) == 1 and tied[0] in int8(child)


def test_shared_layer_is_stored_once() -> None:
    model, data = build("shared weights")
    assert len(int8(quantize_static(model, data=data))) == 2


def test_copies_answer_alike_and_modes_do_nothing() -> None:
    model, data = build("residual")
    child = quantize_static(model, data=data)
    inputs = data[0][0]
    assert torch.equal(copy.deepcopy(child).train()(inputs), child.eval()(inputs))


def test_zeros_of_pruning_survive() -> None:
    model, data = build("shared weights")
    pruned = magnitude_prune(model, 0.5)
    child = quantize_static(pruned, data=data)
    assert bool((child.get_parameter("out.weight")[pruned.out.weight == 0] == 0).all())


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name != "calibrate"])
def test_nothing_can_be_done_to_the_result(name: str) -> None:
    model, data = build("one layer")
    child = quantize_static(model, data=data)
    with pytest.raises(InvalidValue, match=name) as caught:
        OPERATIONS[name]()(child, data=data, references=dict.fromkeys(OPERATIONS[name].roles, model))
    assert caught.value.code == "operation.not_applicable"


def test_a_model_that_cannot_be_exported_is_refused() -> None:
    class Branching(Residual):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x) if float(x.sum()) > 0 else super().forward(-x)

    with pytest.raises(InvalidValue, match=r"torch\.export cannot turn the model into a graph"):
        quantize_static(Branching(), data=build("residual")[1])


def test_batches_of_one_are_refused() -> None:
    with pytest.raises(InvalidValue, match="at least two inputs"):
        quantize_static(nn.Linear(2, 2), data=[(torch.zeros(1, 2), None)])


def test_nothing_to_quantize_is_refused() -> None:
    with pytest.raises(InvalidValue, match="no convolution or linear layer"):
        quantize_static(nn.Embedding(4, 4), data=[(torch.tensor([[1, 2], [0, 3]]), None)])


def test_what_torchao_has_no_form_for_is_said() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(2, 4, 1), nn.ConvTranspose2d(4, 4, 2, groups=2), nn.Conv2d(4, 2, 1)).eval()
    said: list[str] = []
    x = torch.randn(2, 2, 4, 4)
    child = quantize_static(model, data=[(x, x)], progress=lambda _, text: said.append(text))
    assert child.state_dict()["0.weight"].dtype == torch.int8
    assert torch.equal(child.state_dict()["1.weight"], model[1].weight)
    assert "left as they are: 1.weight: torchao has no 8-bit form of ConvTranspose2d" in said


def test_convolutions_along_sequences_are_named_unless_relu_follows() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(4, 4, 1), nn.ReLU(), nn.Conv1d(4, 4, 1), nn.Tanh(), nn.Linear(6, 5)).eval()
    said: list[str] = []
    x = torch.randn(2, 4, 6)
    child = quantize_static(model, data=[(x, x)], progress=lambda _, text: said.append(text))
    assert set(scheme.of(child)) == {"0.weight", "4.weight"}
    assert [text for text in said if text.startswith("left as they are: 2.weight: torchao has an 8-bit form of Conv1d")]
    with pytest.raises(InvalidValue, match=r"0.weight: torchao has an 8-bit form of Conv1d only where"):
        quantize_static(nn.Sequential(nn.Conv1d(4, 4, 1), nn.Tanh()), data=[(x, x)])


def test_batch_norms_behind_grouped_transposed_convolutions_are_merged() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 12, 3, padding=1),
        nn.ConvTranspose2d(12, 12, 4, 2, 1, groups=3),
        nn.BatchNorm2d(12),
        nn.ReLU(),
        nn.Conv2d(12, 5, 1),
    )
    images = torch.randn(16, 3, 8, 8)
    model(images)  # statistics that are not those of a new layer
    model.eval()
    child = quantize_static(model, data=[(images, torch.zeros(16))])
    apart = (child(images) - model(images)).norm() / model(images).norm()
    assert 0 < apart < 0.03
    assert isinstance(model[2], nn.BatchNorm2d)


class Twice(nn.Module):
    """A convolution that runs three times between others."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.again, self.last = (nn.Conv2d(4, 4, 3, padding=1) for _ in range(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x).relu()
        for _ in range(3):
            x = self.again(x).relu()
        return self.last(x)


def test_a_convolution_that_runs_more_than_once_stays_in_floating_point() -> None:
    torch.manual_seed(0)
    model, said = Twice().eval(), list[str]()
    images = torch.randn(6, 4, 8, 8)
    child = quantize_static(model, data=[(images, None)], progress=lambda _, text: said.append(text))
    assert int8(child) == {"first.weight", "last.weight"} == set(scheme.of(child))
    assert torch.equal(child.state_dict()["again.weight"], model.again.weight)
    assert "left as they are: again: runs more than once, and so has no one range" in said
    expected = model(images[:2])
    assert float(((child(images[:2]) - expected).norm() / expected.norm()).detach()) < 0.05


class Counted(nn.Module):
    """Asks for sizes in a way that fixes them."""

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.layer, self.dimension = nn.Linear(4, 4), dimension

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        size = int(tokens.shape[self.dimension])
        return self.layer(torch.nn.functional.one_hot(tokens % 4, 4).float()) * size


def test_a_graph_for_one_size_of_batch_is_refused_and_one_length_is_said() -> None:
    data = [(torch.arange(15).reshape(3, 5), None)]
    for model, name in ((Counted(0), "Counted"), (nn.Sequential(nn.Identity(), Counted(0)), "1")):
        with pytest.raises(InvalidValue, match="batches of one size only") as caught:
            quantize_static(model, data=data)
        assert caught.value.detail == f"The first batch has 3, and the module {name!r} fixes it."
    said = list[str]()
    child = quantize_static(Counted(1), data=data, progress=lambda _, text: said.append(text))
    assert int8(child) == {"layer.weight"}
    assert "the graph takes only inputs of size 5 along dimension 1, which the module 'Counted' fixes" in said
    assert child(data[0][0][:1]).shape == (1, 5, 4)


class Shared(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(self.layer(x))


def test_a_model_of_what_runs_twice_is_refused_for_that() -> None:
    with pytest.raises(InvalidValue, match="runs more than once has no one range: layer"):
        quantize_static(Shared(), data=[(torch.randn(4, 8), None)])


class Nested(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 5)

    def forward(self, x: torch.Tensor, extra: dict[str, torch.Tensor]) -> torch.Tensor:
        return self.layer(x + extra["shift"])


def test_inputs_may_be_nested() -> None:
    inputs = {"x": torch.randn(4, 8), "extra": {"shift": torch.randn(4, 8)}}
    child = quantize_static(Nested(), data=[(inputs, None)])
    assert child(torch.ones(3, 8), extra={"shift": torch.ones(3, 8)}).shape == (3, 5)


class Standardized(nn.Conv2d):
    """Computes its weight as it runs, as the convolutions of NFNet do."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        weight = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        return nn.functional.conv2d(x, weight, self.bias)


class Awkward(nn.Module):
    """A table of positions beside its layers, a norm behind a computed weight, one without statistics, a fork."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.pos_embed = nn.Parameter(torch.randn(1, 3, 8, 8))
        self.first, self.norm = Standardized(3, 8, 3), nn.BatchNorm2d(8)
        self.second, self.bare = nn.Conv2d(8, 8, 1), nn.BatchNorm2d(8, track_running_stats=False)
        self.third, self.behind = nn.Conv2d(8, 8, 1), nn.BatchNorm2d(8)
        self.head = nn.Linear(8, 5)
        for norm in (self.norm, self.behind):
            nn.init.uniform_(norm.running_mean)
            nn.init.uniform_(norm.running_var, 0.2, 4.0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.norm(self.first(x + self.pos_embed)))
        x = self.third(torch.relu(self.bare(self.second(x))))
        return self.head((self.behind(x) + x).mean((2, 3)))


def test_layers_beside_what_stays_in_floating_point_are_quantized() -> None:
    model = Awkward().eval()
    data = [(torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(1)), None)]
    lines: list[str] = []
    child = quantize_static(model, data=data, progress=lambda _, text: lines.append(text))
    assert int8(child) == {"second.weight", "third.weight", "head.weight"}
    expected = model(data[0][0])
    assert float(((child(data[0][0]) - expected).norm() / expected.norm()).detach()) < 0.03
    assert any("first.weight" in line and "no 8-bit form" in line for line in lines)
    assert child(data[0][0][:1]).shape == (1, 5)


def test_weights_of_other_than_32_bits_stay_and_are_named() -> None:
    data = [(torch.randn(4, 8), None)]
    with pytest.raises(InvalidValue, match=r"rounds 32-bit weights only.*are float64.*model.float"):
        quantize_static(nn.Linear(8, 8).double(), data=[(torch.randn(4, 8).double(), None)])

    class Wide(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.other = nn.Linear(8, 8), nn.Linear(8, 8).double()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.other(self.one(x).double())

    lines: list[str] = []
    child = quantize_static(Wide(), data=data, progress=lambda _, text: lines.append(text))
    assert int8(child) == {"one.weight"}
    assert "left as they are: other.weight: torchao rounds 32-bit weights only" in lines


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_model_of_16_bits_is_cast_and_runs_on_its_inputs(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    model, said = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4)).to(dtype), list[str]()
    x = torch.randn(6, 8).to(dtype)
    child = quantize_static(model, data=[(x, None)], progress=lambda _, text: said.append(text))
    kind = str(dtype).removeprefix("torch.")
    assert f"cast from {kind} to 32 bits, in which the result computes and answers" in said
    assert int8(child) == {"0.weight", "2.weight"}
    assert model[0].weight.dtype == dtype
    expected = model.float()(x.float())
    assert child(x[:2]).dtype == torch.float32
    assert float(((child(x) - expected).norm() / expected.norm()).detach()) < 0.03


def test_a_decoder_of_16_bits_with_tokens_is_cast() -> None:
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = transformers.LlamaConfig(vocab_size=64, **sizes)
    torch.manual_seed(0)
    model = transformers.LlamaForCausalLM(config).bfloat16().eval()
    tokens = torch.randint(0, 64, (4, 9))
    child = quantize_static(model, data=[({"input_ids": tokens}, tokens)])
    expected = model.float()(input_ids=tokens).logits
    found = child(input_ids=tokens[:2, :6]).logits
    assert found.dtype == torch.float32 and found.shape == (2, 6, 64)
    assert float(((child(input_ids=tokens).logits - expected).norm() / expected.norm()).detach()) < 0.1
