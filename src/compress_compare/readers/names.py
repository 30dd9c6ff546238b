"""Which name of a model stands for which of its base where wrappers or another format gave it another one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from . import gguf_names, meta_names
from .weights import Weights

WRAPPERS = {"module", "_orig_mod", "model", "net", "network", "base_model", "backbone", "transformer", "encoder_model"}
"""Parts that wrappers put before all names."""

INSIDE = {"_orig_mod", "module", "base_layer", "_checkpoint_wrapped_module", "_fsdp_wrapped_module"}
"""Parts that wrappers put anywhere into names."""

SAME = {"block_sparse_moe": "mlp"}
"""Parts of names that became others in a later version of transformers."""

OF_EXPERTS = {"w1": "gate_proj", "w3": "up_proj", "w2": "down_proj"}
"""The same for layers of experts."""

ENOUGH = 0.5
"""Share of the names that a prefix must explain to be one."""


@dataclass(frozen=True)
class Names:
    """Names of a model in terms of its base's.

    Args:
        plain: for names of the model that differ, those of the base.
        rules: for these names of the base, why: ``prefix``, ``gguf`` or ``meta``.
    """

    plain: dict[str, str] = field(default_factory=dict)
    rules: dict[str, str] = field(default_factory=dict)

    def of(self, name: str) -> str:
        """The name in terms of the base."""
        return self.plain.get(name, name)


def lined_up(base: Weights, model: Weights) -> Names:
    """The names of a model that stand for other names of its base.

    Nothing is lined up with two names, and no name of the base is taken that the model has itself.
    """
    ours, theirs = {*model.tensors, *model.tied}, {*base.tensors, *base.tied}
    left = ours - theirs
    free = theirs - ours
    if not left or not free:
        return Names()
    found: dict[str, str] = {}
    is_gguf = "gguf" in model.extra, "gguf" in base.extra
    if is_gguf == (True, False):
        found = gguf_names.counterparts(left, free)
    elif is_gguf == (False, True):
        found = {other: name for name, other in gguf_names.counterparts(free, left).items()}
    rules = dict.fromkeys(found.values(), "gguf")
    if meta_names.is_meta(model) != meta_names.is_meta(base) and not any(is_gguf):
        found = _unwrapped(left, free, key=lambda name: plain_name(meta_names.plain(name)))
        rules = dict.fromkeys(found.values(), meta_names.RULE)
    for step in (_unwrapped, _flattened, _prefixed):
        more = step(left - set(found), free - set(found.values()))
        found |= more
        rules |= dict.fromkeys(more.values(), "prefix")
    return Names(found, rules)


def _unwrapped(
    ours: Iterable[str], theirs: Iterable[str], *, key: Callable[[str], str] | None = None
) -> dict[str, str]:
    """Names that are one without what wrappers add, or that have one key."""
    keys = [_single(((key or plain_name)(name), name) for name in names) for names in (ours, theirs)]
    return {keys[0][key]: keys[1][key] for key in keys[0].keys() & keys[1].keys()}


def _flattened(ours: Iterable[str], theirs: Iterable[str]) -> dict[str, str]:
    """Names that are one when the dots of one side are written as underscores, as Core ML does."""
    keys = [_single((name.replace(".", "_"), name) for name in names) for names in (ours, theirs)]
    both = {keys[0][key]: keys[1][key] for key in keys[0].keys() & keys[1].keys()}
    return {name: other for name, other in both.items() if "." not in name or "." not in other}


def _single(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    listed = list(pairs)
    counts = Counter(key for key, _ in listed)
    return {key: name for key, name in listed if counts[key] == 1}


def plain_name(name: str) -> str:
    """A name without what wrappers add, with the parts that later versions of transformers have."""
    parts = [SAME.get(part, part) for part in name.split(".")[:-1] if part not in INSIDE]
    if "experts" in parts:
        parts = [OF_EXPERTS.get(part, part) for part in parts]
    start = next((at for at, part in enumerate(parts) if part not in WRAPPERS), len(parts))
    return ".".join([*parts[start:], name.rpartition(".")[2]])


def _prefixed(ours: Iterable[str], theirs: Iterable[str]) -> dict[str, str]:
    """Names that are one when the same start is taken from all names of one side, if that explains most of them."""
    sides = sorted(ours), sorted(theirs)
    if not all(sides):
        return {}
    best: tuple[int, str, bool] = (0, "", True)
    for is_model in (True, False):
        longer, shorter = (sides[0], set(sides[1])) if is_model else (sides[1], set(sides[0]))
        votes = Counter(name[: len(name) - len(rest)] for name in longer for rest in _ends(name) if rest in shorter)
        for start, count in votes.most_common(1):
            best = max(best, (count, start, is_model), key=lambda one: one[0])
    count, start, is_model = best
    if count < 2 or count < ENOUGH * min(len(sides[0]), len(sides[1])):
        return {}
    if is_model:
        there = set(sides[1])
        return {name: name[len(start) :] for name in sides[0] if name.startswith(start) and name[len(start) :] in there}
    there = set(sides[1])
    return {name: start + name for name in sides[0] if start + name in there}


def _ends(name: str) -> list[str]:
    """What is left of a name without its first parts, at least one of them gone and two left."""
    parts = name.split(".")
    return [".".join(parts[start:]) for start in range(1, len(parts) - 1)]
