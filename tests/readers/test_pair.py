"""Which tensor of a model stands for which of its base, whatever tools did to names and orders."""

import numpy as np
import pytest

from compress_compare.analysis.layers.values import Values
from compress_compare.readers.pair import ModelPair
from compress_compare.readers.weights import StoredTensor, Weights

from .made import normal, weights

BASE = {
    "model.layers.0.fc.weight": normal(4, 4),
    "model.layers.1.fc.weight": normal(4, 4),
    "model.head.bias": normal(3),
}


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda name: f"module.{name}",
        lambda name: f"_orig_mod.module.{name}",
        lambda name: name.removeprefix("model."),
        lambda name: f"base_model.{name.replace('.fc.', '.fc.base_layer.')}",
        lambda name: f"student.inner.{name}",
    ],
)
def test_what_a_wrapper_puts_into_names_does_not_matter(wrapped):
    model = {wrapped(name): array for name, array in reversed(BASE.items())}
    pair = ModelPair.of(weights(BASE), weights(model), buffers=False)
    assert {name: match.model for name, match in pair.matches.items()} == {name: wrapped(name) for name in BASE}
    assert {match.how for match in pair.matches.values()} == {"prefix"}
    for match in pair.matches.values():
        assert np.array_equal(*(values.whole() for values in pair.values(match)))
    assert pair.notes() == []


def test_a_name_of_the_base_that_the_model_has_itself_is_not_taken():
    base = {"x.weight": normal(2, 2), "y.weight": normal(2, 2)}
    pair = ModelPair.of(
        weights(base), weights({"x.weight": base["x.weight"], "module.x.weight": normal(2, 2)}), buffers=False
    )
    match = pair.matches["x.weight"]
    assert (match.base, match.model, match.how) == ("x.weight", "x.weight", "name")


def llama(heads, kv):
    head, hidden = 8, 8 * heads
    parts = {
        "q_proj": (hidden, hidden),
        "k_proj": (head * kv, hidden),
        "v_proj": (head * kv, hidden),
        "o_proj": (hidden, hidden),
    }
    return {
        f"model.layers.{layer}.self_attn.{part}.weight": normal(*shape)
        for layer in range(12)
        for part, shape in parts.items()
    }


@pytest.mark.parametrize("said", [False, True])
@pytest.mark.parametrize("turned", [False, True])
def test_queries_and_keys_of_gguf_are_put_in_order(said, turned):
    heads, kv = 4, 2
    base = llama(heads, kv)
    names = {"q_proj": "attn_q", "k_proj": "attn_k", "v_proj": "attn_v", "o_proj": "attn_output"}
    model = {}
    for name, array in sorted(base.items()):  # layer 10 before layer 2
        _, _, layer, _, part, _ = name.split(".")
        count = {"q_proj": heads, "k_proj": kv}.get(part)
        if count:  # as llama.cpp's converter does it, row by row
            rows = []
            for head in range(count):
                first = head * 8
                for at in range(4):
                    rows += [array[first + at], array[first + 4 + at]]
            array = np.array(rows)
        model[f"blk.{layer}.{names[part]}.weight"] = array
    notes = {"llama.attention.head_count": heads, "llama.attention.head_count_kv": kv} if said else {}
    sides = weights(base), weights(model, gguf=notes)
    pair = ModelPair.of(*(sides[::-1] if turned else sides), buffers=False)
    assert len(pair.matches) == 48
    for match in pair.matches.values():
        assert np.array_equal(*(values.whole() for values in pair.values(match))), match
    rules = {match.base.split(".")[-2]: match.how for match in pair.matches.values()}
    assert set(rules.values()) == {"gguf", "gguf rows"}


