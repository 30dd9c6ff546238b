"""What several formats share: the codes of a model's weights, and running one example after the other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import InvalidValue, UserError
from ..base import Format, Runner, Source, cannot_hold
from ..codes import Coded, LookupTables, coded, palette

if TYPE_CHECKING:
    from torch import Tensor, nn


def encoded(source: Source, there: Collection[str]) -> tuple[dict[str, Coded | LookupTables], list[str]]:
    """The codes or labels of the weights of a graph, and what is stored otherwise than its scheme says.

    Args:
        source: the model.
        there: the names of the graph's tensors.
    """
    weights, notes = dict[str, Coded | LookupTables](), list[str]()
    for name, scheme in source.schemes.items():
        if scheme.kind == "dense" or scheme.table_bits == 0:
            continue
        values = np.asarray(source.logical.tensors[name].values.whole(), np.float32)  # type: ignore[union-attr]
        found = coded(values, scheme) if scheme.kind == "quantized" else palette(values, scheme)
        if name not in there:
            notes.append(f"{name}: the graph has it under another name, as floats.")
        elif isinstance(found, str):
            notes.append(f"{name}: {found}; it is stored as floats.")
        else:
            weights[name] = found
    if "pruned" in source.kinds():
        notes.append("The zeros of pruned weights are stored like other numbers.")
    return weights, notes


def refused_integers(format: Format, source: Source) -> UserError | None:
    """Refuse networks whose layers round their inputs; a source without a network raises."""
    if source.runs_integers:
        return cannot_hold(format, "layers that were rebuilt to round their inputs", nearest="onnx")
    source.needs_network(format.name)
    return None


def untranslatable(format: Format, error: Exception, *, nearest: str) -> InvalidValue:
    """The error for a network that a compiler cannot translate, with the first line of what it said."""
    cause = error.__cause__ or error
    lines = str(cause).strip().splitlines() or [""]
    why = f"{type(cause).__name__}: {lines[0]}"[:300]
    return cannot_hold(format, "this network: it cannot be exported", nearest=nearest, why=why)


def fixed_call(example: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """One instance as the positional and the named arguments of a network."""
    from ...evaluation.inputs import first

    inputs = first(example)
    if isinstance(inputs, Mapping):
        return (), dict(inputs)
    return (tuple(inputs) if isinstance(inputs, tuple | list) else (inputs,)), {}


def one_by_one(run: Callable[[list[Tensor]], Tensor], example: Any) -> Runner:
    """A runner of batches by what runs one example of fixed shapes.

    Args:
        run: the tensors of one example, in the order of the example → [1, …].
        example: as the network takes it; a mapping's keys name its tensors.
    """
    import torch

    from ...evaluation.inputs import first, tensors

    shapes = [tuple(each.shape) for each in tensors(first(example))]

    def answered(inputs: Any) -> Tensor:
        if isinstance(inputs, Mapping) and isinstance(example, Mapping):
            inputs = {name: inputs[name] for name in example if name in inputs}
        leaves = tensors(inputs)
        rows = len(leaves[0])
        parts = [[each[row : row + 1].contiguous() for each in leaves] for row in range(rows)]
        if [tuple(each.shape) for each in parts[0]] != shapes:
            raise InvalidValue(
                "ship.shape", "The file takes inputs of the shape of the task's example only.",
                hint="Give the task an example of the shape of its data, or choose the format onnx.",
            )  # fmt: skip
        return torch.cat([run(part) for part in parts])

    return answered


def decompressed(source: Source) -> tuple[dict[str, nn.Module], list[str]]:
    """The modules that make the weights of a network, by name, and what is stored otherwise than its scheme says."""
    from ..decompressing import module

    made: dict[str, nn.Module] = {}
    weights, notes = encoded(source, dict(source.needs_network("").named_parameters()))
    for name, weight in weights.items():
        found = module(weight)
        if found is None:
            notes.append(f"{name}: its last groups are shorter than the others; it is stored as floats.")
        else:
            made[name] = found
    return made, notes
