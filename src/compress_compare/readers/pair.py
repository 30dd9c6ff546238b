"""A model's checkpoint beside its base's, tensor by tensor."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from ..analysis.layers import align
from ..analysis.layers.align import Match
from ..analysis.layers.covered import Covered, Part
from ..analysis.layers.values import Values
from . import fused, gguf_conversion, gguf_names, kinds, meta_names, orientation
from .adapters import ADAPTER, applied
from .assembled import SAID, assembled, shaped
from .fused import Fold
from .migrated import migrated
from .names import Names, lined_up
from .weights import StoredTensor, Weights


@dataclass(frozen=True, eq=False)
class ModelPair:
    """A model beside its base.

    Args:
        base: its tensors.
        model: its tensors.
        matches: by the name under which a pair of tensors is listed, in order.
        folds: by layer of the model, the norm of the base that is part of it.
        heads: by name of the pair, in how many heads the rows of a GGUF file or of Meta's are to be put back in order.
    """

    base: Weights
    model: Weights
    matches: Mapping[str, Match]
    folds: Mapping[str, Fold] = field(default_factory=dict)
    heads: Mapping[str, int] = field(default_factory=dict)

    @staticmethod
    def of(base: Weights, model: Weights, *, buffers: bool, chosen: Mapping[str, str] | None = None) -> ModelPair:
        """Align two checkpoints; a tied tensor is listed once, what is no weight only if asked for.

        Args:
            base: its tensors.
            model: its tensors.
            buffers: whether tensors that are no weights are listed: counters, masks, running statistics.
            chosen: for names of the base, those of the model that are compared with them.

        Raises:
            InvalidValue: ``layers.alignment``.
        """
        base, model = gguf_conversion.undone(base, model)
        model = migrated(base, assembled(base, applied(base, shaped(base, model))))
        names = lined_up(base, model)
        plain = replace(model, tensors={names.of(name): stored for name, stored in model.tensors.items()})
        plain = replace(plain, extra=_renamed(model, names))
        shapes = _shapes(base, buffers=buffers), _shapes(plain, buffers=buffers)
        folds = fused.find(base, plain)
        picked = {first: names.of(second) for first, second in (chosen or {}).items()}
        matches = fused.align(*shapes, kept=_kept(base, plain), folds=folds, chosen=picked)
        listed = [match for match in matches if not _is_alias(match, base, plain)]
        listed = [_ruled(match, base, plain, names=names) for match in listed]
        listed = _oriented(listed, base, plain)
        back = {plain_name: name for name, plain_name in names.plain.items()}
        heads = _heads(listed, base, plain, interleaved=(_is_interleaved(base), _is_interleaved(model)))
        listed = [replace(match, how=ROWS[match.how]) if match.name in heads else match for match in listed]
        listed = [_in_model(match, back) for match in listed]
        own = {
            back.get(f"{layer}.weight", f"{layer}.weight").removesuffix(".weight"): fold
            for layer, fold in folds.items()
        }
        found = ModelPair(base, model, {match.name: match for match in listed}, own, heads)
        found.forget()  # a few rows of each tensor were looked at, and whole pages came with them
        return found

    def base_tensor(self, match: Match) -> StoredTensor | None:
        """The base's tensor."""
        return None if match.base is None else _find(self.base, match.base)

    def model_tensors(self, match: Match) -> dict[str, StoredTensor]:
        """The model's tensors by name: none, one, or the two factors of a product."""
        names = [name for name in (match.model, match.second) if name is not None]
        return {name: _find(self.model, name) for name in names}

    def compares(self, match: Match) -> bool:
        """Whether each number of the model's tensor is compared with one of the base."""
        base = self.base_tensor(match)
        is_base = match.how == "fused" or (base is not None and base.values is not None)
        return match.comparable and is_base and all(part.values for part in self.model_tensors(match).values())

    def count(self, match: Match) -> int:
        """How many weights a tensor stands for: as the model has them, else as the base has."""
        base, parts = self.base_tensor(match), list(self.model_tensors(match).values())
        if match.how in ("base only", "product", "unread") and base is not None and not base.unread:
            return math.prod(base.shape)
        return sum(math.prod(part.shape) for part in parts) if parts else 0

    def notes(self) -> list[str]:
        """What a comparison of the two is not about, a sentence each; empty where all weights are compared."""
        weights = [match for match in self.matches.values() if self._is_weight(match)]
        parts = [Part(self.count(match), self.compares(match)) for match in weights]
        whole = Covered.of(parts)
        said = [] if whole.is_whole else [f"{whole} compared"]
        for side, one in (("", self.model), (" in the base", self.base)):
            said += [
                f"packed by {tool}, not readable{side}: {count:,} {'tensor' if count == 1 else 'tensors'}"
                for tool, count in one.unread.items()
            ]
        if ADAPTER in self.model.extra:
            said.append(f"an adapter of {self.model.extra[ADAPTER]:,} tensors, added to the weights of the base")
        said += [str(each) for each in self.model.extra.get(SAID, [])]
        guesses = sum(match.is_guess for match in weights)
        if guesses:
            said.append(f"{guesses:,} {'pair is a guess' if guesses == 1 else 'pairs are guesses'} by shape")
        return said

    def _is_weight(self, match: Match) -> bool:
        one = self.base_tensor(match) or next(iter(self.model_tensors(match).values()))
        return kinds.is_weight(match.name, one)

    def values(self, match: Match) -> tuple[Values | None, Values | None]:
        """The numbers of base and model; ``None`` for those of the base where they cannot be compared one by one."""
        stored = self.base_tensor(match)
        base = stored.values if stored else None
        if match.how == "fused":
            base = fused.values(match, self.folds, base=self.base)
        model = self.model_values(match)
        if base is None or model is None or not match.comparable:
            return None, model
        if match.name in self.heads and _is_interleaved(self.base):
            base = gguf_names.unrotated(base, self.heads[match.name])
        if match.how == "kept":
            index = [range(size) if part is None else part for part, size in zip(match.kept, base.shape, strict=True)]
            base = Values.of(base.whole()[np.ix_(*index)])
        return base, model

    def model_values(self, match: Match) -> Values | None:
        """The numbers of the model, as used: of two factors, their product; in the order that the base has."""
        if match.how == "unread":
            return None
        parts = [stored.values for stored in self.model_tensors(match).values()]
        if len(parts) == 2 and parts[0] and parts[1]:
            first, second = parts[0].whole(), parts[1].whole()
            product = second.reshape(len(second), -1) @ first.reshape(len(first), -1)
            return Values.of(product.reshape(len(second), *first.shape[1:]))
        values = parts[0] if parts else None
        if values is not None and match.how == "transposed":
            return orientation.transposed(values)
        if values is not None and match.name in self.heads and _is_interleaved(self.model):
            return gguf_names.unrotated(values, self.heads[match.name])
        return values

    def forget(self) -> None:
        """Give back the memory of what has been read."""
        self.base.forget()
        self.model.forget()