@pytest.mark.parametrize("turned", [False, True])
def test_names_of_meta_and_the_order_of_its_rows(turned):
    heads, kv = 4, 2
    base = llama(heads, kv)
    ends = {"model.embed_tokens": (9, 32), "model.norm": (32,), "lm_head": (9, 32)}
    base |= {f"{name}.weight": normal(*shape) for name, shape in ends.items()}
    names = {"q_proj": "wq", "k_proj": "wk", "v_proj": "wv", "o_proj": "wo"}
    others = {"model.embed_tokens": "tok_embeddings", "model.norm": "norm", "lm_head": "output"}
    model = {"rope.freqs": normal(4)}
    for name, array in base.items():
        if name.removesuffix(".weight") in others:
            model[f"{others[name.removesuffix('.weight')]}.weight"] = array
            continue
        _, _, layer, _, part, _ = name.split(".")
        count = {"q_proj": heads, "k_proj": kv}.get(part)
        if count:  # the inverse of the permutation in transformers' conversion from Meta's files
            array = array.reshape(count, 2, len(array) // count // 2, -1).swapaxes(1, 2).reshape(array.shape)
        model[f"layers.{layer}.attention.{names[part]}.weight"] = array
    sides = weights(base), weights(model)
    pair = ModelPair.of(*(sides[::-1] if turned else sides), buffers=False)
    assert len(pair.matches) == 51
    for match in pair.matches.values():
        assert np.array_equal(*(values.whole() for values in pair.values(match))), match
    assert {match.how for match in pair.matches.values()} == {"meta", "meta rows"}


def test_a_square_matrix_that_is_transposed_is_seen():
    base = {"up.weight": normal(8, 6), "square.weight": normal(6, 6), "same.weight": normal(6, 6)}
    model = {
        "up.weight": base["up.weight"].T.copy(),
        "square.weight": base["square.weight"].T.copy(),
        "same.weight": base["same.weight"],
    }
    pair = ModelPair.of(weights(base), weights(model), buffers=False)
    rules = {name: match.how for name, match in pair.matches.items()}
    assert rules == {"up.weight": "transposed", "square.weight": "transposed", "same.weight": "name"}
    for match in pair.matches.values():
        assert np.array_equal(*(values.whole() for values in pair.values(match)))


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_codes_without_a_scale_are_never_compared_with_floats(dtype):
    base, model = {"l.weight": normal(4, 4)}, {"l.weight": np.ones((4, 4), dtype)}
    for sides in ((base, model), (model, base)):
        pair = ModelPair.of(*map(weights, sides), buffers=False)
        (match,) = pair.matches.values()
        assert (match.how, match.comparable, pair.values(match)) == ("unread", False, (None, None))
        assert pair.notes()[0] == "0 of 1 tensors, 0% of the weights compared"


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("embeddings.position_ids", np.arange(8)[None]),
        ("h.0.attn.bias", np.tril(np.ones((4, 4), np.float32))[None, None]),
        ("h.0.attn.bias", np.tril(np.ones((4, 4), np.uint8))[None, None]),
        ("minus", np.array(-np.inf, np.float32)),
        ("rotary.inv_freq", normal(4)),
    ],
)
def test_masks_positions_and_constants_are_no_weights(name, array):
    both = {"l.weight": normal(2, 2), name: array}
    assert list(ModelPair.of(weights(both), weights(both), buffers=False).matches) == ["l.weight"]
    assert sorted(ModelPair.of(weights(both), weights(both), buffers=True).matches) == sorted(both)


def test_notes_say_what_is_missing():
    base = {"a.weight": normal(10, 9), "b.weight": normal(5, 2), "c.weight": normal(3, 4)}
    model = {"a.weight": base["a.weight"], "other.weight": normal(3, 4)}
    pair = ModelPair.of(weights(base), weights(model), buffers=False)
    assert pair.matches["c.weight"].is_guess
    assert pair.notes() == ["2 of 3 tensors, 91.1% of the weights compared", "1 pair is a guess by shape"]


def narrow(numbers, dtype):
    return Weights({"l.weight": StoredTensor(dtype, numbers.shape, numbers.size, Values.of(numbers))})


@pytest.mark.parametrize(
    ("codes", "dtype", "how"),
    [
        (lambda numbers: numbers, "F8_E4M3", "name"),
        (lambda numbers: 1.01 * numbers, "F8_E4M3", "name"),
        (lambda numbers: 3 * numbers, "F8_E4M3", "unread"),
        (lambda numbers: numbers / 3, "F8_E5M2", "unread"),
        (lambda numbers: numbers, "I8", "unread"),
        (lambda numbers: numbers, "F16", "name"),
    ],
)
def test_codes_of_a_narrow_format_beside_floats_are_read_only_if_they_are_a_cast(codes, dtype, how):
    numbers = normal(6, 8)
    model = narrow(codes(numbers).astype(np.float32), dtype)
    for base, other in ((weights({"l.weight": numbers}), model), (model, weights({"l.weight": numbers}))):
        assert ModelPair.of(base, other, buffers=False).matches["l.weight"].how == how
    assert ModelPair.of(model, model, buffers=False).matches["l.weight"].how == "name"
