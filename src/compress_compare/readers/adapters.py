"""Low-rank adapters (LoRA): what they add to the weights that they belong to, in place of their factors.

A weight with an adapter is W + s · B A, with s = α / r, or α / √r (rsLoRA); with a magnitude (DoRA), each output
channel of that is scaled to the magnitude. Where the file has the weights as well, ``base_layer`` beside ``lora_A``, it
is complete; an adapter alone is applied to the weights of the base with which it is compared. Source: PEFT,
``tuners/lora/layer.py`` and ``tuners/lora/dora.py``; Hu et al., 2021; Kalajdzievski, 2023; Liu et al., 2024.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..analysis.layers.values import Array, Values
from .assembled import SAID
from .names import lined_up, plain_name
from .weights import StoredTensor, Weights

RULE = "lora"
OF_BASE = "of the base"
PART = re.compile(
    r"^(?P<module>.+)\.lora_(?P<part>A|B|embedding_A|embedding_B|magnitude_vector)"
    r"(?:\.(?P<adapter>(?!weight$|bias$)\w+))?(?:\.(?P<end>weight|bias))?$"
)
OTHERS = re.compile(r"(^|\.)(ia3_l|hada_w[12]_[ab]|lokr_w[12](_[ab])?|oft_[rR]|boft_[RS]|lora_bias)(\.|$)")
"""Names of adapters of other kinds, which are said and not applied."""

SAVED = re.compile(r"^(.*\.)modules_to_save\.(\w+)\.(\w+)$")
ORIGINAL = re.compile(r"original_module\.")

ADAPTER = "adapter"
"""Under which key of what is known about a checkpoint there is of how many tensors the adapter consists."""

UNKNOWN = "LoRA without its adapter_config.json"
UNKNOWN_ADAPTER = "an adapter that is not understood"
ALIKE = ("gaussian", "eva", "orthogonal", "true", "false")
"""Ways to start an adapter that leave the weights under it as they are."""

DEEPEST = 3
"""Parts of a name that an adapter may have behind that of its module."""


@dataclass(frozen=True)
class LowRankChange:
    """The factors of one module by their names in the file, and what they were multiplied by."""

    parts: Mapping[str, str]
    scaling: float
    fan_in_fan_out: bool = False

    def on(self, weight: StoredTensor, weights: Weights) -> Values | None:
        """The weight with the adapter in it; ``None`` where shapes do not fit or numbers are not known."""
        found = {part: weights.tensors[name].values for part, name in self.parts.items()}
        is_table = "embedding_A" in found
        a, b = (found.get(part) for part in (("embedding_A", "embedding_B") if is_table else ("A", "B")))
        own, shape = weight.values, weight.shape
        if a is None or b is None or own is None or len(shape) < 2 or (is_table and len(shape) != 2):
            return None
        first, second = (each.whole().astype(np.float32) for each in (a, b))
        rank = first.shape[0]
        if second.ndim < 2 or second.size != second.shape[0] * rank:
            return None
        left, right = second.reshape(-1, rank), first.reshape(rank, -1)
        turned = is_table or self.fan_in_fan_out or (len(shape) == 2 and (len(left), right.shape[1]) != shape)
        if turned:
            left, right = np.ascontiguousarray(right.T), np.ascontiguousarray(left.T)
        if len(left) != shape[0] or right.shape[1] != math.prod(shape[1:]):
            return None
        right = right * np.float32(self.scaling)
        magnitude = found.get("magnitude_vector")
        length = None if magnitude is None else magnitude.whole().astype(np.float32).reshape(-1)
        return _added(own, left, right, length=length, by_columns=turned)


def merged(weights: Weights) -> Weights:
    """A checkpoint in which weights and their adapters stand beside each other, with the adapters in the weights."""
    weights = _saved(weights)
    return _covered(_merged_lora(weights))


def _covered(weights: Weights) -> Weights:
    """With no numbers for weights beside which there is an adapter of a kind that is not understood."""
    changed: dict[str, StoredTensor] = {}
    for name, stored in weights.tensors.items():
        module, found, part = name.rpartition(".base_layer.")
        inside = weights.by_module.get(module, ()) if found and module else ()
        others = [each for each in inside if not each.startswith(f"{module}.base_layer.")]
        if any(each.endswith(".bias") == (part == "bias") for each in others) and not stored.unread:
            changed[name] = replace(stored, values=None, unread=UNKNOWN_ADAPTER)
    return replace(weights, tensors={**weights.tensors, **changed}) if changed else weights


def _merged_lora(weights: Weights) -> Weights:
    modules = _modules(weights)
    whole = {module: name for module in modules if (name := f"{module}.base_layer.weight") in weights.tensors}
    if not whole:
        return weights
    tensors, gone = dict(weights.tensors), set[str]()
    for module, name in whole.items():
        adapters = {adapter: parts for adapter, parts in modules[module].items() if adapter not in _merged(weights)}
        stored = tensors[name]
        used = [each for parts in modules[module].values() for each in parts.values()]
        size = stored.num_bytes + sum(weights.tensors[each].num_bytes for each in used)
        for adapter in _active(weights, list(adapters)):
            config = _config(weights, adapter)
            factors = None if config is None else _factors(module, adapters[adapter], config, weights=weights)
            values = None if factors is None else factors.on(stored, weights)
            tool = UNKNOWN if config is None else UNKNOWN_ADAPTER
            stored = replace(
                stored, values=values, rule=RULE, unread="" if values is not None else stored.unread or tool
            )
        tensors[name] = replace(stored, num_bytes=size)
        gone |= set(used)
    kept = replace(weights, tensors={name: each for name, each in tensors.items() if name not in gone})
    return _renamed(kept, {name: f"{module}.weight" for module, name in whole.items()})


def _saved(weights: Weights) -> Weights:
    """With what was trained whole (``modules_to_save``) in place of what it was (``original_module``)."""
    copies: dict[str, list[tuple[str, str]]] = {}
    for name in weights.tensors:
        found = SAVED.match(name)
        if found is not None and f"{found[1]}original_module.{found[3]}" in weights.tensors:
            copies.setdefault(f"{found[1]}{found[3]}", []).append((found[2], name))
    if not copies:
        return weights
    chosen = {
        whole: [name for adapter, name in each if adapter in _active(weights, [adapter])]
        for whole, each in copies.items()
    }
    plain = {names[0]: whole for whole, names in chosen.items() if len(names) == 1}
    gone = {name for name in weights.tensors if ORIGINAL.sub("", name) in plain.values() and ORIGINAL.search(name)}
    return _renamed(
        replace(weights, tensors={name: each for name, each in weights.tensors.items() if name not in gone}), plain
    )


def applied(base: Weights, model: Weights) -> Weights:
    """An adapter alone on the weights of the base with which it is compared; any other checkpoint as it is."""
    modules = _modules(model)
    if not modules or len(next(iter(modules.values()))) != 1 or _holds_weights(modules, model):
        kind = None if modules else _other_kind(model)
        return model if kind is None else _said(model, f"{kind} are not applied to the base")
    why = _why_not(base, model)
    if why:
        return _said(model, why)
    config: Mapping[str, Any] = model.extra["adapter_config"]
    saved = {name: stored for name, stored in model.tensors.items() if PART.match(name) is None}
    wanted = {f"{module}.weight": module for module in modules}
    names = lined_up(base, Weights({**dict.fromkeys(wanted, _stub()), **saved}))
    at = {names.of(name): module for name, module in wanted.items() if names.of(name) in base.tensors}
    own = {names.of(name): stored for name, stored in saved.items()}
    tensors: dict[str, StoredTensor] = {}
    for name, stored in base.tensors.items():
        if name in at:
            ((_, parts),) = modules[at[name]].items()
            tensors[name] = _on(stored, at[name], parts=parts, config=config, model=model)
        else:
            tensors[name] = own.pop(name, replace(stored, num_bytes=0, rule=OF_BASE))
    used = {each for module in at.values() for parts in modules[module].values() for each in parts.values()}
    rest = {name: stored for name, stored in model.tensors.items() if name not in used and name not in saved}
    tensors |= _not_understood(tensors, [*rest, *own])
    kept = {key: base.extra[key] for key in ("order", "tied", "buffers", "graph") if key in base.extra}
    found = {**tensors, **own, **rest}
    order = [*base.names(), *own, *rest]
    extra = {**model.extra, **kept, "order": order, ADAPTER: len(model.tensors)}
    return replace(model, tensors=found, extra=extra, files=(*model.files, *base.files))


def _other_kind(model: Weights) -> str | None:
    """What an adapter is called that is no LoRA; ``None`` where the checkpoint is no such adapter."""
    config = model.extra.get("adapter_config")
    kind = config.get("peft_type") if isinstance(config, Mapping) else None
    if isinstance(kind, str) and kind != "LORA":
        return f"adapters of the kind {kind[:40]!a}"
    return "adapters of this kind" if any(OTHERS.search(name) for name in model.tensors) else None


def _why_not(base: Weights, model: Weights) -> str:
    """Why an adapter alone is not applied to a base; empty if it is."""
    config = model.extra.get("adapter_config")
    if any(OTHERS.search(name) for name in model.tensors):
        return "adapters of this kind are not applied to the base"
    if "gguf" in base.extra:
        return "an adapter alone: on a GGUF file it is not applied"
    if not isinstance(config, Mapping):
        return "an adapter alone: its scaling stands in adapter_config.json"
    start = config.get("init_lora_weights")
    if isinstance(start, str) and start.lower() not in ALIKE:
        return f"an adapter alone: init_lora_weights={start[:40]!a} changed the weights that it is added to"
    return ""


def _not_understood(tensors: Mapping[str, StoredTensor], left: Iterable[str]) -> dict[str, StoredTensor]:
    """The weights of the base to whose modules something belongs that is not applied: their numbers are not known."""
    plain = {name: plain_name(name) for name in tensors}
    found: dict[str, StoredTensor] = {}
    for each in left:
        if each.endswith(".weight") and PART.match(each) is None:
            continue
        parts = plain_name(each).split(".")
        for end in range(len(parts) - 1, max(len(parts) - 1 - DEEPEST, 0), -1):
            start = ".".join(parts[:end]) + "."
            inside = [name for name, called in plain.items() if called.startswith(start)]
            if inside:
                kept = [name for name in inside if not each.endswith(".bias") or name.endswith(".bias")]
                found |= {name: replace(tensors[name], values=None, unread=UNKNOWN_ADAPTER) for name in kept}
                break
    return found


def _on(
    stored: StoredTensor, module: str, *, parts: Mapping[str, str], config: Mapping[str, Any], model: Weights
) -> StoredTensor:
    """A weight of the base with an adapter in it."""
    factors = _factors(module, parts, config, weights=model)
    values = None if factors is None else factors.on(stored, model)
    size = sum(model.tensors[each].num_bytes for each in parts.values())
    unread = "" if values is not None else stored.unread or UNKNOWN_ADAPTER
    return replace(stored, num_bytes=size, values=values, rule=RULE, unread=unread, packing=None)


def _factors(
    module: str, parts: Mapping[str, str], config: Mapping[str, Any], *, weights: Weights
) -> LowRankChange | None:
    """What a module's adapter was multiplied by; ``None`` where the configuration does not say it."""
    first = weights.tensors.get(parts.get("A", parts.get("embedding_A", "")))
    if first is None or not first.shape or not first.shape[0] or str(config.get("peft_type", "LORA")) != "LORA":
        return None
    alpha, called = config.get("lora_alpha"), module.removeprefix("base_model.model.")
    patterns = config.get("alpha_pattern")
    for key, value in patterns.items() if isinstance(patterns, Mapping) else ():
        try:
            if re.match(rf"(.*\.)?({key})$", called):
                alpha = value
                break
        except re.error:
            return None
    if isinstance(alpha, bool) or not isinstance(alpha, int | float):
        return None
    rank = first.shape[0]
    scaling = alpha / (math.sqrt(rank) if config.get("use_rslora") is True else rank)
    return LowRankChange(parts, scaling, config.get("fan_in_fan_out") is True)


