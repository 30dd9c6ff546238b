"""Static int8 models by torchao's PyTorch 2 export path, as modules that can be copied and saved. Needs torchao."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import GraphModule, Node
from torch.fx.experimental.symbolic_shapes import is_concrete_int
from torch.fx.passes.utils.source_matcher_utils import get_source_partitions
from torch.utils._pytree import tree_leaves

from ...errors import MissingExtra
from ...schemes.scheme import TensorScheme, attach, of
from ..targets import Weight
from ..types import Context, unsuitable
from .answers import plain, restored, template
from .caches import without_cache
from .data import batches, forward
from .quiet import quiet, without_printed_graphs
from .raised import place_in
from .reached import left_alone
from .unrounded import keep_norms_apart, keep_unrounded

_NOISY = ("torchao", "torch.utils._pytree", "torch.export", "torch.fx")


class Int8Model(GraphModule):
    """The graph of a model with int8 weights. Modes have no effect on it, and nothing in it can be trained."""

    answer_template: Any = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The answer as the model gave it, with its dataclasses."""
        return restored(super().__call__(*args, **kwargs), self.answer_template)

    def __deepcopy__(self, memo: dict[int, Any]) -> GraphModule:
        with quiet(_NOISY):
            copied = super().__deepcopy__(memo)
        attach(copied, of(self))
        copied.answer_template = self.answer_template
        return copied


def to_int8(name: str, model: nn.Module, *, weights: Sequence[Weight], context: Context) -> nn.Module:
    """Quantize the layers that hold ``weights``; see :class:`~.quantize_static.QuantizeStatic`.

    Args:
        name: of the operation, for error messages.
        model: a private copy.
        weights: whose layers to quantize; layers of other weights stay in floating point.
        context: calibration data.
    """
    twice = _run_twice(name, model.eval(), context=context)
    left_alone(context, dict.fromkeys(twice, "runs more than once, and so has no one range"))
    weights = _of_32_bits(name, weights, context=context)
    with quiet(_NOISY), without_cache(model):  # which is nothing that a graph can return
        graph, answers = _exported(name, model, context=context)
        _hide(graph, [*twice, *_taken_for_one(graph, model)])
        graph = _observed(name, graph, weights=weights, left_out=twice, context=context)
        schemes = _fold_weights(graph)
        left = [weight for weight in weights if weight.name not in schemes and _owner(weight.name) not in twice]
        formless = {weight.name: _formless(weight) for weight in left}
        if not schemes:
            hint = "torchao takes linear layers and 2-d convolutions. Quantize weights only, with quantize."
            title = "the model has no convolution or linear layer that could be 8 bits."
            said = [f"{name}: {why}" for name, why in list(formless.items())[:3]]
            said += [f"what runs more than once has no one range: {', '.join(twice)[:200]}"] if twice else []
            raise unsuitable(name, title, detail=f"{'; '.join(said)}." if said else "", hint=hint)
        left_alone(context, formless)
        graph.graph.eliminate_dead_code()
        result = Int8Model(graph, graph.graph)
        result.answer_template = answers
    for parameter in result.parameters():
        parameter.requires_grad_(False)
    attach(result, schemes)
    return result


def _of_32_bits(name: str, weights: Sequence[Weight], *, context: Context) -> list[Weight]:
    """The weights that torchao can round; the log says which others there are.

    Raises:
        InvalidValue: ``operation.not_applicable`` when there is none.
    """
    others = [weight for weight in weights if weight.parameter.dtype != torch.float32]
    if len(others) == len(weights):
        kind = str(others[0].parameter.dtype).removeprefix("torch.")
        hint = "Convert the model with model.float() first, or quantize weights only, with quantize."
        raise unsuitable(name, f"torchao rounds 32-bit weights only, and those of the model are {kind}.", hint=hint)
    left_alone(context, {weight.name: "torchao rounds 32-bit weights only" for weight in others})
    return [weight for weight in weights if weight.parameter.dtype == torch.float32]


