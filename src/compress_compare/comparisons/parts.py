"""Whether a checkpoint is a whole model: a shard of several, an adapter or a model without a part is no smaller one."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..analysis.layers.covered import percent
from ..readers import adapters
from ..readers.pair import ModelPair

SHARD = re.compile(r"-(\d{5})-of-(\d{5})\.")
ADAPTER = re.compile(r"(^|\.)(lora_[AB]|lora_embedding_[AB]|ia3_l|hada_w\d_[ab])(\.|$)")
MUCH = 0.05
"""Share of the base's weights that must be missing to be said."""

IN_PLACE = 0.01
"""Of the missing weights, what the model may have in their place and they still count as missing."""


def missing(pair: ModelPair, files: Sequence[str]) -> str:
    """What is not in a checkpoint of a model, or not read, in a line; empty where it is whole.

    Args:
        pair: the model beside its root.
        files: names of its files.
    """
    found = [_adapter(pair), _shards(files), _absent(pair), *_unread(pair)]
    return " ".join(filter(None, found))


def _adapter(pair: ModelPair) -> str:
    names = list(pair.model.tensors)
    count = pair.model.extra.get(adapters.ADAPTER)
    if count is None and names and all(ADAPTER.search(name) for name in names):
        count = len(names)
    return "" if count is None else f"An adapter alone ({count:,} tensors), to be used on top of a model."


def _shards(files: Sequence[str]) -> str:
    there = [found for name in files if (found := SHARD.search(name))]
    if not there:
        return ""
    total = int(there[0][2])
    have = len({found[1] for found in there})
    return f"{have} of {total} shards: the others are missing." if have < total else ""


def _absent(pair: ModelPair) -> str:
    matches = list(pair.matches.values())
    gone = [match for match in matches if match.how == "base only"]
    count, total = (sum(map(pair.count, some)) for some in (gone, [each for each in matches if each.base is not None]))
    instead = sum(pair.count(match) for match in matches if match.how == "model only")
    if not total or count < MUCH * total or instead > IN_PLACE * count or len(gone) == len(matches):
        return ""
    of = sum(match.base is not None for match in matches)
    return f"{len(gone):,} of {of:,} tensors of its root are missing, {percent(count / total)} of the weights."


def _unread(pair: ModelPair) -> list[str]:
    return [
        f"Packed by {tool}, not readable: {count:,} {'tensor' if count == 1 else 'tensors'}."
        for tool, count in pair.model.unread.items()
    ]