def _added(own: Values, left: Array, right: Array, *, length: Array | None, by_columns: bool) -> Values | None:
    """W + left · right, some rows at a time; with magnitudes, each output channel scaled to its own."""
    rows, columns = own.shape[0], math.prod(own.shape[1:])
    scale: Array | None = None
    if length is not None:
        whole = own.whole().reshape(rows, columns).astype(np.float32) + left @ right
        norm = np.linalg.norm(whole, axis=0 if by_columns else 1)
        if norm.shape != length.shape:
            return None
        with np.errstate(divide="ignore", invalid="ignore"):
            scale = (length / norm).reshape((1, -1) if by_columns else (-1, 1))

    def decode(first: int, last: int) -> Array:
        found = own.numbers(first * columns, last * columns).reshape(last - first, columns) + left[first:last] @ right
        if scale is not None:
            found = found * (scale if by_columns else scale[first:last])
        return np.asarray(found, np.float32)

    return Values(own.shape, own.dtype, own.raw[:0], num_bytes=own.num_bytes, decode=decode, unit=max(columns, 1))


def _modules(weights: Weights) -> dict[str, dict[str, dict[str, str]]]:
    """By module and adapter, the names of the factors by what they are."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    for name in weights.tensors:
        part = PART.match(name)
        if part is not None and part["end"] != "bias":
            adapter = part["adapter"] or ""
            found.setdefault(part["module"], {}).setdefault(adapter, {})[part["part"]] = name
    return found


def _holds_weights(modules: Iterable[str], model: Weights) -> bool:
    return any(f"{module}.{end}" in model.tensors for module in modules for end in ("weight", "base_layer.weight"))


def _active(weights: Weights, adapters: Sequence[str]) -> list[str]:
    said = weights.extra.get("active_adapters")
    return [each for each in adapters if each in said] if isinstance(said, list) else list(adapters)


def _merged(weights: Weights) -> list[str]:
    said = weights.extra.get("merged_adapters")
    return said if isinstance(said, list) else []


def _config(weights: Weights, adapter: str) -> Mapping[str, Any] | None:
    every = weights.extra.get("adapters")
    found = every.get(adapter) if isinstance(every, Mapping) else weights.extra.get("adapter_config")
    return found if isinstance(found, Mapping) else None


def _renamed(weights: Weights, plain: Mapping[str, str]) -> Weights:
    """With other names for some tensors."""
    tensors = {plain.get(name, name): stored for name, stored in weights.tensors.items()}
    order = weights.extra.get("order")
    listed = [plain.get(name, name) for name in order] if isinstance(order, list) else None
    extra = (
        weights.extra if listed is None else {**weights.extra, "order": [name for name in listed if name in tensors]}
    )
    return replace(weights, tensors=tensors, extra=extra)


def _said(model: Weights, sentence: str) -> Weights:
    return replace(model, extra={**model.extra, SAID: [*model.extra.get(SAID, []), sentence]})


def _stub() -> StoredTensor:
    return StoredTensor("F32", (), 0, None)
