"""What the tensors of a folder belong to: its model without values, under the names of the file. Needs torch."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ..errors import InvalidValue
from ..operations.parts.pieces import place
from .source import FLOATS, SourceFolder

_TABLES = ("emb", "wte", "wpe", "token", "position")
"""Parts of the names of embeddings."""


@dataclass(frozen=True)
class Skeleton:
    """A model without values.

    Args:
        model: on the meta device.
        prefix: what the names in the file have in front of those in the model.
        unknown: names of tensors in the file that it does not have, of two and more dimensions.
        by_names: whether it was made from the names of the tensors alone.
    """

    model: nn.Module
    prefix: str = ""
    unknown: tuple[str, ...] = ()
    by_names: bool = False

    def names(self) -> dict[str, tuple[str, ...]]:
        """All names in the file of each parameter, by the name that the model gives it first."""
        first: dict[int, str] = {}
        found: dict[str, list[str]] = {}
        for name, parameter in self.model.named_parameters(remove_duplicate=False):
            main = first.setdefault(id(parameter), name)
            found.setdefault(main, []).append(f"{self.prefix}{name}")
        return {name: tuple(names) for name, names in found.items()}


def skeleton(source: SourceFolder, given: nn.Module | None = None) -> Skeleton:
    """The model of a folder: the one that was given, that of its configuration, or else one made from names.

    Args:
        source: the folder.
        given: a module with the names and shapes of the file; its values are not looked at.

    Raises:
        InvalidValue: ``checkpoint.other_model`` when the module that was given has none of the tensors.
    """
    shapes = {name: source.of[name].header.entries[name].shape for name in source.of}
    model = given if given is not None else _configured(source.config)
    if model is None:
        return Skeleton(_by_names(source), by_names=True)
    found = max((_matched(each, shapes) for each in _roots(model)), key=lambda one: one[1])
    if not found[1]:
        if given is None:
            return Skeleton(_by_names(source), by_names=True)
        raise InvalidValue(
            "checkpoint.other_model",
            "The module that was given has none of the tensors of the folder.",
            detail=f"The folder has {next(iter(shapes))!a:.100}.",
            hint="Give the module that the folder was saved from.",
        )
    _shapes_agree(found[0], shapes)
    return found[0]


def _configured(config: Mapping[str, Any]) -> nn.Module | None:
    """The class that the configuration names, from transformers, without values; nothing where that is not known."""
    if not isinstance(config.get("model_type"), str):
        return None
    try:
        import transformers
    except ModuleNotFoundError:
        return None
    logging.getLogger("transformers").setLevel(logging.ERROR)
    library: Any = transformers
    names = config.get("architectures") or []
    with warnings.catch_warnings(), torch.device("meta"):
        warnings.simplefilter("ignore")
        try:
            kind = library.AutoConfig.for_model(**{k: v for k, v in config.items() if k != "quantization_config"})
            cls = getattr(library, names[0], None) if names else None
            made: nn.Module = cls._from_config(kind) if cls else library.AutoModel.from_config(kind)
        except Exception:  # a configuration may be of another version, or of code that is not here
            return None
    return made


def _roots(model: nn.Module) -> list[nn.Module]:
    """The model, and the one inside that has no head, as which transformers may have saved it."""
    inner = getattr(model, str(getattr(model, "base_model_prefix", "")), None)
    return [model, inner] if isinstance(inner, nn.Module) else [model]


def _matched(model: nn.Module, shapes: Mapping[str, tuple[int, ...]]) -> tuple[Skeleton, int]:
    own = {name for name, _ in model.named_parameters(remove_duplicate=False)}
    own |= {name for name, _ in model.named_buffers(remove_duplicate=False)}
    prefix = f"{getattr(model, 'base_model_prefix', '')}."
    best = max(("", prefix), key=lambda front: sum(f"{front}{name}" in shapes for name in own))
    known = {f"{best}{name}" for name in own}
    unknown = tuple(name for name, shape in shapes.items() if name not in known and len(shape) > 1)
    return Skeleton(model, best, unknown), len(known & shapes.keys())


def _shapes_agree(found: Skeleton, shapes: Mapping[str, tuple[int, ...]]) -> None:
    for name, parameter in found.model.named_parameters(remove_duplicate=False):
        there = shapes.get(f"{found.prefix}{name}")
        if there is not None and there != tuple(parameter.shape):
            raise InvalidValue(
                "checkpoint.other_shape",
                f"The tensor {found.prefix + name!a:.200} does not fit the configuration of the model.",
                detail=f"The file has {list(there)}, the model {list(parameter.shape)}.",
                hint="Take the configuration that was saved with the weights.",
            )


def _by_names(source: SourceFolder) -> nn.Module:
    """Linear layers for matrices called ``weight``; what else a tensor may be is not known, so it is left out.

    A matrix whose bias counts its columns is no linear layer of PyTorch, and then no other matrix is sure to be one.
    """
    entries = {name: source.of[name].header.entries[name] for name in source.of}
    layers = [
        name.removesuffix(".weight") for name, e in entries.items() if name.endswith(".weight") and len(e.shape) == 2
    ]
    biases = {path: entries.get(f"{path}.bias") for path in layers}
    for path, bias in biases.items():
        if bias is not None and bias.shape != entries[f"{path}.weight"].shape[:1]:
            return nn.Module()
    root = nn.Module()
    for path in layers:
        entry, bias = entries[f"{path}.weight"], biases[path]
        if entry.dtype not in FLOATS or not path:
            continue
        rows, columns = entry.shape
        embeds = bias is None and any(part in path.rpartition(".")[2].lower() for part in _TABLES)
        layer: nn.Module = (
            nn.Embedding(rows, columns, device="meta")
            if embeds
            else nn.Linear(columns, rows, bias=bias is not None, device="meta")
        )
        place(root, path, module=layer)
    return root
