"""LiteRT (TensorFlow Lite) models, with codes and labels that the graph makes numbers of.

The converter moves, folds and transposes constants. So the network is converted with its weights as inputs, which it
leaves alone, and the inputs become constants of the file afterwards.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...analysis.layers.values import Array
from ...errors import MissingExtra, UserError
from ...records.own_key import KEY
from ..base import Format, Runner, Source, Written
from ..origin import text
from .encoded import decompressed, fixed_call, one_by_one, refused_integers, untranslatable

if TYPE_CHECKING:
    from torch import Tensor, nn

FILE = "model.tflite"
MAIN = "serving_default"
NUMBERS = "compress_compare_weights"
"""The signature that gives the weights that are made of codes and labels."""
LOUD = ("litert_torch", "torch.export", "torchao", "jax", "absl", "root")


class LitertFormat(Format):
    """Holds floats, integers of 2 to 8 bits with scales for tensors, channels and groups, and palettes.

    Codes and labels take 1, 2, 4 or 8 bits. Zeros are stored like other numbers. Inputs have the shape of the example.
    """

    name = "litert"
    summary = "a LiteRT model, whose graph makes numbers of codes and lookup tables as it runs"
    extra = "litert"
    needs_network = True

    def refusal(self, source: Source) -> UserError | None:
        """Refuse networks of integers, and models without a network."""
        try:
            import ai_edge_litert  # noqa: F401
            import litert_torch  # noqa: F401
        except ImportError as error:
            library = error.name or "litert-torch"
            raise MissingExtra(library, purpose="Shipping as litert", extra=self.extra) from error
        return refused_integers(self, source)

    def write(self, source: Source, folder: Path) -> Written:
        """Convert the network with codes in place of its weights, and put weights and origin into the file."""
        from ai_edge_litert import schema_py_generated as schema
        from ai_edge_litert.tools import flatbuffer_utils

        from ..decompressing import Numbers, decompressing

        network = source.needs_network(self.name)
        made, notes = decompressed(source)
        methods: dict[str, nn.Module] = {MAIN: decompressing(network, made)}
        if made:
            methods[NUMBERS] = Numbers(made)
        model = flatbuffer_utils.read_model_from_bytearray(self._converted(methods, source))
        state = _state(methods[MAIN]) | {name: one for key in methods for name, one in _state(methods[key]).items()}
        with_constants(model, state, schema=schema)
        said = {"origin": source.origin, "weights": list(made)}
        add_metadata(model, text(said).encode(), schema=schema)
        (folder / FILE).write_bytes(flatbuffer_utils.convert_object_to_bytearray(model))
        there = {*made, *state}
        tied = {alias: name for alias, name in source.logical.tied.items() if alias in there}
        names = {name: alias for alias, name in tied.items() if name not in there}
        buffers = source.weights.extra.get("buffers", [])
        left = [name for name in source.logical.tensors if name not in there and name in buffers]
        return Written(notes, names, left)

    def _converted(self, methods: Mapping[str, nn.Module], source: Source) -> bytes:
        """A file with a signature for each method, with weights as inputs.

        Raises:
            InvalidValue: ``ship.cannot_hold`` where it cannot be converted.
        """
        import litert_torch
        import torch

        from ...operations.parts.quiet import quiet
        from ..decompressing import WithInputs

        args, named = fixed_call(source.example)
        converter = litert_torch.Converter()
        for key, method in methods.items():
            given = WithInputs(method, *((args, named) if key == MAIN else ((), {}))).eval()
            converter.add_signature(key, given, sample_kwargs=given.example(_state(method)))
        try:
            with quiet(LOUD), torch.no_grad(), contextlib.redirect_stdout(io.StringIO()):
                return bytes(converter.convert().model_content())
        except Exception as error:  # its compiler reports what it cannot translate by dozens of exception types
            raise untranslatable(self, error, nearest="onnx") from error

    def read(self, folder: Path, source: Source) -> Mapping[str, Array]:
        """The constants, and the weights as LiteRT makes them of codes and labels."""
        interpreter = _interpreter(folder)
        found: dict[str, Array] = {}
        wanted = set(source.logical.names()) | set(source.logical.tied)
        for detail in interpreter.get_tensor_details():
            if detail["name"] in wanted:
                found[detail["name"]] = np.array(interpreter.get_tensor(detail["index"]))
        made = said(folder).get("weights", [])
        if made:
            outputs = interpreter.get_signature_runner(NUMBERS)()
            found |= {name: np.array(outputs[f"output_{place}"]) for place, name in enumerate(made)}
        return found

    def origin(self, folder: Path) -> Mapping[str, Any]:
        """From the metadata."""
        found = said(folder).get("origin", {})
        return found if isinstance(found, Mapping) else {}

    def runner(self, folder: Path, source: Source) -> tuple[Runner, str] | None:
        """By LiteRT on one thread, one example after the other."""
        from importlib import metadata

        import torch

        from ..decompressing import named_tensors

        run_main = _interpreter(folder).get_signature_runner(MAIN)
        kinds = {name: detail["dtype"] for name, detail in run_main.get_input_details().items()}
        names = list(named_tensors(*fixed_call(source.example)))

        def run(leaves: list[Tensor]) -> Tensor:
            feeds = {f"inputs_{name}": leaf.numpy() for name, leaf in zip(names, leaves, strict=True)}
            answers = run_main(**{name: value.astype(kinds[name]) for name, value in feeds.items() if name in kinds})
            return torch.from_numpy(np.array(answers["output_0"]))

        return one_by_one(run, source.example), f"LiteRT {metadata.version('ai-edge-litert')}"


def with_constants(model: Any, state: Mapping[str, Tensor], *, schema: Any) -> None:
    """Make constants of those inputs of a model that are weights, under their own names; all other names go.

    Args:
        model: as the library's objects; it is changed.
        state: the weights by name.
        schema: the library's module of objects.
    """
    written: dict[bytes, int] = {}
    constants: dict[tuple[int, int], str] = {}
    for signature in model.signatureDefs:
        graph, left = model.subgraphs[signature.subgraphIndex], []
        for entry in signature.inputs:
            name = entry.name.decode().removeprefix("weights_")
            if not entry.name.startswith(b"weights_"):
                left.append(entry)
                continue
            content = state[name].detach().contiguous().numpy().tobytes()
            if content not in written:
                buffer = schema.BufferT()
                buffer.data = np.frombuffer(content, np.uint8)
                model.buffers.append(buffer)
                written[content] = len(model.buffers) - 1
            tensor = graph.tensors[entry.tensorIndex]
            tensor.buffer, constants[signature.subgraphIndex, entry.tensorIndex] = written[content], name
            graph.inputs = [index for index in graph.inputs if index != entry.tensorIndex]
        signature.inputs = left
    for number, graph in enumerate(model.subgraphs):
        for index, tensor in enumerate(graph.tensors):
            tensor.name = constants.get((number, index), "").encode()


def add_metadata(model: Any, content: bytes, *, schema: Any) -> None:
    """Put bytes into the metadata of a model under our key."""
    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = np.frombuffer(content, np.uint8)
    model.buffers.append(buffer)
    entry.name, entry.buffer = KEY, len(model.buffers) - 1
    model.metadata = [*(model.metadata or []), entry]


def said(folder: Path) -> Mapping[str, Any]:
    """What the metadata of a file say under our key."""
    from ai_edge_litert.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model(str(folder / FILE))
    for entry in model.metadata or []:
        if entry.name == KEY.encode():
            found = json.loads(bytes(model.buffers[entry.buffer].data))
            return found if isinstance(found, Mapping) else {}
    return {}


def _state(network: nn.Module) -> dict[str, Tensor]:
    """Weights and buffers of a network that its file gets as constants, tied ones once."""
    kept = network.state_dict()
    buffers = {name: one for name, one in network.named_buffers() if name in kept and not _whole(one)}
    return {**dict(network.named_parameters()), **buffers}


def _whole(tensor: Tensor) -> bool:
    """Whether numbers are whole ones of more than a byte, which the converter makes smaller."""
    return not tensor.is_floating_point() and tensor.element_size() > 1


def _interpreter(folder: Path) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    found = Interpreter(str(folder / FILE), num_threads=1)
    found.allocate_tensors()
    return found
