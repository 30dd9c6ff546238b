"""``project.layers`` on real modules, against what NumPy and torch say."""

import copy
import math
import operator

import numpy as np
import pytest

import compress_compare as cc
from compress_compare.errors import InvalidValue, NotFound, StoreError

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402


@pytest.fixture
def project(tmp_path):
    with cc.open(tmp_path / "project") as opened:
        yield opened


def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU()),
        nn.Sequential(nn.Conv2d(8, 16, 3), nn.BatchNorm2d(16), nn.ReLU()),
        nn.Flatten(),
        nn.Linear(16, 10),
    )


def logged(project, base, **models):
    project.log_model("base", operation=cc.Operation("train"), checkpoint=base)
    for id, model in models.items():
        project.log_model(id, base="base", operation=cc.Operation(id), checkpoint=model)


def by_row(result, model):
    rows = [row for row in result.table.to_pylist() if row["model"] == model]
    return {(row["module"], row["parameter"]): row for row in rows}


def noisy(base, amount):
    model = copy.deepcopy(base)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += amount * torch.randn_like(parameter)
    return model


def test_sparsity(project):
    base = network()
    pruned = cc.operations.magnitude_prune(base, amount=0.5)
    logged(project, base, pruned=pruned, same=base)
    result = project.layers("base", ["pruned", "same"], "sparsity")
    rows = by_row(result, "pruned")
    for name, tensor in pruned.named_parameters():
        old = dict(base.named_parameters())[name]
        row = rows[name.rpartition(".")[0], name.rpartition(".")[2]]
        assert row["num_parameters"] == tensor.numel()
        assert row["num_zeros"] == int((tensor == 0).sum())
        assert row["zero_both"] == int(((tensor == 0) & (old == 0)).sum())
        assert row["zero_model_only"] == int(((tensor == 0) & (old != 0)).sum())
        assert row["zero_base_only"] == int(((tensor != 0) & (old == 0)).sum())
    assert rows["", None]["num_parameters"] == sum(tensor.numel() for tensor in base.parameters())
    assert rows["", None]["num_zeros"] == sum(int((tensor == 0).sum()) for tensor in pruned.parameters())
    assert by_row(result, "same")["", None]["zero_model_only"] == 0
    assert [key for key, _ in zip(rows, "abcd", strict=False)] == [
        ("", None),
        ("0", None),
        ("0.0", None),
        ("0.0", "weight"),
    ]


def test_weights(project):
    base, model = network(), noisy(network(), 0.05)
    logged(project, base, noisy=model)
    rows = by_row(project.layers("base", ["noisy"], "weights"), "noisy")
    old = dict(base.named_parameters())

    def check(row, x, y):
        assert row["mean_abs"] == pytest.approx(np.abs(y).mean())
        assert row["mean_abs_change"] == pytest.approx(np.abs(y - x).mean())
        assert row["relative_error"] == pytest.approx(np.linalg.norm(y - x) / np.linalg.norm(x))
        assert row["sqnr_db"] == pytest.approx(10 * np.log10((x**2).sum() / ((y - x) ** 2).sum()))
        assert row["cosine"] == pytest.approx(x @ y / np.linalg.norm(x) / np.linalg.norm(y))
        assert row["mean"] == pytest.approx(y.mean())
        assert row["standard_deviation"] == pytest.approx(y.std())
        assert (row["min"], row["max"]) == (y.min(), y.max())
        low, high = row["histogram_low"], row["histogram_high"]
        inside = np.histogram(y, bins=64, range=(low, high))[0]
        assert row["histogram"] == [np.count_nonzero(y < low), *inside, np.count_nonzero(y > high)]
        with np.errstate(divide="ignore"):
            ratio = np.abs(y - x) / np.abs(x)
        bands = np.histogram(ratio, bins=[0, 0.2, 0.4, 0.6, 0.8, 1])[0]
        assert row["change_bands"] == [*bands, np.count_nonzero(ratio > 1)]

    for module in ("", "0", "0.0", "1", "1.1", "3"):
        inside = [name for name in old if not module or name.startswith(f"{module}.")]
        x, y = (
            np.concatenate([named[name].detach().double().numpy().ravel() for name in inside])
            for named in (old, dict(model.named_parameters()))
        )
        check(rows[module, None], x, y)
    weight = model[3].weight.detach().numpy()
    row = rows["3", "weight"]
    check(row, old["3.weight"].detach().double().numpy().ravel(), weight.astype(float).ravel())
    values, counts = np.unique(weight, return_counts=True)
    assert row["num_distinct"] == values.size
    assert row["entropy_bits"] == pytest.approx(-(counts / weight.size * np.log2(counts / weight.size)).sum())
    assert (row["histogram_low"], row["histogram_high"]) == (old["3.weight"].min().item(), old["3.weight"].max().item())
    assert row["num_nonfinite"] == 0


