"""Networks side by side: who made the error, and who received it."""

import copy

import numpy as np
import pytest

import compress_compare as cc
from compress_compare.errors import InvalidValue

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from compress_compare.comparisons.layers.hooks import activations  # noqa: E402


def network(inplace=True):
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.ReLU(inplace=inplace), nn.Conv2d(4, 4, 3), nn.ReLU(inplace=inplace), nn.Flatten(),
        nn.Linear(64, 5),
    )  # fmt: skip


def batches():
    return [torch.randn(7, 1, 8, 8, generator=torch.Generator().manual_seed(i)) for i in range(3)]


def db(x, y):
    return 10 * np.log10((x**2).sum() / ((y - x) ** 2).sum())


@pytest.mark.parametrize("inplace", [True, False])
def test_local_and_cumulative_errors(inplace):
    base = network(inplace)
    model = copy.deepcopy(base)
    with torch.no_grad():
        model[2].weight += 0.05 * torch.randn_like(model[2].weight)
    found = activations(base, {"m": model}, data=batches())["m"]
    assert list(found) == ["", "0", "1", "2", "3", "4", "5"]
    rows = {name: activation.columns() for name, activation in found.items()}
    inputs = torch.cat(batches())
    with torch.no_grad():
        before = base[:2](inputs.clone())
        theirs, ours = base[2](before), model[2](before)
        end = base(inputs), model(inputs)
    assert rows["0"]["sqnr_db"] == float("inf")
    expected = db(theirs.double().numpy(), ours.double().numpy())
    assert rows["2"]["sqnr_db"] == pytest.approx(expected, rel=1e-5)
    assert rows["2"]["local_sqnr_db"] == pytest.approx(expected, rel=1e-5)
    assert rows["5"]["sqnr_db"] == pytest.approx(db(*(part.double().numpy() for part in end)), rel=1e-5)
    assert rows["5"]["local_sqnr_db"] == float("inf")
    assert rows[""]["local_sqnr_db"] == pytest.approx(rows[""]["sqnr_db"])
    assert base.training
    assert not base[0]._forward_hooks


def test_other_widths_and_missing_modules():
    base = network()
    narrow = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 5))
    rows = activations(base, {"m": narrow}, data=batches())["m"]
    first = rows["0"].columns()
    assert (first["sqnr_db"], first["local_sqnr_db"]) == (None, None)
    assert 0 < first["cka"] < 1
    assert rows["5"].columns()["sqnr_db"] is not None
    longer = nn.Sequential(*base, nn.Tanh())
    assert activations(base, {"m": longer}, data=batches())["m"]["6"].columns()["sqnr_db"] is None


class Named(nn.Module):
    """Keyword arguments, a module that is called twice, tuples out."""

    def __init__(self):
        super().__init__()
        self.shared = nn.Linear(4, 4)
        self.lstm = nn.LSTM(4, 3, batch_first=True)

    def forward(self, x, *, scale):
        return self.lstm(self.shared(self.shared(x) * scale))


def test_keyword_arguments_and_shared_modules():
    base = Named()
    data = [{"x": torch.randn(2, 5, 4), "scale": 2.0}]
    rows = activations(base, {"m": copy.deepcopy(base)}, data=data)["m"]
    assert rows["shared"].count == 2 * 2 * 5 * 4
    assert rows["lstm"].columns()["local_sqnr_db"] == float("inf")


def test_a_project_tells_who_is_to_blame(tmp_path):
    base = network()
    model = cc.operations.quantize(base, bits=8)
    model[2].weight = cc.operations.quantize(base, bits=2)[2].weight
    with cc.open(tmp_path / "p") as project:
        project.log_model("base", checkpoint=base)
        project.log_model("model", base="base", operation=cc.Operation("quantize"), checkpoint=model)
        pairs = [(inputs, torch.zeros(len(inputs))) for inputs in batches()]
        result = project.layers("base", ["model"], "activations", network=network(), data=pairs)
        by_function = project.layers("base", ["model"], "activations", network=lambda id: network(), data=pairs)
        assert by_function.table == result.table
        columns = {"module", "parameter", "model", "num_parameters", "mean_abs", "relative_error", "sqnr_db", "cosine"}
        assert columns | {"cka", "local_sqnr_db"} <= set(result.table.column_names)
        assert result.suspects.to_pylist()[0]["module"] == "2"
        assert result.table.to_pylist()[0]["num_parameters"] == sum(p.numel() for p in base.parameters())
        for wrong, code in (({}, "layers.sample"), ({"network": nn.Linear(2, 2), "data": pairs}, "layers.network")):
            with pytest.raises(InvalidValue) as caught:
                project.layers("base", ["model"], "activations", **wrong)
            assert caught.value.code == code


def test_what_each_layer_takes_away_when_it_is_put_back():
    base = network()
    model = copy.deepcopy(base)
    with torch.no_grad():
        model[0].weight += 0.02 * torch.randn_like(model[0].weight)
        model[5].weight += 0.3 * torch.randn_like(model[5].weight)
    found = activations(base, {"m": model}, data=batches())["m"]
    inputs = batches()[0]
    with torch.no_grad():
        wanted, before = base(inputs), ((base(inputs) - model(inputs)) ** 2).sum()
        for at in (0, 5):
            layers = [base[place] if place == at else module for place, module in enumerate(model)]
            right = 1 - ((wanted - nn.Sequential(*layers)(inputs)) ** 2).sum() / before
            assert found[str(at)].columns()["repair"] == pytest.approx(float(right), rel=1e-4)
    assert [name for name, one in found.items() if one.repair is not None] == ["0", "5"]
    assert found["5"].repair > found["0"].repair


def test_a_norm_that_was_fitted_again_is_not_to_blame():
    torch.manual_seed(0)
    base = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3)).eval()
    inputs = torch.randn(32, 6)
    model = copy.deepcopy(base)
    with torch.no_grad():
        model[0].weight *= 0.2
        model[0].bias *= 0.2
        model[1].running_var *= 0.04
    found = activations(base, {"m": model}, data=[inputs])["m"]
    assert found["1"].local.relative_error > 1
    assert found["1"].repair is None or found["1"].repair < 0


def test_layers_of_other_widths_are_passed_over():
    base = network()
    narrow = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 5))
    found = activations(base, {"m": narrow}, data=batches())["m"]
    assert [name for name, one in found.items() if one.repair is not None] == ["5"]


class Sentences(nn.Module):
    def __init__(self, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.table, self.layer = nn.Embedding(9, 6), nn.Linear(6, 4)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None) -> torch.Tensor:
        del attention_mask
        return self.layer(self.table(input_ids))


def test_padding_changes_nothing_on_any_device() -> None:
    ids, mask = torch.tensor([[1, 2, 3], [4, 5, 8]]), torch.tensor([[1, 1, 1], [1, 1, 0]])
    padded = [({"input_ids": ids, "attention_mask": mask}, None)]
    plain = [({"input_ids": ids[:1]}, None), ({"input_ids": ids[1:, :2]}, None)]
    base, models = Sentences(0), {"m": Sentences(1)}
    one = activations(base, models, data=padded, device="auto")["m"]["layer"].columns()
    other = activations(base, models, data=plain)["m"]["layer"].columns()
    for name in ("mean_abs", "relative_error", "sqnr_db"):
        assert one[name] == pytest.approx(other[name], rel=1e-5)
