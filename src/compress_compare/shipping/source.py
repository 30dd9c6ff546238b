"""A logged model as something to be shipped: its tensors, and its network where something says how to build it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import operations, records
from ..comparisons import evident
from ..readers import folder as folders
from ..readers import safetensors
from ..readers.packings import streams
from ..readers.packings.base import EIGHTS
from ..recipes.rebuild import SHIP
from ..records import Model
from ..schemes.scheme import TensorScheme
from ..store.store import Store
from ..store.trust import Trust
from .base import Format, Source
from .origin import origin

if TYPE_CHECKING:
    from torch import nn

    from ..readers.weights import Weights
    from ..recipes.rebuild import RebuiltWeights
    from ..recipes.task import Task

MOST_CONFIG = 10_000_000


def gather(store: Store, model: Model, *, format: Format, task: Task | None) -> Source:
    """Everything that a format needs of a model.

    Args:
        store: the project of the model.
        model: to ship.
        format: that is to be written.
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
    shown, notes = _shown(weights, schemes, format)
    schemes |= shown
    said = origin(store, model, format=format.name)
    beside = {name: path for name, path in paths.items() if logged.checkpoint.format == "huggingface"}
    source = Source(model.id, weights, schemes, beside, said, config=_config_file(beside), notes=notes)
    if task is not None:
        network = _rebuilt(store, model, task)
        config = source.config or _config_of(network)
        return replace(source, network=network, example=task.instance(), config=config)
    return _of_transformers(source)


def _shown(
    weights: Weights, said: Mapping[str, TensorScheme], format: Format
) -> tuple[dict[str, TensorScheme], list[str]]:
    """The schemes of tensors of which the model says nothing, and what of them the format has no place for."""
    if any(one.table_bits == 0 for one in said.values()):
        return {}, []
    found = evident.schemes(weights, packed=True)
    tables = [] if format.holds_palettes else [name for name, one in found.items() if one.kind == "palettized"]
    notes = [f"{name}: it has few distinct numbers, and no table of them has a place here." for name in tables]
    for name, stored in weights.tensors.items():
        if stored.packing is None or name in said or name in found:
            continue
        if stored.dtype in EIGHTS:
            found[name] = TensorScheme("quantized", 8, strategy="channel")
        else:
            notes.append(f"{name}: the codes of its own file have no place here; it is stored as floats.")
    return {name: one for name, one in found.items() if name not in tables}, notes


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
    from ..recipes.rebuild import in_use

    return in_use(source.logical)


def _rebuilt(store: Store, model: Model, task: Task) -> nn.Module:
    from ..recipes.rebuild import rebuild

    lineage = [step for step in model.lineage if step.operation is None or step.operation.name != SHIP]
    last = records.LineageStep(model.id, lineage[-1].operation)

    def weights(id: str) -> RebuiltWeights:
        from ..recipes.rebuild import RebuiltWeights

        checkpoint = store.model(id).checkpoint
        notes = store.checkpoint_notes(checkpoint) if checkpoint is not None else {}
        logged = store.checkpoints([id])[0]
        return RebuiltWeights(store.load_checkpoint(id), notes.get("scheme", {}), lambda: store.open_checkpoint(logged))

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

    with quiet(("transformers",)), _without_bars(transformers.utils.logging):
        plain = {key: value for key, value in said.items() if key != "quantization_config"}
        settings = cls.config_class.from_dict(plain)
        settings.use_cache = False  # a file of a graph has no place for what a decoder keeps
        network = cls.from_pretrained(None, config=settings, state_dict=tensors_of(source), dtype=torch.float32)
    vocabulary = int(said.get("vocab_size") or 0)
    if vocabulary < 1:
        return source
    random = torch.Generator().manual_seed(0)
    example = {"input_ids": torch.randint(0, vocabulary, (1, TOKENS), generator=random)}
    if settings.is_encoder_decoder:
        example["decoder_input_ids"] = torch.randint(0, vocabulary, (1, TOKENS), generator=random)
    try:
        with torch.no_grad():
            network.eval()(**example)
    except Exception:  # networks that need more than tokens fail each in its own way: a task must say how to run them
        return source
    return replace(source, network=network, example=example)


@contextmanager
def _without_bars(logging: Any) -> Iterator[None]:
    """Without the progress bars of transformers."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


TOKENS = 16
"""Of each sequence that a language model without a task is tried on: drawn at random from its vocabulary."""
