"""A logged model as something to be shipped: its tensors, and its network where something says how to build it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import operations, records
from ..readers import folder as folders
from ..readers import safetensors
from ..readers.packings import streams
from ..readers.raw import raw, serialized
from ..recipes.rebuild import SHIP
from ..records import Model
from ..store.store import Store
from ..store.trust import Trust
from .base import Source
from .origin import origin

if TYPE_CHECKING:
    from torch import nn

    from ..recipes.rebuild import RebuiltWeights
    from ..recipes.task import Task

MOST_CONFIG = 10_000_000


def gather(store: Store, model: Model, *, format: str, task: Task | None) -> Source:
    """Everything that a format needs of a model.

    Args:
        store: the project of the model.
        model: to ship.
        format: the name of the format.
        task: how to build the network; ``None`` without one.

    Raises:
        InvalidValue: ``model.no_checkpoint``, ``model.*`` and ``config.*``.
        StoreError: ``artifact.*``.
    """
    logged = store.checkpoints([model.id])[0]
    paths = store.checkpoint_paths(logged.checkpoint)
    weights = store.open_checkpoint(logged)
    if logged.checkpoint.format == "safetensors":
        (path,) = paths.values()
        own = streams.expanded(safetensors.read(path))
        weights = own if "order" in own.extra else weights
    schemes = {name: one for name, one in weights.schemes.items() if name in weights.tensors}
    said = origin(store, model, format=format)
    beside = {name: path for name, path in paths.items() if logged.checkpoint.format == "huggingface"}
    source = Source(model.id, weights, schemes, beside, said, config=_config_file(beside))
    if task is not None:
        network = _rebuilt(store, model, task)
        config = source.config or _config_of(network)
        return replace(source, network=network, example=task.instance(), config=config)
    return _of_transformers(source)


def recorded_task(store: Store, model: Model) -> Task | None:
    """The task that the project names for a model; ``None`` without one.

    This runs code that the project names, and only what its user has allowed.

    Raises:
        Untrusted: ``task.untrusted``.
        InvalidValue: ``config.task``.
    """
    where = store.task_of(model.lineage[0].model)
    if where is None:
        return None
    from ..recipes.task import load

    Trust().check(store.path, where)
    return load(where)


def _config_file(files: Mapping[str, Path]) -> Mapping[str, Any] | None:
    if folders.CONFIG not in files:
        return None
    with files[folders.CONFIG].open("rb") as file:
        found = json.loads(file.read(MOST_CONFIG))
    return found if isinstance(found, dict) else None


def _config_of(network: nn.Module) -> Mapping[str, Any] | None:
    """The configuration of a module of transformers; ``None`` for another one."""
    said = getattr(network, "config", None)
    if said is None or not hasattr(said, "to_dict"):
        return None
    return {**said.to_dict(), "architectures": [type(network).__name__]}


def tensors_of(source: Source) -> dict[str, Any]:
    """The numbers in use as torch tensors by name, tied ones under all their names."""
    from safetensors.torch import load

    logical = source.logical
    state = dict(load(serialized({name: raw(stored) for name, stored in logical.tensors.items()})))
    return state | {alias: state[name] for alias, name in logical.tied.items()}


def _rebuilt(store: Store, model: Model, task: Task) -> nn.Module:
    from ..recipes.rebuild import rebuild

    lineage = [step for step in model.lineage if step.operation is None or step.operation.name != SHIP]
    last = records.LineageStep(model.id, lineage[-1].operation)

    def weights(id: str) -> RebuiltWeights:
        from ..recipes.rebuild import RebuiltWeights

        checkpoint = store.model(id).checkpoint
        notes = store.checkpoint_notes(checkpoint) if checkpoint is not None else {}
        return RebuiltWeights(store.load_checkpoint(id), notes.get("scheme", {}))

    found = rebuild(task, [*lineage[:-1], last], weights=weights, operations=operations.from_record)
    return found.eval() if not _is_graph(found) else found


def _is_graph(network: nn.Module) -> bool:
    """Whether a network is a graph whose modes have no effect, and must not be set."""
    from torch.fx import GraphModule

    return isinstance(network, GraphModule)


def _of_transformers(source: Source) -> Source:
    """With the network that transformers builds from the configuration, where that is installed and knows it."""
    said = source.config
    if said is None or not source.logical.tensors:
        return source
    try:
        import torch
        import transformers
    except (ImportError, RuntimeError):
        return source
    names = said.get("architectures") or []
    cls = getattr(transformers, str(names[0]), None) if names else None
    if cls is None or not hasattr(cls, "from_pretrained") or "auto_map" in said:
        return source
    from ..operations.parts.quiet import quiet

    with quiet(("transformers",)):
        plain = {key: value for key, value in said.items() if key != "quantization_config"}
        settings = cls.config_class.from_dict(plain)
        network = cls.from_pretrained(None, config=settings, state_dict=tensors_of(source), dtype=torch.float32)
    vocabulary = int(said.get("vocab_size") or 0)
    if vocabulary < 1:
        return source
    random = torch.Generator().manual_seed(0)
    example = {"input_ids": torch.randint(0, vocabulary, (1, TOKENS), generator=random)}
    return replace(source, network=network.eval(), example=example)


TOKENS = 16
"""Of each sequence that a language model without a task is tried on: drawn at random from its vocabulary."""