@pytest.mark.parametrize("columns", [4, 2000])
def test_norms_of_channels(project, columns):
    """Of tensors that are one of many and of one that is alone, and of the modules that they are in."""
    rng = np.random.default_rng(0)
    base = {"a.one.weight": rng.normal(size=(5, columns)), "a.one.bias": rng.normal(size=5), "a.two.weight": np.eye(3)}
    base = {name: array.astype(np.float32) for name, array in base.items()}
    model = {name: array.copy() for name, array in base.items()}
    model["a.one.weight"][[1, 3]] = 0
    model["a.one.weight"][2] *= 3
    model["a.one.bias"][0] = 0
    model["a.two.weight"][2] = 0
    logged(project, base, model=model)
    found = project.layers("base", ["model", "base"], "weights").table.to_pylist()
    rows = {(row["module"], row["parameter"]): row for row in found if row["model"] == "model"}
    lengths = np.linalg.norm(model["a.one.weight"].astype(float), axis=1)
    for key in (("a.one", "weight"), ("a.one", None)):
        row = rows[key]
        assert (row["num_channels"], row["num_dead_channels"]) == (5, 2)
        assert (row["channel_norm_min"], row["channel_norm_max"]) == (0, pytest.approx(lengths.max()))
        assert (row["channel_norm_change"], row["most_changed_channel"]) == (pytest.approx(2), 2)
    whole = rows["", None]
    assert (whole["num_channels"], whole["num_dead_channels"], whole["most_changed_channel"]) == (8, 3, None)
    bias = rows["a.one", "bias"]
    assert (bias["num_channels"], bias["num_dead_channels"], bias["channel_norm_change"]) == (0, 0, None)
    same = next(row for row in found if row["model"] == "base" and row["parameter"] == "weight")
    assert (same["num_dead_channels"], same["channel_norm_change"]) == (0, 0)


def test_a_tensor_without_counterpart_has_norms_and_no_changes(project):
    logged(project, {"w": np.ones((2, 3), np.float32)}, model={"w": np.ones((4, 3), np.float32)})
    row = project.layers("base", ["model"], "weights").table.to_pylist()[1]
    assert (row["num_channels"], row["num_dead_channels"], row["channel_norm_change"]) == (4, None, None)
    assert (row["channel_norm_min"], row["channel_norm_max"]) == (pytest.approx(3**0.5),) * 2


def test_many_small_tensors_give_what_each_gives_by_itself(project, monkeypatch):
    torch.manual_seed(1)
    base = {f"a.{k}.weight": torch.randn(3, 4) for k in range(30)} | {"a.3.bias": torch.randn(3).bfloat16()}
    model = {name: tensor + 0.1 * torch.randn_like(tensor) for name, tensor in base.items()}
    model["a.1.weight"][0, 0] = float("nan")
    model["a.2.weight"] = torch.zeros(3, 4)
    model["a.4.weight"] = base["a.4.weight"]
    model["a.5.weight"] = model["a.5.weight"][:2]
    model["b.empty"] = torch.zeros(0, 3)
    logged(project, base, model=model)
    for what in ("weights", "sparsity"):
        together = project.layers("base", ["model", "base"], what).table.to_pylist()
        monkeypatch.setattr("compress_compare.comparisons.layers.measure.SMALL", 0)
        alone = project.layers("base", ["base", "model"], what).table.to_pylist()
        monkeypatch.undo()
        key = operator.itemgetter("model", "module")
        for one, other in zip(sorted(together, key=key), sorted(alone, key=key), strict=True):
            assert one.keys() == other.keys()
            for name, value in one.items():
                numbers = isinstance(value, float) or (isinstance(value, list) and value)
                assert value == (pytest.approx(other[name], rel=1e-9, nan_ok=True) if numbers else other[name]), name


