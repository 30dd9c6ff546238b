"""Low-rank adapters: what a checkpoint with them has for weights, worked out from PEFT's formulas number by number."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from compress_compare.comparisons import parts
from compress_compare.readers import adapters
from compress_compare.readers.checkpoint import read
from compress_compare.readers.pair import ModelPair

from . import made

RNG = np.random.default_rng(3)
CONFIG = {"peft_type": "LORA", "r": 2, "lora_alpha": 6, "target_modules": ["q"]}


def normal(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def opened(folder, tensors, config=None, name="model.safetensors"):
    folder.mkdir()
    save_file(tensors, folder / name)
    if config is not None:
        (folder / "adapter_config.json").write_text(json.dumps(config))
    return read("huggingface", {path.name: path for path in folder.iterdir()})


def paired(tmp_path, base, adapter, config=CONFIG):
    tmp_path.mkdir(exist_ok=True)
    first = opened(tmp_path / "base", base)
    return ModelPair.of(first, opened(tmp_path / "m", adapter, config, "adapter_model.safetensors"), buffers=False)


def with_adapter(pair, name):
    return pair.values(pair.matches[name])[1].whole()


BASE = {"model.q.weight": normal(4, 3), "model.up.weight": normal(5, 4), "model.head.weight": normal(2, 5)}
A, B = normal(2, 3), normal(4, 2)
FACTORS = {"base_model.model.model.q.lora_A.weight": A, "base_model.model.model.q.lora_B.weight": B}


@pytest.mark.parametrize(
    ("more", "scaling"),
    [
        ({}, 3),
        ({"use_rslora": True}, 6 / 2**0.5),
        ({"alpha_pattern": {"q": 1}}, 0.5),
        ({"alpha_pattern": {"model.other": 1}}, 3),
    ],
)
def test_an_adapter_alone_is_added_to_the_base(tmp_path, more, scaling):
    pair = paired(tmp_path, BASE, FACTORS, CONFIG | more)
    expected = [
        [
            BASE["model.q.weight"][i, j] + scaling * sum(float(B[i, k]) * float(A[k, j]) for k in range(2))
            for j in range(3)
        ]
        for i in range(4)
    ]
    assert with_adapter(pair, "model.q.weight") == pytest.approx(np.array(expected), rel=1e-5, abs=1e-6)
    assert {name: match.how for name, match in pair.matches.items()} == {
        "model.q.weight": "lora", "model.up.weight": "of the base", "model.head.weight": "of the base",
    }  # fmt: skip
    assert np.array_equal(with_adapter(pair, "model.up.weight"), BASE["model.up.weight"])
    assert sum(each.num_bytes for each in pair.model.tensors.values()) == A.nbytes + B.nbytes
    assert pair.notes() == ["an adapter of 2 tensors, added to the weights of the base"]
    assert parts.missing(pair, []) == "An adapter alone (2 tensors), to be used on top of a model."


def test_modules_that_were_saved_whole_take_the_place_of_the_base_s(tmp_path):
    head = normal(2, 5)
    pair = paired(tmp_path, BASE, FACTORS | {"base_model.model.model.head.weight": head})
    assert np.array_equal(with_adapter(pair, "model.head.weight"), head)
    assert pair.matches["model.head.weight"].how == "name"


def test_layers_that_keep_their_weights_the_other_way_round(tmp_path):
    base = {"h.c_attn.weight": normal(3, 4)}
    factors = {"base_model.model.transformer.h.c_attn.lora_A.weight": A,
               "base_model.model.transformer.h.c_attn.lora_B.weight": B}  # fmt: skip
    pair = paired(tmp_path, base, factors, CONFIG | {"fan_in_fan_out": True})
    assert with_adapter(pair, "h.c_attn.weight") == pytest.approx(base["h.c_attn.weight"] + 3 * (B @ A).T, abs=1e-5)


def test_tables_and_convolutions(tmp_path):
    base = {"emb.weight": normal(7, 4), "conv.weight": normal(4, 3, 3, 3)}
    a, b, c, d = normal(2, 7), normal(4, 2), normal(2, 3, 3, 3), normal(4, 2, 1, 1)
    factors = {"emb.lora_embedding_A": a, "emb.lora_embedding_B": b, "conv.lora_A.weight": c, "conv.lora_B.weight": d}
    pair = paired(tmp_path, base, {f"base_model.model.{name}": one for name, one in factors.items()})
    assert with_adapter(pair, "emb.weight") == pytest.approx(base["emb.weight"] + 3 * (b @ a).T, abs=1e-5)
    delta = np.einsum("or,rikl->oikl", d[:, :, 0, 0], c)
    assert with_adapter(pair, "conv.weight") == pytest.approx(base["conv.weight"] + 3 * delta, abs=1e-5)


def test_magnitudes_scale_each_output_channel(tmp_path):
    length = RNG.uniform(1, 2, 4).astype(np.float32)
    pair = paired(tmp_path, BASE, FACTORS | {"base_model.model.model.q.lora_magnitude_vector": length})
    whole = with_adapter(pair, "model.q.weight")
    plain = BASE["model.q.weight"] + 3 * (B @ A)
    assert np.linalg.norm(whole, axis=1) == pytest.approx(length, rel=1e-5)
    assert whole == pytest.approx(plain * (length / np.linalg.norm(plain, axis=1))[:, None], rel=1e-4)


@pytest.mark.parametrize("config", [None, {}, {"lora_alpha": True}, {"lora_alpha": 1, "peft_type": "LOHA"}])
def test_without_its_scaling_an_adapter_is_not_applied(tmp_path, config):
    pair = paired(tmp_path, BASE, FACTORS, config)
    match = pair.matches["model.q.weight"]
    assert match.how in ("base only", "unread")
    assert not pair.compares(match)
    assert any("adapter" in note for note in pair.notes())


def test_factors_that_do_not_fit_are_said(tmp_path):
    pair = paired(tmp_path, BASE, FACTORS | {"base_model.model.model.q.lora_A.weight": normal(2, 9)})
    assert pair.matches["model.q.weight"].how == "unread"


def test_a_module_with_its_adapters_is_compared_with_them(tmp_path):
    model = {"m.q.base_layer.weight": BASE["model.q.weight"], "m.q.lora_A.default.weight": A,
             "m.q.lora_B.default.weight": B, "m.up.weight": BASE["model.up.weight"]}  # fmt: skip
    weights = opened(tmp_path / "m", model, CONFIG)
    assert list(weights.tensors) == ["m.q.weight", "m.up.weight"]
    expected = BASE["model.q.weight"] + 3 * (B @ A)
    assert weights.tensors["m.q.weight"].values.whole() == pytest.approx(expected, abs=1e-5)
    saved = {
        "m.up.original_module.weight": model.pop("m.up.weight"),
        "m.up.modules_to_save.default.weight": normal(5, 4),
    }
    weights = opened(tmp_path / "s", model | saved, CONFIG)
    assert list(weights.tensors) == ["m.q.weight", "m.up.weight"]
    assert np.array_equal(weights.tensors["m.up.weight"].values.whole(), saved["m.up.modules_to_save.default.weight"])
    assert opened(tmp_path / "n", model).unread == {"LoRA without its adapter_config.json": 1}


def test_a_logged_module_says_how_its_adapters_are_scaled(tmp_path):
    import compress_compare as cc

    torch = pytest.importorskip("torch")

    class Adapted(torch.nn.Module):
        """As PEFT wraps a model."""

        def __init__(self):
            super().__init__()
            self.q = torch.nn.Module()
            self.q.base_layer = torch.nn.Linear(3, 4)
            self.q.lora_A = torch.nn.ModuleDict({name: torch.nn.Linear(3, 2, bias=False) for name in ("one", "two")})
            self.q.lora_B = torch.nn.ModuleDict({name: torch.nn.Linear(2, 4, bias=False) for name in ("one", "two")})
            self.peft_config = {
                "one": type("C", (), {"to_dict": lambda _: CONFIG})(),
                "two": dict(CONFIG, lora_alpha=1),
            }
            self.active_adapters = ["two"]

    net = Adapted()
    with cc.open(tmp_path / "p") as project:
        project.log_model("base", checkpoint={"q.weight": net.q.base_layer.weight, "q.bias": net.q.base_layer.bias})
        project.log_model("m", base="base", operation=cc.Operation("tune"), checkpoint=net)
        found = {
            row["parameter"]: row for row in project.layers("base", ["m"]).table.to_pylist() if row["module"] == "q"
        }
    q = net.q.requires_grad_(False)
    delta = 0.5 * (q.lora_B["two"].weight @ q.lora_A["two"].weight)
    expected = float(delta.norm() / q.base_layer.weight.norm())
    assert found["weight"]["relative_error"] == pytest.approx(expected, rel=1e-5)
    assert (found["weight"]["alignment"], found["bias"]["alignment"]) == ("lora", "prefix")


@pytest.mark.parametrize(
    "left",
    [
        {"base_model.model.model.up.token_adapter.trainable_tokens_delta": normal(1, 4)},
        {"base_model.model.model.up.lora_E": normal(2, 1)},
    ],
)
def test_a_weight_to_which_an_adapter_does_something_unknown_is_not_said_to_be_the_base_s(tmp_path, left):
    pair = paired(tmp_path, BASE, FACTORS | left)
    assert {name: pair.matches[name].how for name in BASE} == {
        "model.q.weight": "lora", "model.up.weight": "unread", "model.head.weight": "of the base",
    }  # fmt: skip
    assert any("an adapter that is not understood" in note for note in pair.notes())


def test_factors_of_all_experts_leave_these_unknown(tmp_path):
    base = BASE | {f"model.experts.{at}.w1.weight": normal(4, 3) for at in range(2)}
    base |= {"model.shared.w1.weight": normal(4, 3)}
    left = {"base_model.model.model.experts.lora_A.weight": A, "base_model.model.model.experts.lora_B.weight": B}
    pair = paired(tmp_path, base, FACTORS | left)
    unread = {name for name, match in pair.matches.items() if match.how == "unread"}
    assert unread == {"model.experts.0.w1.weight", "model.experts.1.w1.weight"}


def test_a_bias_of_an_adapter_leaves_the_weight_known(tmp_path):
    base = BASE | {"model.q.bias": normal(4)}
    pair = paired(tmp_path, base, FACTORS | {"base_model.model.model.q.lora_B.bias": normal(4)})
    assert {name: pair.matches[name].how for name in ("model.q.weight", "model.q.bias")} == {
        "model.q.weight": "lora", "model.q.bias": "unread",
    }  # fmt: skip
    saved = normal(4)
    pair = paired(tmp_path / "saved", base, FACTORS | {"base_model.model.model.q.base_layer.bias": saved})
    assert np.array_equal(with_adapter(pair, "model.q.bias"), saved)


@pytest.mark.parametrize("start", ["pissa_niter_4", "olora", "loftq"])
def test_an_adapter_that_starts_from_other_weights_than_the_base_s_is_not_added_to_these(tmp_path, start):
    pair = paired(tmp_path, BASE, FACTORS, CONFIG | {"init_lora_weights": start})
    assert not any(pair.compares(match) for match in pair.matches.values())
    assert any(start in note for note in pair.notes())
    plain = paired(tmp_path / "plain", BASE, FACTORS, CONFIG | {"init_lora_weights": "gaussian"})
    assert plain.matches["model.q.weight"].how == "lora"


@pytest.mark.parametrize("part", ["ia3_l.default", "fourierft_spectrum.default", "ln_tuning_layers.default.weight"])
def test_weights_under_an_adapter_of_another_kind_have_no_numbers(tmp_path, part):
    model = {"m.q.base_layer.weight": BASE["model.q.weight"], f"m.q.{part}": normal(4)}
    model["m.up.weight"] = BASE["model.up.weight"]
    weights = opened(tmp_path / "m", model)
    assert weights.unread == {"an adapter that is not understood": 1}


def test_an_adapter_of_another_kind_is_named(tmp_path):
    pair = paired(tmp_path, BASE, {"base_model.model.model.q.vera_lambda_b": normal(4)}, {"peft_type": "VERA"})
    assert any("'VERA' are not applied" in note for note in pair.notes())


@pytest.mark.parametrize(
    ("left", "unread"),
    [
        ("tower.up.a.b.lora_E", {"tower.up.weight"}),
        ("tower.up.a.b.c.lora_E", set()),
        ("tower.lora_E", {"tower.up.weight", "tower.q.weight"}),
        ("tower.a.b.lora_E", {"tower.up.weight", "tower.q.weight"}),
        ("tower.a.b.c.lora_E", set()),
        ("tower.up", {"tower.up.weight", "tower.q.weight"}),
        ("tower.up.bias", set()),
        ("tower.up.weight", set()),
    ],
)
def test_a_module_is_looked_for_up_to_three_steps_above_what_is_not_understood(left, unread):
    base = made.weights({"tower.up.weight": normal(2, 2), "tower.q.weight": normal(2, 2), "other.weight": normal(1, 1)})
    found = adapters._not_understood(base.tensors, [f"base_model.model.{left}"])
    assert found.keys() == unread
    assert all(stored.values is None and stored.unread for stored in found.values())
