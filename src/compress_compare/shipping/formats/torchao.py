"""A state dict of torchao's tensors in safetensors, as torchao flattens it; loaded and run by PyTorch with torchao."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...analysis.layers.values import Array
from ...errors import MissingExtra, UserError
from ...records.own_key import KEY
from ..base import WEIGHTS, Format, Runner, Source, Written, cannot_hold
from ..codes import Coded, coded
from ..origin import text
from ..source import tensors_of
from .safetensors import beside, header_origin

if TYPE_CHECKING:
    from torch import Tensor

LOUD = ("torchao", "torch.utils._pytree")
KINDS = ("Linear", "Conv2d", "Embedding")
"""Modules whose weights torchao's integer tensors stand in for."""


class TorchaoFormat(Format):
    """Holds weights of linear layers, 2-D convolutions and embeddings in 2 to 8 bits for tensors, channels and groups.

    A code takes a byte, whatever its bits. Palettes are refused. Zeros are stored like other numbers.
    """

    name = "torchao"
    summary = "safetensors with a state dict of torchao's integer tensors, a byte for each code"
    extra = "torch"
    needs_network = True
    holds_palettes = False

    def refusal(self, source: Source) -> UserError | None:
        """Refuse palettes, and networks of integers."""
        try:
            import torch  # noqa: F401
            import torchao.prototype.safetensors.safetensors_support  # noqa: F401
        except ImportError as error:
            raise MissingExtra(error.name or "torchao", purpose="Shipping as torchao", extra=self.extra) from error
        if "palettized" in source.kinds():
            return cannot_hold(self, "palettized weights", nearest="openvino")
        if source.runs_integers:
            return cannot_hold(self, "layers that were rebuilt to round their inputs", nearest="onnx")
        source.needs_network(self.name)
        return None

    def write(self, source: Source, folder: Path) -> Written:
        """Write the state dict with integer tensors in place of quantized weights."""
        from safetensors.torch import save_file
        from torchao.prototype.safetensors.safetensors_support import flatten_tensor_state_dict

        from ...operations.parts.quiet import quiet

        network, tied = source.needs_network(self.name), source.logical.tied
        held = {f"{path}.weight" for path, module in network.named_modules() if type(module).__name__ in KINDS and path}
        notes, state = list[str](), {name: one for name, one in tensors_of(source).items() if name not in tied}
        narrow = False
        for name, scheme in source.schemes.items():
            if scheme.kind != "quantized":
                continue
            values = np.asarray(source.logical.tensors[name].values.whole(), np.float32)  # type: ignore[union-attr]
            found = coded(values, scheme) if name in held else "torchao has no integers for layers of its kind"
            made = integers(found) if isinstance(found, Coded) else None
            if made is None:
                why = found if isinstance(found, str) else "its scales are laid out in another way"
                notes.append(f"{name}: {why}; it is stored as floats.")
            else:
                state[name] = made
                narrow |= (scheme.bits or 8) < 8
        if narrow:
            notes.append("Codes of fewer than 8 bits take a byte each.")
        if "pruned" in source.kinds():
            notes.append("The zeros of pruned weights are stored like other numbers.")
        with quiet(LOUD):
            packed, named = {name: one for name, one in state.items() if "." in name}, dict[str, Any]()
            tensors, metadata = flatten_tensor_state_dict(packed)
            named |= {name: one for name, one in state.items() if "." not in name}
        said = {**metadata, KEY: text({"origin": source.origin}), "format": "pt"}
        save_file({name: one.contiguous() for name, one in (tensors | named).items()}, folder / WEIGHTS, said)
        beside(source, folder)
        return Written(notes)

    def read(self, folder: Path, source: Source) -> Mapping[str, Array]:
        """The numbers as torchao dequantizes them."""
        found = {}
        for name, tensor in loaded(folder / WEIGHTS).items():
            plain = tensor.dequantize() if type(tensor).__name__.endswith("Int8Tensor") else tensor
            found[name] = plain.float().numpy() if plain.is_floating_point() else plain.numpy()
        return found

    def origin(self, folder: Path) -> Mapping[str, Any]:
        """From the header of the weights."""
        return header_origin(folder)

    def runner(self, folder: Path, source: Source) -> tuple[Runner, str] | None:
        """By PyTorch, with the state dict in the network."""
        import torch
        import torchao

        from ...evaluation.inputs import answer, call

        network, state = copy.deepcopy(source.needs_network(self.name)), dict(loaded(folder / WEIGHTS))
        state |= {alias: state[name] for alias, name in source.logical.tied.items()}
        network.load_state_dict(state, strict=False, assign=True)
        network = network.eval()

        def run(inputs: Any) -> Tensor:
            with torch.no_grad():
                return answer(call(network, inputs))

        return (
            run,
            f"PyTorch {torch.__version__.partition('+')[0]} with torchao {torchao.__version__.partition('+')[0]}",
        )


def integers(weight: Coded) -> Any | None:
    """A weight as a tensor of torchao; ``None`` where that has no place for its scales."""
    import torch
    from torchao.quantization import IntxUnpackedToInt8Tensor

    blocks = weight.blocks()
    if blocks is None:
        return None
    codes, scales, zeros = blocks
    if weight.group_size is not None:
        scales, zeros = scales[..., 0], zeros[..., 0]
    middle = 1 << (weight.bits - 1)
    if weight.symmetric:
        stored, shift = weight.codes, np.zeros_like(scales)
    else:
        stored, shift = (codes + blocks[2] - middle).reshape(weight.codes.shape), zeros - middle
    size = tuple(whole // blocks for whole, blocks in zip(weight.codes.shape, scales.shape, strict=True))
    return IntxUnpackedToInt8Tensor(
        torch.from_numpy(np.ascontiguousarray(stored, np.int8)),
        torch.from_numpy(np.ascontiguousarray(scales, np.float32)),
        torch.from_numpy(np.ascontiguousarray(shift, np.int8)),
        getattr(torch, f"int{weight.bits}"), size, torch.float32, None,
    )  # fmt: skip


def loaded(path: Path) -> Mapping[str, Any]:
    """The state dict of a file as torchao loads it."""
    from safetensors import safe_open
    from torchao.prototype.safetensors.safetensors_support import unflatten_tensor_state_dict

    from ...operations.parts.quiet import quiet

    with quiet(LOUD), safe_open(path, "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        found, left = unflatten_tensor_state_dict(tensors, file.metadata())
    return {**found, **left}
