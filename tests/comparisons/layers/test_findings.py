"""Who is to blame, on networks and tensors to which one thing was done."""

import copy

import numpy as np
import pytest

import compress_compare as cc

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402


@pytest.fixture
def project(tmp_path):
    with cc.open(tmp_path / "project") as opened:
        yield opened


def logged(project, base, **models):
    project.log_model("base", operation=cc.Operation("train"), checkpoint=base)
    for id, model in models.items():
        project.log_model(id, base="base", operation=cc.Operation(id), checkpoint=model)


def test_norms_that_lost_scales_are_the_first_suspects(project):
    torch.manual_seed(0)
    base = nn.TransformerEncoder(nn.TransformerEncoderLayer(32, 4, 64, batch_first=True), 3, enable_nested_tensor=False)
    with torch.no_grad():
        for name, parameter in base.named_parameters():
            if "norm" in name and name.endswith("weight"):
                parameter += 0.3 * torch.randn_like(parameter)
    pruned = copy.deepcopy(base)
    with torch.no_grad():
        for parameter in pruned.parameters():
            parameter[parameter.abs() <= parameter.abs().flatten().quantile(0.3)] = 0
    logged(project, base, pruned=pruned)
    for what in ("weights", "sparsity"):
        suspects = project.layers("base", ["pruned"], what).suspects
        assert suspects.column_names == ["module", "model", "score", "reason"]
        first = suspects.to_pylist()[:6]
        assert all("norm" in suspect["module"] for suspect in first)
        assert "norm scales: 10 of 32 values became zero" in first[0]["reason"]


def test_the_layer_that_was_quantized_too_far_is_the_first_suspect(project):
    from compress_compare.operations import quantize

    torch.manual_seed(0)
    base = nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU()),
        nn.Sequential(nn.Conv2d(8, 16, 3), nn.BatchNorm2d(16), nn.ReLU()),
        nn.Flatten(),
        nn.Linear(16, 10),
    )
    model = quantize(base, bits=8)
    harsh = quantize(base, bits=2)
    model[1][0].weight = harsh[1][0].weight
    logged(project, base, model=model)
    suspects = project.layers("base", ["model"], "weights").suspects.to_pylist()
    assert suspects[0]["module"] == "1.0"
    assert "× this model's typical layer" in suspects[0]["reason"]


def layers_of_weights():
    rng = np.random.default_rng(0)
    return {f"{name}.weight": rng.normal(size=(64, 200)).astype(np.float32) for name in ("a", "b", "c", "d")}


def rounded(weight, scale, bits=4):
    top = 2 ** (bits - 1) - 1
    return (np.clip(np.round(weight / scale), -top, top) * scale).astype(np.float32)


def reasons(project, module):
    suspects = project.layers("base", ["model"], "weights").suspects.to_pylist()
    return next((suspect["reason"] for suspect in suspects if suspect["module"] == module), "")


@pytest.mark.parametrize("bits", [4, 8])
def test_a_weight_that_stretches_the_range_of_the_quantization_is_named(project, bits):
    base = layers_of_weights()
    base["b.weight"][3, 5] = 60.0 if bits == 4 else 400.0
    model = {name: rounded(weight, np.abs(weight).max() / (2 ** (bits - 1) - 1), bits) for name, weight in base.items()}
    logged(project, base, model=model)
    rest = np.delete(base["b.weight"].astype(float).ravel(), 3 * 200 + 5)
    ratio = base["b.weight"].max() / np.sqrt((rest**2).mean())
    zeros = np.mean(model["b.weight"] == 0)
    assert f"one value is {ratio:,.3g}× the root mean square of the others" in reasons(project, "b")
    assert reasons(project, "b").endswith(f"{zeros:.1%} of the values became zero")
    assert not any("root mean square" in reasons(project, name) for name in ("a", "c", "d"))


def test_weights_that_the_scale_cannot_reach_are_named(project):
    """One scale is so small that a tenth of the codes are at the ends."""
    base = layers_of_weights()
    model = {name: rounded(weight, np.abs(weight).max() / 7) for name, weight in base.items()}
    scale = np.quantile(np.abs(base["c.weight"]), 0.9) / 6.5
    model["c.weight"] = rounded(base["c.weight"], scale)
    assert np.mean(np.abs(model["c.weight"]) >= 6.9 * scale) == pytest.approx(0.1, abs=0.001)
    logged(project, base, model=model)
    share = np.mean(np.abs(base["c.weight"]) > 7.5 * scale)
    assert f"weights: {share:.1%} of the base's values are outside the range" in reasons(project, "c")
    assert not any("beyond" in reasons(project, name) for name in ("a", "b", "d"))


@pytest.mark.parametrize("group", [None, 32])
def test_scales_of_channels_and_groups_that_are_too_small(project, group):
    from compress_compare.operations import quantize
    from compress_compare.schemes import scheme

    torch.manual_seed(0)
    base = nn.Sequential(*(nn.Linear(64, 64) for _ in range(4)))
    model = quantize(base, bits=4, **({} if group is None else {"strategy": "group", "group_size": group}))
    assert scheme.of(model)["2.weight"].kind == "quantized"
    with torch.no_grad():
        sets = base[2].weight.reshape(-1, group or 64)
        scales = 0.4 * sets.abs().amax(1, keepdim=True) / 7
        model[2].weight.copy_(((sets / scales).round().clamp(-7, 7) * scales).reshape(64, 64))
    logged(project, base, model=model)
    assert "of the base's values are outside the range" in reasons(project, "2")
    assert not any("beyond" in reasons(project, name) for name in "013")


def test_pruning_palettes_and_tuning_are_no_grids(project):
    from compress_compare.operations import palettize

    torch.manual_seed(0)
    base = nn.Sequential(nn.Linear(64, 64), nn.Linear(64, 64))
    with torch.no_grad():
        base[0].weight[0, 0] = 30
    pruned, tuned = cc.operations.magnitude_prune(base, amount=0.97), copy.deepcopy(base)
    with torch.no_grad():
        for parameter in tuned.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    logged(project, base, pruned=pruned, palette=palettize(base, bits=3), tuned=tuned)
    suspects = project.layers("base", ["pruned", "palette", "tuned"], "weights").suspects.to_pylist()
    assert not any("root mean square" in row["reason"] or "beyond" in row["reason"] for row in suspects)
