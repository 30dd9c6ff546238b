"""The folder of compressed-tensors that transformers and vLLM load: packed integers, and floats of 8 bits."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...analysis.layers.values import Array
from ...errors import MissingExtra, UserError
from ...readers.folder import CONFIG
from ...readers.raw import Raw, as_bytes, raw, serialized
from ...records.own_key import KEY
from ...schemes.scheme import TensorScheme
from ..base import WEIGHTS, Format, Runner, Source, Written, cannot_hold
from ..codes import Coded, coded
from ..floats8 import Floats8, fit
from ..origin import text
from .safetensors import beside, header_origin


class CompressedTensorsFormat(Format):
    """Holds linear layers of Hugging Face models in 2 to 8 bits, symmetric, for tensors, channels and groups.

    Floats of 8 bits (E4M3) are held for tensors and channels.

    Palettes are refused. Zeros are stored like other numbers. Codes of 3 bits take 4, and those of 5 to 7 take 8.
    """

    name = "compressed-tensors"
    summary = "a Hugging Face folder with packed integer weights, which transformers loads with compressed-tensors"
    extra = "compressed-tensors"
    needs_network = True
    holds_palettes = False

    def refusal(self, source: Source) -> UserError | None:
        """Refuse models that transformers does not load, palettes, and networks of integers."""
        try:
            import compressed_tensors  # noqa: F401
            import transformers
        except ImportError as error:
            library = error.name or "compressed-tensors"
            raise MissingExtra(library, purpose="Shipping as compressed-tensors", extra=self.extra) from error
        names = (source.config or {}).get("architectures") or [""]
        if not hasattr(transformers, str(names[0])):
            return cannot_hold(self, "a model that is not one of transformers", nearest="packed")
        if "palettized" in source.kinds():
            return cannot_hold(self, "palettized weights", nearest="packed")
        if source.runs_integers:
            return cannot_hold(self, "layers that were rebuilt to round their inputs", nearest="packed")
        return self._same_layers(source)

    def _same_layers(self, source: Source) -> UserError | None:
        """Refuse a network whose layers are not those of its configuration."""
        import torch
        import transformers

        said = source.config or {}
        cls = getattr(transformers, str(said["architectures"][0]))
        with torch.device("meta"):
            plain = cls(cls.config_class.from_dict(dict(said)))
        shapes = {name: tuple(tensor.shape) for name, tensor in plain.state_dict().items()}
        for name, stored in source.logical.tensors.items():
            if shapes.get(name) != stored.shape:
                why = f"{name[:100]} is not what its configuration says."
                return cannot_hold(
                    self, "a network with other layers than its configuration", nearest="packed", why=why
                )
        return None

    def write(self, source: Source, folder: Path) -> Written:
        """Write packed weights, and the configuration that says how they are packed."""
        from torch import nn

        network = source.needs_network(self.name)
        linear = {f"{path}.weight": path for path, module in network.named_modules() if isinstance(module, nn.Linear)}
        notes: list[str] = []
        tensors, groups = dict[str, Raw](), dict[tuple[Any, ...], list[str]]()
        for name in source.logical.names():
            stored, scheme = source.logical.tensors[name], source.schemes.get(name)
            found: Coded | Floats8 | str = ""
            if scheme is not None and scheme.kind == "quantized":
                values = np.asarray(stored.values.whole() if stored.values is not None else [], np.float32)
                found = _found(values, scheme) if name in linear else "it is not the weight of a linear layer"
            if not isinstance(found, str):
                tensors |= _packed(name, found)
                groups.setdefault(_key(found), []).append(linear[name])
            else:
                tensors[name] = raw(stored)
                notes += [f"{name}: {found}; it is stored as floats."] if found else []
        if "pruned" in source.kinds():
            notes.append("The zeros of pruned weights are stored like other numbers.")
        (folder / WEIGHTS).write_bytes(serialized(tensors, {KEY: text({"origin": source.origin}), "format": "pt"}))
        done = {path for paths in groups.values() for path in paths}
        ignored = [path for path in linear.values() if path not in done]
        beside(source, folder, **({"quantization_config": _config(groups, ignored)} if groups else {}))
        return Written(notes)

    def read(self, folder: Path, source: Source) -> Mapping[str, Array]:
        """The state dict of transformers, after compressed-tensors has unpacked it."""
        import transformers

        from ...operations.parts.quiet import quiet

        packed = "quantization_config" in json.loads((folder / CONFIG).read_bytes())
        settings: dict[str, Any] = {}
        if packed:
            with quiet(("transformers",)):  # it says that the word is an old one, and was once the only one
                settings["quantization_config"] = transformers.CompressedTensorsConfig(run_compressed=False)
        state = _network(folder, source, **settings).state_dict()
        return {name: one.float().numpy() if one.is_floating_point() else one.numpy() for name, one in state.items()}

    def origin(self, folder: Path) -> Mapping[str, Any]:
        """From the header of the weights."""
        return header_origin(folder)

    def runner(self, folder: Path, source: Source) -> tuple[Runner, str] | None:
        """By transformers, which unpacks the weights with compressed-tensors."""
        import compressed_tensors
        import torch
        import transformers

        from ...evaluation.inputs import answer, call

        network = _network(folder, source)

        def run(inputs: Any) -> torch.Tensor:
            with torch.no_grad():
                return answer(call(network, inputs))

        return run, f"transformers {transformers.__version__} with compressed-tensors {compressed_tensors.__version__}"

    def checkpoint(self, folder: Path) -> Path | None:
        """The folder."""
        return folder


def _network(folder: Path, source: Source, **settings: Any) -> Any:
    """The network as transformers loads it."""
    import torch
    import transformers

    from ...operations.parts.quiet import quiet

    cls = getattr(transformers, str((source.config or {})["architectures"][0]))
    with quiet(("transformers", "compressed_tensors")), contextlib.redirect_stderr(io.StringIO()):
        return cls.from_pretrained(folder, dtype=torch.float32, **settings).eval()


def _found(values: Array, scheme: TensorScheme) -> Coded | Floats8 | str:
    """The codes of a weight, whole numbers or floats of 8 bits, or why it has none."""
    found = coded(values, scheme)
    if isinstance(found, str):
        return fit(values, scheme) or found
    return _fitting(found)


def _fitting(weight: Coded) -> Coded | str:
    """A weight whose scales the format can lay out, or why it cannot."""
    if weight.axis not in (0, None):
        return "its scales are laid out in another way"
    if not weight.symmetric:
        return "transformers does not load packed zero points"
    if weight.group_size is not None and weight.codes.shape[1] % weight.group_size:
        return "its last groups are shorter than the others"
    return weight


def _key(weight: Coded | Floats8) -> tuple[Any, ...]:
    if isinstance(weight, Floats8):
        return 8, "float", True, "channel" if weight.scales.size > 1 else "tensor", None
    strategy = "tensor" if weight.axis is None else "channel" if weight.group_size is None else "group"
    return _width(weight), "int", weight.symmetric, strategy, weight.group_size if strategy == "group" else None


def _width(weight: Coded) -> int:
    return 4 if weight.bits <= 4 else 8


def _packed(name: str, weight: Coded | Floats8) -> dict[str, Raw]:
    if isinstance(weight, Floats8):
        shape = weight.scales.shape if weight.scales.size > 1 else (1,)
        codes = np.ascontiguousarray(weight.codes)
        return {
            name: ("F8_E4M3", codes.shape, codes.reshape(-1)),
            f"{name}_scale": ("F32", shape, as_bytes(weight.scales, "F32")),
        }
    bits, (rows, columns) = _width(weight), weight.codes.shape
    words = _words(weight.codes.astype(np.int64) + (1 << (bits - 1)), bits)
    scales = np.ascontiguousarray(weight.scales.reshape(rows if weight.scales.size > 1 else 1, -1), np.float32)
    return {
        f"{name}_packed": ("I32", words.shape, words.reshape(-1).view(np.uint8)),
        f"{name}_scale": ("F32", scales.shape if scales.size > 1 else (1,), as_bytes(scales, "F32")),
        f"{name}_shape": ("I64", (2,), np.array([rows, columns], "<i8").view(np.uint8)),
    }


def _words(codes: Array, bits: int) -> Array:
    """Codes of each row in words of 32 bits, the lowest bits first: int32 [rows, words]."""
    each = 32 // bits
    wide = np.zeros((len(codes), -(-codes.shape[1] // each) * each), np.uint32)
    wide[:, : codes.shape[1]] = codes
    shifts = (np.arange(each) * bits).astype(np.uint32)
    words: Array = np.bitwise_or.reduce(wide.reshape(len(codes), -1, each) << shifts, axis=2)
    return words.view(np.int32)


def _config(groups: Mapping[tuple[Any, ...], list[str]], ignored: list[str]) -> dict[str, Any]:
    listed, formats = {}, set()
    for number, ((bits, kind, symmetric, strategy, size), paths) in enumerate(groups.items()):
        weights = {
            "num_bits": bits, "type": kind, "symmetric": symmetric, "strategy": strategy, "group_size": size,
            "dynamic": False,
        }  # fmt: skip
        targets = ["Linear"] if len(groups) == 1 else paths
        layout = "naive-quantized" if kind == "float" else "pack-quantized"
        formats.add(layout)
        listed[f"group_{number}"] = {"targets": targets, "weights": weights, "format": layout}
    return {
        "quant_method": "compressed-tensors",
        "format": formats.pop() if len(formats) == 1 else "mixed-precision",
        "quantization_status": "compressed",
        "config_groups": listed,
        "ignore": ignored,
    }