def _renamed(model: Weights, names: Names) -> dict[str, object]:
    """What a file says about its tensors, under the names of the base."""
    extra = dict(model.extra)
    for key in ("order", "buffers"):
        if isinstance(extra.get(key), list):
            extra[key] = [names.of(name) for name in extra[key] if isinstance(name, str)]
    for key in ("tied", "kept"):
        if isinstance(extra.get(key), dict):
            extra[key] = {names.of(name): value for name, value in extra[key].items()}
    tied = extra.get("tied")
    if isinstance(tied, dict):
        extra["tied"] = {alias: names.of(name) if isinstance(name, str) else name for alias, name in tied.items()}
    return extra


def _ruled(match: Match, base: Weights, model: Weights, *, names: Names) -> Match:
    """A match with the rule by which it was found, or with what keeps the two from being compared."""
    if match.base is None or match.model is None:
        return match
    first, second = _find(base, match.base), _find(model, match.model)
    if first.unread or second.unread or not _is_read(first, second):
        return replace(match, how="unread", kept=())
    if match.how != "name":
        return match
    rule = second.rule or first.rule or names.rules.get(match.model)
    return match if rule is None else replace(match, how=rule)  # type: ignore[arg-type]


def _is_read(base: StoredTensor, model: StoredTensor) -> bool:
    """Whether the numbers of both are known: codes of a narrow format mean nothing beside floats without a scale.

    A float of eight bits may be nothing but a cast; then it is as large as the base.
    """
    narrow = [_is_bare(each) for each in (base, model)]
    if not any(narrow):
        return True
    if all(narrow):
        return base.dtype == model.dtype
    codes, floats = (base, model) if narrow[0] else (model, base)
    if not codes.dtype.startswith("F8") or codes.values is None or floats.values is None or codes.shape != floats.shape:
        return False
    return 0.98 < orientation.factor(floats.values, codes.values) < 1.02


def _is_bare(stored: StoredTensor) -> bool:
    return stored.dtype in kinds.NARROW and stored.packing is None and not stored.rule


def _oriented(listed: Iterable[Match], base: Weights, model: Weights) -> list[Match]:
    """Square matrices told apart from their transposes, where the others do not say that none is transposed."""
    matches = list(listed)
    other = ("gguf" in base.extra) != ("gguf" in model.extra) or base.extra.get("graph") != model.extra.get("graph")
    some = any(match.how == "transposed" for match in matches)
    turnable = [match for match in matches if _is_turnable(match, base, model, other=other or some)]
    shapes = {match.name: _find(base, str(match.base)).shape for match in turnable}
    straight = any(shape[-1] != shape[-2] for shape in shapes.values())
    if straight and not some:
        return matches
    turned = {match.name for match in turnable if _is_turned(match, base, model)}
    return [replace(match, how="transposed") if match.name in turned else match for match in matches]