def _formless(weight: Weight) -> str:
    """Why torchao leaves a weight as it is."""
    if isinstance(weight.module, nn.Conv1d):
        return "torchao has an 8-bit form of Conv1d only where the module ReLU follows it"
    if isinstance(weight.module, nn.Linear | nn.Conv2d):
        return "the quantizer of torchao has no 8-bit form of what reads them"
    return f"torchao has no 8-bit form of {type(weight.module).__name__}"


def _owner(name: str) -> str:
    return name.rpartition(".")[0]


def _run_twice(name: str, model: nn.Module, *, context: Context) -> list[str]:
    """Paths of the modules with weights that run more than once in a forward pass."""
    counts: Counter[int] = Counter()
    named = {
        id(module): path
        for path, module in model.named_modules()
        if next(module.parameters(recurse=False), None) is not None
    }
    with ExitStack() as hooks:
        for module in model.modules():
            if id(module) in named:
                hooks.callback(module.register_forward_hook(lambda module, *_: counts.update([id(module)])).remove)
        with torch.no_grad():
            forward(model, next(batches(model, context.data))[0], operation=name)
    return [named[module] for module, count in counts.items() if count > 1]


def _exported(name: str, model: nn.Module, *, context: Context) -> tuple[GraphModule, Any]:
    """The model as a graph, and the template of its answers.

    The batch dimension and, for integers such as tokens, every dimension are left open.
    """
    inputs, _ = next(batches(model, context.data))
    try:
        answers = template(forward(model, inputs, operation=name))
    except TypeError as error:
        hint = "Let forward return tensors, tuples, mappings or dataclasses; or quantize weights only (quantize)."
        raise unsuitable(name, f"{error}.", hint=hint) from error
    args = () if isinstance(inputs, Mapping) else inputs if isinstance(inputs, tuple) else (inputs,)
    kwargs = dict(inputs) if isinstance(inputs, Mapping) else {}
    if any(isinstance(value, Tensor) and value.shape[:1] == (1,) for value in (*args, *kwargs.values())):
        raise unsuitable(name, "the first batch must hold at least two inputs.", hint="Use larger batches.")
    shapes: Any = {key: _open(value) for key, value in kwargs.items()} or tuple(_open(value) for value in args)
    flattened = model.register_forward_hook(lambda _, __, answer: plain(answer)) if answers is not None else None
    try:
        with without_printed_graphs(), _spelled_out(model, list(kwargs)), _closing(model) as closed:
            exported = torch.export.export(model, args, kwargs, dynamic_shapes=shapes)
    except Exception as error:  # export reports what it cannot trace by dozens of exception types
        said = f"{type(error).__name__}: {str(error).strip().splitlines()[0]:.200}" if str(error) else repr(error)
        detail = place_in(model, error) + said
        hint = "Quantize weights only (quantize), or rewrite what depends on values of tensors."
        raise unsuitable(name, "torch.export cannot turn the model into a graph.", detail=detail, hint=hint) from error
    finally:
        if flattened is not None:
            flattened.remove()
    mapped = next((node for node in exported.graph.nodes if "_add_batch_dim" in str(node.target)), None)
    if mapped is not None:
        path = [str(owner) for owner, _ in (mapped.meta.get("nn_module_stack") or {}).values()][-1:]
        detail = (
            f"{f'In the module {path[0]!r}: ' if path and path[0] else ''}torch.vmap is run, which a graph cannot do."
        )
        hint = "Write it without torch.vmap, or quantize weights only (quantize)."
        raise unsuitable(name, "torch.export cannot turn the model into a graph.", detail=detail, hint=hint)
    fixed = _fixed(exported, shapes)
    if any(dimension == 0 for dimension, _ in fixed):
        title = "torch.export turns the model into a graph for batches of one size only."
        hint = "Where forward asks for a size, use x.shape[0] and not len(x); or quantize weights only (quantize)."
        where = f", and the module {closed[0]!r} fixes it" if closed.get(0) else ""
        raise unsuitable(name, title, detail=f"The first batch has {dict(fixed)[0]}{where}.", hint=hint)
    for dimension, size in fixed:
        where = f", which the module {closed[dimension]!r} fixes" if closed.get(dimension) else ""
        context.progress(0.0, f"the graph takes only inputs of size {size} along dimension {dimension}{where}")
    graph: GraphModule = exported.module()
    return graph, answers


