"""What an operation would change in a checkpoint folder, known from the headers of its files. Needs torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import nn

from ..operations.base import BaseOperation
from ..operations.magnitude_prune import MagnitudePrune
from ..operations.parts.pieces import Piece, pieces
from ..operations.targets import spared
from ..operations.types import unsuitable
from .skeleton import Skeleton, skeleton
from .source import FLOATS, SourceFolder


@dataclass(frozen=True)
class FolderPlan:
    """What an operation would change in a folder.

    Args:
        weights: names in the files of the tensors that it changes.
        spared: names of tensors that are left alone unless they are named, with the reason.
        unknown: tensors of two and more dimensions of which it is not known what they are.
    """

    weights: tuple[str, ...]
    spared: Mapping[str, str]
    unknown: tuple[str, ...]


@dataclass(frozen=True)
class Prepared:
    """A plan with what it needs to be carried out.

    Args:
        skeleton: the model without values.
        pieces: what changes together, in order.
        names: in the files, of each parameter that is there.
        plan: what is told about it.
    """

    skeleton: Skeleton
    pieces: list[Piece]
    names: Mapping[str, tuple[str, ...]]
    plan: FolderPlan


def prepared(operation: BaseOperation, source: SourceFolder, *, model: nn.Module | None) -> Prepared:
    """Look at the headers, and see what the operation would do.

    Raises:
        InvalidValue: those of :func:`compress_compare.on_disk.apply`.
    """
    if not (operation.by_weight() or isinstance(operation, MagnitudePrune)):
        hint = "Load the model and apply it to that."
        if getattr(operation, "scope", "") == "global":
            hint = "Choose the scope local."
        raise unsuitable(operation.name, "it needs the whole model or data, not one weight at a time.", hint=hint)
    found = skeleton(source, model)
    there = {
        name: tuple(each for each in names if each in source.of)
        for name, names in found.names().items()
        if any(each in source.of for each in names)
    }
    if found.by_names and not there:
        title = "it is not known what the tensors of the folder are."
        hint = "Install transformers, if it is a model of that library, or give the module as model=."
        raise unsuitable(operation.name, title, hint=hint)
    parts = pieces(operation, found.model, there=frozenset(there))
    for part in parts:
        for name in part.weights:
            _check_float(operation, source, there[name][0])
    weights = tuple(there[name][0] for part in parts for name in part.weights)
    left = {} if getattr(operation, "targets", ()) else spared(found.model)
    buffers = {name: (f"{found.prefix}{name}",) for name, _ in found.model.named_buffers()}
    alone = {
        names[0]: why
        for name, why in left.items()
        for names in [there.get(name) or buffers.get(name, ("",))]
        if names[0] in source.of
    }
    known = {each for names in there.values() for each in names}
    unknown = found.unknown if not found.by_names else _many_dimensions(source, known)
    return Prepared(found, parts, there, FolderPlan(weights, alone, unknown))


def _many_dimensions(source: SourceFolder, known: set[str]) -> tuple[str, ...]:
    entries = {name: shard.header.entries[name] for name, shard in source.of.items()}
    return tuple(name for name, entry in entries.items() if len(entry.shape) > 1 and name not in known)


def _check_float(operation: BaseOperation, source: SourceFolder, name: str) -> None:
    dtype = source.of[name].header.entries[name].dtype
    if dtype not in FLOATS:
        hint = f"Apply {operation.name} before the quantization that made it, or leave it out with ignore."
        raise unsuitable(operation.name, f"the weight {name!r} is stored as {dtype}.", hint=hint)
