"""Which tensor of a model stands where which tensor of its base stood."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ...errors import InvalidValue

Shape = tuple[int, ...]
Kept = Mapping[int, Sequence[int]]
How = Literal[
    "name", "prefix", "gguf", "gguf rows", "gguf values", "meta", "meta rows", "mask", "weight norm", "spectral norm",
    "lora", "of the base", "projections", "experts", "scales", "transposed", "chosen", "shape", "kept", "product",
    "fused", "resized", "unread", "base only", "model only",
]  # fmt: skip
NAMED = frozenset(
    ("name", "prefix", "gguf", "gguf rows", "gguf values", "meta", "meta rows", "mask", "weight norm", "spectral norm",
     "lora", "of the base", "projections", "experts", "scales", "transposed")
)  # fmt: skip
"""How tensors find each other by their names."""

COMPARABLE = NAMED | {"chosen", "shape", "kept", "product", "fused"}


@dataclass(frozen=True)
class Match:
    """A tensor of the base and its counterpart in a model.

    Args:
        base: name in the base; ``None`` for a tensor that only the model has.
        model: name in the model; ``None`` for a tensor that only the base has.
        how: ``name``: same name and shape; ``prefix``: the same but for what a wrapper put into the name; ``gguf``: as
            GGUF calls it, ``gguf rows``: and with the order of its rows undone; ``meta``, ``meta rows``: as Meta calls
            it; ``mask``, ``weight norm``, ``spectral norm``: computed from several tensors; ``lora``: with an adapter
            in it; ``of the base``: not in an adapter, so as the base has it; ``projections``, ``experts``: one tensor
            on one side and several on the other; ``scales``: with a factor that moved to it from the layer before, or
            from it to the layer after; ``transposed``: the last two dimensions changed places; ``chosen``: as the
            caller says; ``shape``: a guess, the only tensor left of its shape on either side; ``kept``: some of the
            base's channels, as the model lists them; ``product``: two factors in its place; ``fused``: the base's with
            the norm that follows it, which is part of it in the model; ``resized``: same name, other shape, so that
            numbers cannot be compared; ``unread``: numbers of one of the two are packed in a way that is not read.
        kept: for each dimension, which of the base's entries are left; ``None`` for all.
        second: of a product, the factor that is applied after ``model``.
    """

    base: str | None
    model: str | None
    how: How
    kept: tuple[tuple[int, ...] | None, ...] = ()
    second: str | None = None

    @property
    def name(self) -> str:
        """The name under which the pair is listed: the base's where there is one."""
        return self.base if self.base is not None else str(self.model)

    @property
    def comparable(self) -> bool:
        """Whether each number of the model has one of the base."""
        return self.how in COMPARABLE

    @property
    def is_guess(self) -> bool:
        """Whether nothing but the shape says that the two belong together."""
        return self.how == "shape"


def align(
    base: Mapping[str, Shape],
    model: Mapping[str, Shape],
    *,
    kept: Mapping[str, Kept] | None = None,
    chosen: Mapping[str, str] | None = None,
) -> list[Match]:
    """Match the tensors of a model with those of its base.

    By name; what two factors in its place give, by their product; what is left by a guess, where only one tensor of a
    shape is left on both sides. Nothing is dropped.

    Args:
        base: shapes by name, in order.
        model: shapes by name, in order.
        kept: for tensors of the model with fewer channels, by name and dimension the indices into the base's.
        chosen: for tensors of the base, the model's that is compared with it whatever else is known; names that the
            two do not have are passed over.

    Returns:
        In the order of the base, then what only the model has.

    Raises:
        InvalidValue: ``layers.alignment`` for chosen tensors of different shapes.
    """
    kept, found = kept or {}, _chosen(chosen or {}, base, model)
    taken = {match.model for match in found.values()}
    free = {name: shape for name, shape in model.items() if name not in taken}
    alike = [name for name in free if name in base and name not in found]
    found |= {name: _same_name(name, base[name], free[name], kept.get(name)) for name in alike}
    found |= _products([name for name in base if name not in found], base, free)
    used = {name for match in found.values() for name in (match.model, match.second)}
    left, right = [name for name in base if name not in found], [name for name in model if name not in used]
    for first, second in _by_shape(left, right, base, model=model):
        found[first] = Match(first, second, "shape")
        used.add(second)
    listed = [found.get(name, Match(name, None, "base only")) for name in base]
    return listed + [Match(None, name, "model only") for name in model if name not in used]


def _chosen(chosen: Mapping[str, str], base: Mapping[str, Shape], model: Mapping[str, Shape]) -> dict[str, Match]:
    found = {}
    for first, second in chosen.items():
        if first not in base or second not in model:
            continue
        if base[first] != model[second]:
            said = f"{first!r} of the base is {_size(base[first])}, and {second!r} is {_size(model[second])}"
            raise InvalidValue(
                "layers.alignment", f"{said}: they cannot be compared.", hint="Choose a tensor of the same shape."
            )
        found[first] = Match(first, second, "chosen")
    return found


def _size(shape: Shape) -> str:
    return " × ".join(map(str, shape)) or "one number"


def _same_name(name: str, base: Shape, model: Shape, kept: Kept | None) -> Match:
    if base == model:
        return Match(name, name, "name")
    if kept is not None and len(base) == len(model):
        chosen = [kept.get(dimension) for dimension in range(len(base))]
        if all(map(_fits, base, model, chosen)):
            return Match(name, name, "kept", tuple(None if part is None else tuple(part) for part in chosen))
    if len(base) in (2, 3) and model == (*base[:-2], base[-1], base[-2]):
        return Match(name, name, "transposed")
    return Match(name, name, "resized")


def _fits(before: int, after: int, part: Sequence[int] | None) -> bool:
    if part is None:
        return before == after
    return len(part) == after and all(0 <= index < before for index in part)


def _products(left: Iterable[str], base: Mapping[str, Shape], model: Mapping[str, Shape]) -> dict[str, Match]:
    """Weights of the base in whose module the model has two whose product has the weight's shape."""
    inside: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name in model:
        module, _, parameter = name.rpartition(".")
        inside[module.rpartition(".")[0], parameter].append(name)
    found = {}
    for name in left:
        module, _, parameter = name.rpartition(".")
        factors = inside.get((module, parameter), [])
        if len(factors) == 2 and _multiply(model[factors[0]], model[factors[1]], base[name]):
            found[name] = Match(name, factors[0], "product", second=factors[1])
            bias, last = (f"{one.rpartition('.')[0]}.bias" for one in (name, factors[1]))
            if bias in base and bias not in model and model.get(last) == base[bias]:
                found[bias] = Match(bias, last, "product")
    return found


def _multiply(first: Shape, second: Shape, product: Shape) -> bool:
    """Whether weights ``[rank, inputs, …]`` and ``[outputs, rank, 1…]`` make one of ``[outputs, inputs, …]``."""
    if not len(first) == len(second) == len(product) >= 2:
        return False
    return first[1:] == product[1:] and second[:2] == (product[0], first[0]) and all(size == 1 for size in second[2:])


def _by_shape(
    left: Iterable[str], right: Iterable[str], base: Mapping[str, Shape], *, model: Mapping[str, Shape]
) -> list[tuple[str, str]]:
    groups: dict[tuple[Shape, str], tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for side, names, shapes in ((0, left, base), (1, right, model)):
        for name in names:
            groups[shapes[name], name.rpartition(".")[2]][side].append(name)
    return [(first[0], second[0]) for first, second in groups.values() if len(first) == len(second) == 1]
