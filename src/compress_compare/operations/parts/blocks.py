"""Models as chains of blocks, run one block at a time on what the block before it gave. Needs torch.

That is how the work of a calibration that sees each block behind the blocks already changed grows with the number of
blocks, not with its square, and how what is kept in memory is that of one block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

from ...schemes.scheme import TensorScheme
from ..targets import Weight
from ..types import Context
from .data import forward, unpadded
from .moments import Inputs, plain_kernels, watched
from .operands import Products


@dataclass(frozen=True)
class Chain:
    """Modules that run once each, one after the other, each on what the one before it gave.

    Args:
        blocks: by path, in the order in which they run.
    """

    blocks: dict[str, nn.Module]


@dataclass
class _Call:
    """What a block was called with besides what the block before it gave, and where that goes."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    place: int | str

    def is_like(self, other: _Call) -> bool:
        """Whether the other block was called with the same things in the same places."""
        if (self.place, len(self.args), self.kwargs.keys()) != (other.place, len(other.args), other.kwargs.keys()):
            return False
        ours, theirs = ({**dict(enumerate(call.args)), **call.kwargs} for call in (self, other))
        return all(ours[place] is theirs[place] for place in ours if place != self.place)

    def run(self, block: nn.Module, hidden: Tensor) -> Tensor:
        """The block's answer, of which only the first tensor goes on. ``hidden`` stays as it is."""
        args, kwargs = list(self.args), dict(self.kwargs)
        if isinstance(self.place, int):
            args[self.place] = hidden.clone()
        else:
            kwargs[self.place] = hidden.clone()
        answer: Tensor = _first(block(*args, **kwargs))
        return answer


@dataclass(frozen=True)
class FirstUse:
    """How a model uses weights on the first batch.

    Args:
        multiplied: names in the order of their first product.
        looked_up: names of tables, from which an embedding takes rows.
    """

    multiplied: list[str]
    looked_up: set[str]


def first_use(model: nn.Module, weights: Sequence[Weight], *, context: Context, name: str) -> FirstUse:
    """Run the first batch and see; see :func:`stages` for the arguments."""
    model.eval()
    order = _Order(weights)
    with without_cache(model), torch.no_grad(), plain_kernels(model), order:
        forward(model, next(iter(unpadded(model, context.data)))[0], operation=name)
    return FirstUse([used for used in order.names if used not in order.tables], order.tables)


def stages(
    model: nn.Module, weights: Sequence[Weight], *, order: Sequence[str], context: Context, name: str
) -> Iterator[tuple[str, dict[str, Inputs] | None]]:
    """What weights are multiplied by, part by part: those of a block, or one outside of blocks.

    Whoever goes through the parts changes the weights of each before asking for the next, which then sees its inputs
    behind what was changed. Weights that are in no product are in no part.

    Args:
        model: put into evaluation mode.
        weights: to follow, without tables.
        order: their names in the order of first use, as far as that is known.
        context: data and progress.
        name: of the operation, for error messages.

    Yields:
        What the part is, and its weights' inputs by name, in the order of first use; ``None`` for a block that an
        interrupted run had finished, whose weights are as it left them.
    """
    model.eval()
    with without_cache(model):
        example = next(iter(unpadded(model, context.data)))[0]
        chains = _chains(model, weights, inputs=example, name=name)
        homes = _homes(model, chains)
        owner = {weight.name: chain for chain in chains for weight in weights if _home(homes, weight) in chain.blocks}
        by_name = {weight.name: weight for weight in weights}
        done: set[int] = set()
        late = [weight.name for weight in weights if weight.name not in order]
        for used in (*(used for used in order if used in by_name), *late):
            chain = owner.get(used)
            if chain is None and used in order:
                yield used, watched(_passes(model, context, name=name), model, weights=[by_name[used]])
            elif chain is not None and id(chain) not in done:
                done.add(id(chain))
                inside = {path: [w for w in weights if _home(homes, w) == path] for path in chain.blocks}
                yield from _blocks(model, chain, inside=inside, context=context, name=name)
        rest = [by_name[used] for used in late if used not in owner]
        if rest:
            yield "the rest", watched(_passes(model, context, name=name), model, weights=rest)


@contextmanager
def without_cache(model: nn.Module) -> Iterator[None]:
    """Inside, decoders of transformers keep no keys and values of what they have read."""
    configs: list[Any] = [getattr(module, "config", None) for module in model.modules()]
    caching = {id(config): config for config in configs if getattr(config, "use_cache", None)}
    for config in caching.values():
        config.use_cache = False
    try:
        yield
    finally:
        for config in caching.values():
            config.use_cache = True


