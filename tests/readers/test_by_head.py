"""Queries, keys and values that are one tensor: in how many heads its rows stand, and where each row belongs."""

import numpy as np
import pytest

from compress_compare.analysis.layers.values import Values
from compress_compare.readers import by_head, gguf_names
from compress_compare.readers.weights import Weights

from .made import normal

NAME = "transformer.h.0.self_attention.query_key_value.weight"
NEOX = {"model_type": "gpt_neox", "num_attention_heads": 4}
FALCON = {"model_type": "falcon", "num_attention_heads": 6}


def beside(config):
    return Weights({}, {} if config is None else {"model_config": config})


def of(base=None, model=None, name=NAME):
    return by_head.heads(name, base=beside(base), model=beside(model))


@pytest.mark.parametrize(
    ("config", "heads"),
    [
        (NEOX, (4, 4)),
        ({"model_type": "bloom", "n_head": 8}, (8, 8)),
        ({"model_type": "bloom", "n_head": 1}, (1, 1)),
        ({"model_type": "bloom", "n_head": 8, "num_attention_heads": 2}, (2, 2)),
        (FALCON, (6, 1)),
        (FALCON | {"multi_query": True}, (6, 1)),
        (FALCON | {"multi_query": False}, (6, 6)),
        (FALCON | {"multi_query": 1}, (6, 6)),
        (FALCON | {"new_decoder_architecture": True}, (6, 6)),
        (FALCON | {"new_decoder_architecture": True, "num_kv_heads": 2}, (6, 2)),
        (FALCON | {"new_decoder_architecture": True, "num_kv_heads": 1}, (6, 1)),
        (FALCON | {"new_decoder_architecture": True, "num_kv_heads": 0}, None),
        (FALCON | {"new_decoder_architecture": True, "num_kv_heads": "2"}, None),
        (FALCON | {"new_decoder_architecture": False, "num_kv_heads": 2}, (6, 1)),
        ({"model_type": "gpt_neox"}, None),
        ({"model_type": "gpt_neox", "num_attention_heads": 0}, None),
        ({"model_type": "gpt_neox", "num_attention_heads": True}, None),
        ({"model_type": "llama", "num_attention_heads": 4}, None),
        (["gpt_neox", 4], None),
        (None, None),
    ],
)
def test_the_configuration_says_how_many_heads_there_are(config, heads):
    assert of(config) == heads == of(None, config)


def test_that_of_the_model_comes_before_that_of_the_base():
    assert of(NEOX, FALCON) == (6, 1) and of(FALCON, NEOX) == (4, 4)
    assert of(NEOX, {"model_type": "llama", "num_attention_heads": 3}) == (4, 4)
    assert of(NEOX, {"num_attention_heads": 0}) == (4, 4)


def test_only_a_layer_of_that_name_has_heads():
    assert of(NEOX, name="h.0.attention.dense.weight") == () == of(NEOX, name="h.0.my_query_key_value.weight")


def test_why_heads_are_not_known_is_said():
    said = by_head.unknown(beside({"model_type": "llama"}), beside(None))
    assert said.endswith("is not known for the model type 'llama'")
    assert by_head.unknown(beside({"model_type": 3}), beside(None)).endswith("config.json, which is not here")


@pytest.mark.parametrize(
    ("rows", "heads", "groups", "places"),
    [
        (8, 4, 2, [0, 1, 4, 6, 2, 3, 5, 7]),
        (6, 2, 2, [0, 2, 4, 1, 3, 5]),
        (12, 2, 2, [0, 1, 4, 5, 8, 9, 2, 3, 6, 7, 10, 11]),
        (5, 3, 1, [0, 1, 2, 3, 4]),
        (8, 4, 3, None),
        (9, 4, 2, None),
        (8, 0, 2, None),
        (8, 4, None, None),
    ],
)
def test_behind_the_queries_of_a_group_stand_its_key_and_its_value(rows, heads, groups, places):
    found = by_head.by_group(rows, heads=heads, groups=groups)
    assert (None if found is None else found.tolist()) == places


def test_rows_taken_apart_and_mixed_again_are_the_same():
    whole = normal(16, 3)
    one_by_one = [whole[2 * at : 2 * at + 2] for at in (0, 1, 4, 5, 2, 6, 3, 7)]  # q q q q k k v v of two groups
    found = by_head.apart(Values.of(whole), (4, 2))
    assert np.array_equal(found.whole(), np.concatenate(one_by_one))
    assert np.array_equal(by_head.mixed(found, (4, 2)).whole(), whole)
    assert by_head.apart(Values.of(whole), (4, 3)) is None and by_head.mixed(Values.of(whole), (5, 1)) is None


@pytest.mark.parametrize(
    ("rows", "said", "heads"),
    [
        (12, None, [1, 2, 3, 6]),
        (12, 3, [3]),
        (12, 6, [6]),
        (12, 2, [2]),
        (12, 4, [1, 2, 3, 6]),
        (12, 5, [1, 2, 3, 6]),
        (8, 4, [4]),
        (2, None, [1]),
        (7, None, []),
    ],
)
def test_each_head_has_an_even_number_of_rows(rows, said, heads):
    assert gguf_names.possible_heads(rows, said) == heads


@pytest.mark.parametrize(
    ("notes", "queries", "keys"),
    [
        ({"x.attention.head_count": 8, "x.attention.head_count_kv": 2}, 8, 2),
        ({"x.attention.head_count": 8}, 8, 8),
        ({"x.attention.head_count_kv": 2}, None, 2),
        ({"x.attention.head_count": 0, "x.attention.head_count_kv": 0}, None, None),
        ({"x.attention.head_count": 1}, 1, 1),
        ({"x.attention.head_count": "8"}, None, None),
        ({}, None, None),
        (None, None, None),
    ],
)
def test_a_file_says_how_many_heads_its_queries_and_keys_have(notes, queries, keys):
    one = Weights({}, {"gguf": notes})
    assert (gguf_names.heads(one, "q"), gguf_names.heads(one, "k")) == (queries, keys)


@pytest.mark.parametrize("shape", [(16, 5), (16,)])
@pytest.mark.parametrize("heads", [1, 2, 4])
def test_rows_that_llama_cpp_interleaves_are_put_back(shape, heads):
    plain = normal(*shape)
    turned = plain.reshape(heads, 2, 16 // heads // 2, *shape[1:]).swapaxes(1, 2).reshape(shape)  # as its `permute`
    found = gguf_names.unrotated(Values.of(np.ascontiguousarray(turned)), heads)
    assert np.array_equal(found.whole(), plain)
    assert np.array_equal(found.numbers(3, 11), plain.reshape(-1)[3:11])