def test_storage(project):
    base = network()
    quantized = cc.operations.quantize(base, bits=4)
    logged(project, base, quantized=quantized)
    rows = by_row(project.layers("base", "quantized", "storage"), "quantized")
    row = rows["3", "weight"]
    assert (row["dtype"], row["bits"], row["scheme"], row["group_size"]) == ("float32", 4, "quantized", None)
    assert (row["bytes"], row["file_bytes"]) == (160 * 4 // 8 + 10 * 4, 160 * 4)
    from compress_compare.evaluation.size import packed_size

    assert rows["", None]["bytes"] == packed_size(quantized).value


def test_a_tied_tensor_is_listed_once(project):
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(20, 4)
            self.head = nn.Linear(4, 20, bias=False)
            self.head.weight = self.embedding.weight

    base = Tied()
    untied = copy.deepcopy(base)
    untied.head.weight = nn.Parameter(untied.head.weight.detach() * 2)
    logged(project, base, tied=copy.deepcopy(base), untied=untied)
    result = project.layers("base", ["tied", "untied"], "weights")
    assert by_row(result, "tied")["", None]["num_parameters"] == 80
    assert ("head", "weight") not in by_row(result, "tied")
    assert by_row(result, "untied")["head", "weight"]["relative_error"] == pytest.approx(1)


def test_pruned_channels_are_compared_with_what_was_kept(project):
    from compress_compare.schemes import channels

    base, small = nn.Linear(5, 4), nn.Linear(3, 2)
    with torch.no_grad():
        small.weight.copy_(base.weight[[1, 3]][:, [0, 2, 4]] * 1.1)
    channels.attach(small, {"weight": {0: [1, 3], 1: [0, 2, 4]}})
    logged(project, base, small=small)
    rows = by_row(project.layers("base", ["small"], "weights"), "small")
    assert rows["", "weight"]["alignment"] == "kept"
    assert rows["", "weight"]["relative_error"] == pytest.approx(0.1, rel=1e-5)
    assert (rows["", "bias"]["alignment"], rows["", "bias"]["sqnr_db"]) == ("resized", None)
    assert rows["", "bias"]["mean_abs"] == pytest.approx(small.bias.abs().mean().item())


def test_factors_are_compared_by_their_product(project):
    base = nn.Sequential(nn.Linear(12, 10))
    low = cc.operations.low_rank(base, ratio=0.5)
    logged(project, base, low=low)
    row = by_row(project.layers("base", ["low"], "weights"), "low")["0", "weight"]
    product = (low[0][1].weight @ low[0][0].weight).detach().double()
    old = base[0].weight.detach().double()
    assert row["alignment"] == "product"
    assert row["relative_error"] == pytest.approx(((product - old).norm() / old.norm()).item(), rel=1e-4)


def test_what_has_no_counterpart_is_listed(project):
    logged(project, nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 7)), other=nn.Sequential(nn.Linear(2, 3)))
    for what in ("sparsity", "weights", "storage"):
        row = by_row(project.layers("base", ["other"], what), "other")["1", "weight"]
        assert (row["alignment"], row["num_parameters"], row["counterpart"]) == ("base only", 0, None)
    project.log_model("more", base="base", checkpoint=nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 7), nn.Linear(7, 9)))
    row = by_row(project.layers("base", ["more"], "weights"), "more")["2", "weight"]
    assert (row["alignment"], row["sqnr_db"], sum(row["histogram"])) == ("model only", None, 63)


def test_an_overflow_in_half_precision_is_seen(project):
    base = {"a.w": torch.full((4,), 1e5), "b.w": torch.ones(4)}
    logged(project, base, half={name: tensor.half() for name, tensor in base.items()})
    result = project.layers("base", ["half"], "weights")
    row = by_row(result, "half")["a", "w"]
    assert (row["num_nonfinite"], row["mean_abs_change"], row["sqnr_db"]) == (4, math.inf, -math.inf)
    assert row["change_bands"] == [0, 0, 0, 0, 0, 4]
    assert result.suspects.to_pylist()[0]["module"] == "a"