def _passes(model: nn.Module, context: Context, *, name: str) -> Callable[[], None]:
    def run() -> None:
        for inputs, _ in unpadded(model, context.data):
            forward(model, inputs, operation=name)

    return run


def original_stages(
    model: nn.Module, weights: Sequence[Weight], *, context: Context, name: str
) -> Iterator[tuple[str, dict[str, Inputs]]]:
    """What weights are multiplied by in the model as it is, block by block, so that those of one block are held.

    Whoever goes through the parts may change the weights of each: what comes later does not see it.

    Args:
        model: put into evaluation mode.
        weights: to follow.
        context: data and progress.
        name: of the operation, for error messages.

    Yields:
        A part and its weights' inputs by name: first what is outside of blocks, then each block.
    """
    model.eval()
    with without_cache(model):
        example = next(iter(unpadded(model, context.data)))[0]
        chains = _chains(model, weights, inputs=example, name=name)
        homes = _homes(model, chains)
        entered = [(chain, *_entered(model, chain, context=context, name=name)) for chain in chains]
        outside = [weight for weight in weights if _home(homes, weight) not in {p for c in chains for p in c.blocks}]
        if outside:
            yield "outside of blocks", watched(_passes(model, context, name=name), model, weights=outside)
        for chain, calls, hidden in entered:
            for path, block in chain.blocks.items():
                own = [weight for weight in weights if _home(homes, weight) == path]
                through, after = partial(_through, block, [call.pop(path) for call in calls], hidden), list[Tensor]()
                found = watched(partial(_refill, after, through), block, weights=own)
                hidden[:] = after
                yield path, found


def _refill(kept: list[Tensor], run: Callable[[], list[Tensor]]) -> None:
    kept[:] = run()


def _entered(
    model: nn.Module, chain: Chain, *, context: Context, name: str
) -> tuple[list[dict[str, _Call]], list[Tensor]]:
    """For each batch, how the blocks are called, and what goes into the first.

    Where a batch calls all blocks with the same things, others of its shapes end at the first block. Of other shapes
    they may not: a window of attention is a mask only for texts that are longer.
    """
    calls: list[dict[str, _Call]] = []
    hidden: list[Tensor] = []
    alike: dict[str, bool] = {}
    with torch.no_grad(), plain_kernels(model):
        for inputs, _ in unpadded(model, context.data):
            plain = dict(inputs) if isinstance(inputs, Mapping) else inputs
            shapes = str(tree_map_only(Tensor, lambda tensor: tuple(tensor.shape), plain))
            known = alike.get(shapes, False)
            found = _record(model, chain.blocks, inputs=inputs, name=name, first_alone=known)
            call, start, _ = next(iter(found.values()))
            by_path = {path: one for path, (one, _, _) in found.items()}
            calls.append(dict.fromkeys(chain.blocks, call) if known else by_path)
            hidden.append(start)
            alike[shapes] = known or all(call.is_like(other) for other, _, _ in found.values())
    return calls, hidden


def _blocks(
    model: nn.Module, chain: Chain, *, inside: dict[str, list[Weight]], context: Context, name: str
) -> Iterator[tuple[str, dict[str, Inputs] | None]]:
    calls, hidden = _entered(model, chain, context=context, name=name)
    for path, block in chain.blocks.items():
        own = inside[path]
        through = partial(_through, block, [call.pop(path) for call in calls], hidden)
        if _restored(path, own, context=context):
            yield path, None
            own = []
        if own:
            yield path, watched(through, block, weights=own)
        if context.finished is not None and own:
            context.finished.save(_mark(path), torch.zeros(0), stored=TensorScheme())
        with torch.no_grad(), plain_kernels(model):
            hidden = through()


def _through(block: nn.Module, calls: Sequence[_Call], hidden: Sequence[Tensor]) -> list[Tensor]:
    return [call.run(block, x) for call, x in zip(calls, hidden, strict=True)]