def _is_turnable(match: Match, base: Weights, model: Weights, *, other: bool) -> bool:
    """Whether a matrix has the shape of its base's and may still stand the other way round."""
    if match.how not in align.NAMED or match.how == "transposed" or TABLES.search(match.name):
        return False
    first, second = _find(base, str(match.base)), _find(model, str(match.model))
    return (other or first.turnable or second.turnable) and len(first.shape) in (2, 3) and first.shape == second.shape


def _is_turned(match: Match, base: Weights, model: Weights) -> bool:
    first, second = _find(base, str(match.base)).values, _find(model, str(match.model)).values
    if first is None or second is None or first.shape[-1] != first.shape[-2] or first.shape[-1] < 2:
        return False
    return orientation.is_transposed(first, second)


def _heads(listed: Iterable[Match], base: Weights, model: Weights, *, interleaved: tuple[bool, bool]) -> dict[str, int]:
    """For queries and keys in another order, by the name of the pair, their heads where rows are to be put in order."""
    found: dict[str, int] = {}
    known: dict[tuple[str, int], int | None] = {}
    is_base, is_model = interleaved
    if is_model == is_base:
        return found
    for match in listed:
        if match.how not in ROWS or match.model is None or match.base is None:
            continue
        kind = next((kind for kind, ends in KINDS.items() if match.name.endswith(ends)), None)
        other, own = _find(base, match.base).values, _find(model, match.model).values
        if kind is None or other is None or own is None or other.shape != own.shape:
            continue
        key = kind, own.shape[0]
        if key not in known:
            said = gguf_names.heads(model if is_model else base, kind)
            ordered = (other, own) if is_model else (own, other)
            known[key] = orientation.num_heads(*ordered, said=said)
        heads = known[key]
        if heads is not None:
            found[match.name] = heads
    return found


def _is_interleaved(weights: Weights) -> bool:
    """Whether the rows of queries and keys are in the order of llama.cpp and of Meta."""
    return "gguf" in weights.extra or meta_names.is_meta(weights)


ROWS: dict[str, align.How] = {"gguf": "gguf rows", "chosen": "gguf rows", "meta": "meta rows"}
"""Rules after which rows may be in another order, and the rule with that order undone."""

TABLES = re.compile(r"emb(e?d)|(^|\.)(wte|wpe|lm_head|output)\.")
"""Names of tables that no tool transposes."""

KINDS = {
    "q": ("attn_q.weight", "attn_q.bias", "q_proj.weight", "q_proj.bias", "attention.wq.weight"),
    "k": ("attn_k.weight", "attn_k.bias", "k_proj.weight", "k_proj.bias", "attention.wk.weight"),
}
"""How the names of queries and keys end."""


def _in_model(match: Match, back: Mapping[str, str]) -> Match:
    return replace(
        match,
        model=None if match.model is None else back.get(match.model, match.model),
        second=None if match.second is None else back.get(match.second, match.second),
    )


def _kept(base: Weights, model: Weights) -> dict[str, dict[int, list[int]]]:
    """Which of the base's channels the model has; both lists refer to the model that both come from."""
    found: dict[str, dict[int, list[int]]] = {}
    for name, dimensions in model.kept.items():
        for dimension, indices in dimensions.items():
            before = base.kept.get(name, {}).get(dimension)
            place = None if before is None else {index: at for at, index in enumerate(before)}
            relative = [index if place is None else place.get(index, -1) for index in indices]
            found.setdefault(name, {})[dimension] = relative
    return found


def _shapes(weights: Weights, *, buffers: bool) -> dict[str, align.Shape]:
    shapes = {name: weights.tensors[name].shape for name in weights.names()}
    shapes |= {alias: shapes[name] for alias, name in weights.tied.items()}
    if buffers:
        return shapes
    known = weights.extra.get("buffers")
    left_out = set(known) if isinstance(known, list) else set()
    return {
        name: shape
        for name, shape in shapes.items()
        if name not in left_out and kinds.is_weight(name, _find(weights, name))
    }


def _is_alias(match: Match, base: Weights, model: Weights) -> bool:
    """Whether a pair is another name for one that is listed already."""
    first = match.base is None or match.base in base.tied
    second = match.model is None or match.model in model.tied
    return first and second


def _find(weights: Weights, name: str) -> StoredTensor:
    tied = weights.tied
    return weights.tensors[tied.get(name, name) if tied else name]