@contextmanager
def _spelled_out(model: Any, names: Sequence[str]) -> Iterator[None]:
    """Inside, forward has each of these keyword arguments by its name, which torch.export fails on in ``**kwargs``."""
    forward_of = model.forward
    signature = inspect.signature(forward_of)
    rest = [one for one in signature.parameters.values() if one.kind is one.VAR_KEYWORD]
    new = [name for name in names if name not in signature.parameters]
    if not rest or not new:
        yield
        return

    @wraps(forward_of)
    def spelled_out(*args: Any, **kwargs: Any) -> Any:
        return forward_of(*args, **kwargs)

    kept = [one for one in signature.parameters.values() if one not in rest]
    more = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None) for name in new]
    spelled_out.__signature__ = signature.replace(parameters=[*kept, *more])  # type: ignore[attr-defined]
    model.forward = spelled_out
    try:
        yield
    finally:
        del model.forward


@contextmanager
def _closing(model: nn.Module) -> Iterator[dict[int, str]]:
    """Inside, see which module makes a number of an open size: its path, by the dimension of the inputs."""
    found: dict[int, str] = {}
    opened: list[tuple[Tensor, int]] = []
    running: list[str] = []
    paths = {module: path for path, module in model.named_modules()}

    def look() -> None:
        for each, dimension in opened:
            if is_concrete_int(each.shape[dimension]):
                found.setdefault(dimension, running[-1])

    def enter(module: nn.Module, *given: Any) -> None:
        if not running:
            inputs = [each for each in tree_leaves(given) if isinstance(each, Tensor)]
            opened[:] = [(each, d) for each in inputs for d, size in enumerate(each.shape) if not is_concrete_int(size)]
        else:
            look()
        running.append(paths.get(module) or type(module).__name__)

    def leave(*_: Any) -> None:
        look()
        running.pop()

    with ExitStack() as hooks:
        for module in paths:
            hooks.callback(module.register_forward_pre_hook(enter, with_kwargs=True).remove)
            hooks.callback(module.register_forward_hook(leave).remove)
        yield found


def _fixed(exported: Any, shapes: Any) -> list[tuple[int, int]]:
    """(dimension, size) of inputs that were to stay open and did not."""
    values = {node.name: node.meta.get("val") for node in exported.graph.nodes if node.op == "placeholder"}
    given = [values[name] for name in exported.graph_signature.user_inputs if name in values]
    opened = list(_dimensions(shapes))
    if len(given) != len(opened):  # an input that is no tensor has several parts or none
        return []
    return [
        (dimension, int(value.shape[dimension]))
        for value, wanted in zip(given, opened, strict=True)
        for dimension in wanted
        if is_concrete_int(value.shape[dimension])
    ]


def _dimensions(shapes: Any) -> Iterator[Mapping[int, Any]]:
    """The open dimensions of each tensor among inputs that may be nested, in their order."""
    if isinstance(shapes, Mapping) and all(isinstance(key, int) for key in shapes):
        yield shapes
    elif isinstance(shapes, Mapping | tuple | list):
        for each in shapes.values() if isinstance(shapes, Mapping) else shapes:
            yield from _dimensions(each)


def _taken_for_one(graph: GraphModule, model: nn.Module) -> list[str]:
    """Paths of activations and the like of which the quantizer would take several calls for one with many outputs."""
    kinds = {type(module) for module in model.modules() if type(module).__module__.startswith("torch.nn.")}
    partitions = get_source_partitions(graph.graph, list(kinds))
    several = [each for found in partitions.values() for each in found if len(each.output_nodes) > 1]
    stacks = [list((part.nodes[0].meta.get("nn_module_stack") or {}).values()) for part in several]
    return [str(stack[-1][0]) for stack in stacks if stack]


def _hide(graph: GraphModule, paths: Sequence[str]) -> None:
    """Call these modules of no kind, so that the quantizer does not take two calls of one for one with two outputs."""
    for node in graph.graph.nodes:
        stack = dict(node.meta.get("nn_module_stack") or {})
        if stack and next(reversed(stack.values()))[0] in paths:
            last, (path, _) = stack.popitem()
            node.meta["nn_module_stack"] = stack | {last: (path, "")}