def _chains(model: nn.Module, weights: Sequence[Weight], *, inputs: Any, name: str) -> list[Chain]:
    """Chains that hold weights, none within another, those that hold most first."""
    modules = dict(model.named_modules())
    sizes = {id(weight.parameter): weight.parameter.numel() for weight in weights}
    scores = {
        path: sum(sizes.get(id(parameter), 0) for parameter in module.parameters())
        for path, module in modules.items()
        if isinstance(module, nn.ModuleList | nn.Sequential) and len(module) > 1
    }
    chosen: dict[str, Chain] = {}
    for path in sorted(scores, key=lambda path: (-scores[path], path.count("."))):
        inside = any(_within(path, other) or _within(other, path) for other in chosen)
        if inside or not scores[path]:
            continue
        blocks = {f"{path}.{key}" if path else key: block for key, block in modules[path].named_children()}
        if len(blocks) == len(modules[path]) and _is_chain(model, blocks, inputs=inputs, name=name):
            chosen[path] = Chain(blocks)
    return list(chosen.values())


def _within(path: str, other: str) -> bool:
    return other == "" or path == other or path.startswith(f"{other}.")


def _is_chain(model: nn.Module, blocks: dict[str, nn.Module], *, inputs: Any, name: str) -> bool:
    with torch.no_grad(), plain_kernels(model):
        found = _record(model, blocks, inputs=inputs, name=name)
    if list(found) != list(blocks) or any(count != 1 for count in _counts(found)):
        return False
    seen = list(found.values())
    return all(after[1] is before[2] for before, after in pairwise(seen))


def _counts(found: dict[str, Any]) -> list[int]:
    return [call.kwargs.pop("_times", 1) for call, _, _ in found.values()]


class _FirstSeen(BaseException):
    """Raised out of a forward pass that has shown how the first block is called; no code of a model catches it."""


def _record(
    model: nn.Module, blocks: dict[str, nn.Module], *, inputs: Any, name: str, first_alone: bool = False
) -> dict[str, tuple[_Call, Tensor, Tensor]]:
    """By the path of a block, in the order of first call: its call, what went in and what came out."""
    found: dict[str, tuple[_Call, Any, Any]] = {}

    def _note(path: str, _module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        if path in found:
            found[path][0].kwargs["_times"] = 2
            return
        places: list[int | str] = [place for place, value in enumerate(args) if isinstance(value, Tensor)]
        places += [key for key, value in kwargs.items() if isinstance(value, Tensor)]
        place = places[0] if places else 0
        given = None if not places else args[place] if isinstance(place, int) else kwargs[place]
        found[path] = (_Call(args, dict(kwargs), place), given, _first(output))
        if first_alone:
            raise _FirstSeen

    with ExitStack() as hooks:
        for path, block in blocks.items():
            hooks.callback(block.register_forward_hook(partial(_note, path), with_kwargs=True).remove)
        with suppress(_FirstSeen):
            forward(model, inputs, operation=name)
    return found


def _first(output: Any) -> Any:
    if isinstance(output, tuple | list):
        return output[0] if output else None
    return output


def _restored(path: str, weights: Sequence[Weight], *, context: Context) -> bool:
    """Put back what an interrupted run kept of a block, if it had finished all of it."""
    if context.finished is None or not all(weight.name.startswith(f"{path}.") for weight in weights):
        return False
    if context.finished.load(_mark(path)) is None:
        return False
    for weight in weights:
        found = context.finished.load(weight.name)
        if found is not None:
            weight.parameter.data = found[0].to(weight.parameter)
    return True


def _mark(path: str) -> str:
    """The name under which it is kept that a block is finished."""
    return f"{path} finished"


def _homes(model: nn.Module, chains: Sequence[Chain]) -> dict[int, str]:
    """The block of each parameter that is in one block alone."""
    blocks: dict[int, set[str]] = {}
    for path, block in ((path, block) for chain in chains for path, block in chain.blocks.items()):
        for module in block.modules():
            blocks.setdefault(id(module), set()).add(path)
    places: dict[int, set[str]] = {}
    for module in model.modules():
        for parameter in module.parameters(recurse=False):
            places.setdefault(id(parameter), set()).update(blocks.get(id(module), {""}))
    return {key: next(iter(found)) for key, found in places.items() if len(found) == 1 and "" not in found}


def _home(homes: dict[int, str], weight: Weight) -> str:
    return homes.get(id(weight.parameter), "no block")


class _Order(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Remembers which weights were multiplied, in order."""

    def __init__(self, weights: Sequence[Weight]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.products, self.names, self.tables = Products(weights), dict[str, None](), set[str]()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        packet = getattr(func, "overloadpacket", func)
        if packet is torch.ops.aten.embedding:
            self.tables |= self.products.names(args[0])
        operands = (
            self.products.convolution(args)
            if packet is torch.ops.aten.convolution
            else self.products.of(packet, args=args, kwargs=kwargs or {})
        )
        self.names.update((operand.name, None) for operand in operands)
        return func(*args, **(kwargs or {}))