def test_the_base_may_be_compared_with_itself(project):
    logged(project, network())
    row = by_row(project.layers("base", ["base"], "weights"), "base")["", None]
    assert (row["mean_abs_change"], row["sqnr_db"]) == (0, math.inf)


def test_asking_again_works_nothing_out(project):
    logged(project, network(), other=network())
    first = project.layers("base", ["other"], "weights")
    assert project.layers("base", ["other"], "weights") is first


def test_a_checkpoint_that_changed_on_disk_is_said(project):
    logged(project, network(), other=noisy(network(), 0.1))
    digest = project.model("other").checkpoint.files[0].sha256
    path = project.path / "objects" / digest[:2] / digest
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(StoreError) as caught:
        project.layers("base", ["other"], "sparsity")
    assert caught.value.code == "artifact.hash_mismatch"
    path.unlink()
    with pytest.raises(StoreError) as caught:
        project.layers("base", ["other"], "sparsity")
    assert caught.value.code == "artifact.missing"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("base", ["gone"]), "model.unknown"),
        (("base", ["bare"]), "model.no_checkpoint"),
        (("bare", ["base"]), "model.no_checkpoint"),
        (("base", ["base"], "nope"), "layers.what"),
        (("base", []), "layers.models"),
    ],
)
def test_wrong_questions(project, arguments, code):
    logged(project, network())
    project.log_model("bare", base="base")
    with pytest.raises((InvalidValue, NotFound)) as caught:
        project.layers(*arguments)
    assert caught.value.code == code


def test_tensors_that_no_rule_aligns_are_aligned_by_hand(project):
    base = {"stem.weight": torch.arange(6.0).reshape(2, 3), "fc.kernel": torch.ones(2, 2), "fc.extra": torch.ones(2, 2)}
    other = {"stem.weight": base["stem.weight"], "head.matrix": torch.full((2, 2), 3.0)}
    logged(project, base, other=other)
    assert by_row(project.layers("base", "other"), "other")["fc", "kernel"]["alignment"] == "base only"
    rows = by_row(project.layers("base", "other", alignment={"fc.kernel": "head.matrix"}), "other")
    assert (rows["fc", "kernel"]["alignment"], rows["fc", "kernel"]["counterpart"]) == ("chosen", "head.matrix")
    assert rows["fc", "kernel"]["mean_abs_change"] == 2
    view = project.tensor("base", "other", name="fc.kernel", alignment={"fc.kernel": "head.matrix"})
    assert view.channels["change"].to_pylist() == pytest.approx([8**0.5] * 2)
    for wrong, said in (
        ({"fc.gone": "head.matrix"}, "The base has no tensor 'fc.gone'"),
        ({"fc.kernel": "gone"}, "None of the models has a tensor 'gone'"),
        ({"stem.weight": "head.matrix"}, "2 × 3"),
        ({"fc.kernel": "head.matrix", "fc.extra": "head.matrix"}, "more than one"),
    ):
        with pytest.raises(InvalidValue, match=said):
            project.layers("base", "other", alignment=wrong)
    with pytest.raises(InvalidValue, match="names of modules"):
        project.layers("base", "other", "activations", alignment={"fc.kernel": "head.matrix"})


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"l.bias": [3.0]}, 1 / math.sqrt(25 + 4 + 144)),  # no matrix changed: all weights count
        ({"l.weight": [[3.0, 5.0]]}, 1 / math.sqrt(25)),  # a matrix did: vectors that did not change are left out
        ({"l.weight": [[3.0, 5.0]], "l.bias": [3.0]}, math.sqrt(2 / (25 + 4))),
    ],
)
def test_vectors_that_did_not_change_do_not_hide_a_matrix_that_did(project, changed, error):
    base = {"l.weight": [[3.0, 4.0]], "l.bias": [2.0], "n.weight": [12.0]}
    for id, state in (("base", base), ("m", base | changed)):
        arrays = {name: np.array(values, np.float32) for name, values in state.items()}
        project.log_model(id, base=None if id == "base" else "base", operation=cc.Operation(id), checkpoint=arrays)
    rows = by_row(project.layers("base", ["m"]), "m")
    assert rows["", None]["relative_error"] == pytest.approx(error, rel=1e-6)
