"""Queries, keys and values that are one tensor, head by head, as GPT-NeoX, BLOOM and Falcon keep them.

Behind the queries that use them stand a head of keys and one of values. That is so only where the configuration names
the architecture; the names of the tensors are also those of models that have all queries first. Sources: transformers,
``modeling_gpt_neox``, ``modeling_bloom``, ``modeling_falcon``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..analysis.layers.values import Array, Values
from .rows import gathered
from .weights import Weights

Heads = tuple[int, int] | tuple[()] | None
"""How many heads of queries and how many of keys; empty where all queries come first; ``None`` if that is not known."""

LAYER = "query_key_value"


def heads(name: str, *, base: Weights, model: Weights) -> Heads:
    """In how many heads the rows of a tensor stand that has queries, keys and values."""
    if LAYER not in name.split("."):
        return ()
    for config in _configs(base, model):
        kind, count = config.get("model_type"), config.get("num_attention_heads", config.get("n_head"))
        if type(count) is not int or count < 1:
            continue
        if kind in ("gpt_neox", "bloom"):
            return count, count
        if kind == "falcon":
            return _of_falcon(config, count)
    return None


def unknown(base: Weights, model: Weights) -> str:
    """Why the heads of a tensor are not known, a sentence without its subject."""
    kinds = [config["model_type"] for config in _configs(base, model) if isinstance(config.get("model_type"), str)]
    if kinds:
        return f"how its rows belong to queries, keys and values is not known for the model type {kinds[0]!a:.60}"
    return "how its rows belong to queries, keys and values stands in config.json, which is not here"


def apart(values: Values, heads: tuple[int, int]) -> Values | None:
    """All queries first, then keys, then values; ``None`` where the rows do not fit the heads."""
    places = by_group(values.shape[0], heads=heads[0], groups=heads[1])
    return None if places is None else gathered(values, np.argsort(places))


def mixed(values: Values, heads: tuple[int, int]) -> Values | None:
    """Head by head what has all queries first; ``None`` where the rows do not fit the heads."""
    places = by_group(values.shape[0], heads=heads[0], groups=heads[1])
    return None if places is None else gathered(values, places)


def by_group(rows: int, *, heads: int | None, groups: int | None) -> Array | None:
    """Where rows of queries, keys and values that stand group by group are in a tensor that has all queries first.

    Args:
        rows: of the tensor.
        heads: of queries.
        groups: heads of keys, as many as of values; each stands behind the queries that use it.
    """
    if not heads or not groups or heads % groups or rows % (heads + 2 * groups):
        return None
    size, each = rows // (heads + 2 * groups), heads // groups
    blocks = [
        block
        for group in range(groups)
        for block in (*range(group * each, (group + 1) * each), heads + group, heads + groups + group)
    ]
    return np.asarray((np.array(blocks)[:, None] * size + np.arange(size)).reshape(-1))


def _configs(base: Weights, model: Weights) -> list[Mapping[str, Any]]:
    found = [one.extra.get("model_config") for one in (model, base)]
    return [config for config in found if isinstance(config, Mapping)]


def _of_falcon(config: Mapping[str, Any], count: int) -> Heads:
    if config.get("new_decoder_architecture") is True:
        groups = config.get("num_kv_heads", count)
        return (count, groups) if type(groups) is int and groups > 0 else None
    return (count, 1) if config.get("multi_query", True) is True else (count, count)
