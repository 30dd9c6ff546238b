"""ExecuTorch programs for its portable kernels, with codes and labels that the program makes numbers of."""

from __future__ import annotations

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

FILE = "model.pte"
NUMBERS = "compress_compare_weights"
"""The method of the program that gives all weights as numbers."""
NAMES = "compress_compare_names"
"""The method that gives the names of those weights, as JSON."""
LOUD = ("executorch", "torch.export", "torchao", "torch.utils._pytree", "root")


class ExecutorchFormat(Format):
    """Holds floats, integers of 2 to 8 bits with scales for tensors, channels and groups, and palettes.

    Codes and labels take 1, 2, 4 or 8 bits. Zeros are stored like other numbers. Inputs have the shape of the example.
    """

    name = "executorch"
    summary = "an ExecuTorch program for the portable kernels, which makes numbers of codes and tables as it runs"
    extra = "executorch"
    needs_network = True

    def refusal(self, source: Source) -> UserError | None:
        """Refuse networks of integers, and models without a network."""
        try:
            import executorch.exir
            import executorch.runtime  # noqa: F401
        except ImportError as error:
            library = error.name or "executorch"
            raise MissingExtra(library, purpose="Shipping as executorch", extra=self.extra) from error
        return refused_integers(self, source)

    def write(self, source: Source, folder: Path) -> Written:
        """Export the network with codes in place of its weights, lower it, and save the program."""
        from ..decompressing import Answering, Numbers, decompressing
        from ..source import tensors_of

        network = source.needs_network(self.name)
        made, notes = decompressed(source)
        buffers = source.weights.extra.get("buffers", [])
        numbers = {
            name: made.get(name, one)
            for name, one in tensors_of(source).items()
            if name not in source.logical.tied and (one.is_floating_point() or name not in buffers)
        }
        methods = {"forward": Answering(decompressing(network, made)), NUMBERS: Numbers(numbers)}
        program = self._lowered(methods, source, names=list(numbers))
        (folder / FILE).write_bytes(program)
        return Written(notes, missing=[name for name in source.logical.tensors if name not in numbers])

    def _lowered(self, methods: Mapping[str, nn.Module], source: Source, *, names: list[str]) -> bytes:
        """A program of these methods.

        Raises:
            InvalidValue: ``ship.cannot_hold`` where it cannot be exported or lowered.
        """
        import torch
        from executorch.exir import to_edge_transform_and_lower

        from ...operations.parts.quiet import quiet

        args, named = fixed_call(source.example)
        given: Mapping[str, tuple[Any, dict[str, Any]]] = {"forward": (args, named), NUMBERS: ((), {})}
        said = {KEY: text({"origin": source.origin}), NAMES: text(names)}
        try:
            with quiet(LOUD), torch.no_grad():
                programs = {
                    key: torch.export.export(method, given[key][0], kwargs=given[key][1], strict=False)
                    for key, method in methods.items()
                }
                lowered: Any = to_edge_transform_and_lower(programs, constant_methods=said)
                return bytes(lowered.to_executorch().buffer)
        except Exception as error:  # its compiler reports what it cannot translate by dozens of exception types
            raise untranslatable(self, error, nearest="onnx") from error

    def read(self, folder: Path, source: Source) -> Mapping[str, Array]:
        """The weights as ExecuTorch computes them."""
        program = _program(folder)
        names = json.loads(_execute(program, NAMES)[0])
        return dict(zip(names, _execute(program, NUMBERS), strict=True))

    def origin(self, folder: Path) -> Mapping[str, Any]:
        """From the method of the program that gives it."""
        said = json.loads(_execute(_program(folder), KEY)[0]).get("origin", {})
        return said if isinstance(said, Mapping) else {}

    def runner(self, folder: Path, source: Source) -> tuple[Runner, str] | None:
        """By ExecuTorch's portable kernels, one example after the other."""
        from importlib import metadata

        method = _program(folder).load_method("forward")

        def run(leaves: list[Tensor]) -> Tensor:
            found: Tensor = method.execute(leaves)[0].clone()
            return found

        return one_by_one(run, source.example), f"ExecuTorch {metadata.version('executorch').partition('+')[0]}"


def _program(folder: Path) -> Any:
    from executorch.runtime import Runtime, Verification

    return Runtime.get().load_program(folder / FILE, verification=Verification.InternalConsistency)


def _execute(program: Any, name: str) -> list[Any]:
    """What a method without inputs gives; tensors as arrays of their own, since the method owns theirs."""
    import torch

    method = program.load_method(name)
    found = method.execute([])
    return [np.array(one.detach().numpy()) if isinstance(one, torch.Tensor) else one for one in found]