def _open(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return type(value)(_open(each) for each in value)
    if isinstance(value, Mapping):
        return {key: _open(each) for key, each in value.items()}
    if not isinstance(value, Tensor):
        return None
    dimensions = 1 if value.is_floating_point() else value.ndim
    return dict.fromkeys(range(min(dimensions, value.ndim)), torch.export.Dim.AUTO)


def _observed(
    name: str, graph: GraphModule, *, weights: Sequence[Weight], left_out: Sequence[str], context: Context
) -> GraphModule:
    """The graph after calibration, with weights still in floating point in front of their quantization."""
    try:
        from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e
        from torchao.quantization.pt2e.quantizer import x86_inductor_quantizer as x86
    except ImportError as error:
        raise MissingExtra("torchao", purpose=f"The operation {name!r}", extra="torch") from error
    quantizer = x86.X86InductorQuantizer()
    quantizer.set_global(x86.get_default_x86_inductor_quantization_config())
    for path in left_out:
        quantizer.set_module_name_qconfig(path, None)
    keep_norms_apart(graph)
    keep_unrounded(graph, weights=weights)
    try:
        prepared = prepare_pt2e(graph, quantizer)
    except ValueError as error:  # it looks for one operator in what a layer does
        title = "torchao's quantizer cannot tell what belongs to a layer."
        raise unsuitable(name, title, detail=str(error)[:200], hint="Quantize weights only, with quantize.") from error
    with torch.no_grad():
        for number, (inputs, _) in enumerate(batches(graph, context.data)):
            forward(prepared, inputs, operation=name)
            context.progress(0.0, f"batch {number + 1}")
    converted: GraphModule = convert_pt2e(prepared, fold_quantize=False)
    return converted


def _fold_weights(graph: GraphModule) -> dict[str, TensorScheme]:
    """Store each quantized weight as int8 under its name; whatever reads the tensor reads its dequantized values."""
    quantize, _ = _conversions()
    paths = [str(node.args[0].target) for node in graph.graph.nodes if node.target == quantize and _reads(node.args[0])]
    return {path: _fold(graph, path) for path in dict.fromkeys(paths)}


def _fold(graph: GraphModule, path: str) -> TensorScheme:
    quantize, dequantize = _conversions()
    readers = [node for node in graph.graph.nodes if _reads(node) and node.target == path]
    users = [user for node in readers for user in node.users]
    first = next(user for user in users if user.target == quantize)
    weight, scale, zero = (_attribute(graph, str(node.target)) for node in first.args[:3])
    owner, name = graph.get_submodule(path.rpartition(".")[0]), path.rpartition(".")[2]
    delattr(owner, name)
    owner.register_parameter(name, nn.Parameter(quantize(weight, scale, zero, *first.args[3:]), requires_grad=False))
    owner.register_buffer(f"{name}_scale", scale)
    with graph.graph.inserting_before(readers[0]):
        codes, scales = graph.graph.get_attr(path), graph.graph.get_attr(f"{path}_scale")
        values = graph.graph.call_function(dequantize, (codes, scales, None, *first.args[3:]))
    for user in users:
        if user.target == quantize:
            for restored in list(user.users):
                restored.replace_all_uses_with(values)
        else:
            for reader in readers:
                user.replace_input_with(reader, values)
    return TensorScheme(kind="quantized", bits=8, strategy="channel", table_bits=0, channel_axis=int(first.args[3]))


def _conversions() -> tuple[Any, Any]:
    operators = torch.ops.quantized_decomposed
    return operators.quantize_per_channel.default, operators.dequantize_per_channel.default


def _reads(node: Any) -> bool:
    return isinstance(node, Node) and node.op == "get_attr"


def _attribute(graph: GraphModule, path: str) -> Tensor:
    owner, _, name = path.rpartition(".")
    tensor: Tensor = getattr(graph.get_submodule(owner), name)
    return tensor.detach()
