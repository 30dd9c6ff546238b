"""GGUF for models like Llama, Mistral and Qwen: names and rows as llama.cpp has them, by the ``gguf`` package."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...analysis.layers.values import Array
from ...errors import MissingExtra, UserError
from ...records.own_key import KEY
from ..base import Format, Source, Written, cannot_hold
from ..codes import Coded, coded
from ..origin import text

FILE = "model.gguf"
FAMILY = {"llama": "LLAMA", "mistral": "LLAMA", "qwen2": "QWEN2", "qwen3": "QWEN3"}
"""By the ``model_type`` of a configuration, what the package calls the architecture."""
INTERLEAVED = ("LLAMA",)
"""Architectures of which llama.cpp keeps the rows of queries and keys in another order."""
PLAIN = (None, "default")
"""Kinds of rotary positions whose only number is the base."""
BLOCK = 32
HALVES = {"BF16": "BF16", "F16": "F16"}
"""Number formats in which matrices stay; vectors are F32, as llama.cpp has them."""


class GgufFormat(Format):
    """Holds floats (F32, BF16, F16), symmetric weights of up to 8 bits (Q4_0, Q8_0) and others of up to 4 bits (Q4_1).

    Scales are rounded to 16 bits, as blocks of GGUF have them. Palettes are refused. Zeros are stored like other
    numbers. Scales must be shared by multiples of 32 weights in a row.
    """

    name = "gguf"
    summary = "GGUF for llama.cpp, without a tokenizer"
    extra = "gguf"
    holds_palettes = False
    tolerance = 2.0**-10

    def refusal(self, source: Source) -> UserError | None:
        """Refuse other architectures, palettes, and networks of integers."""
        try:
            import gguf  # noqa: F401
        except ImportError as error:
            raise MissingExtra("gguf", purpose="Shipping as gguf", extra="gguf") from error
        said = (source.config or {}).get("model_type")
        if said not in FAMILY:
            what = "a model that is not of the families of Llama and Qwen"
            return cannot_hold(self, what, nearest="packed", why=f"Its model_type is {said!r:.60}." if said else "")
        if "palettized" in source.kinds():
            return cannot_hold(self, "palettized weights", nearest="packed", why="Blocks of GGUF hold scaled integers.")
        if source.runs_integers:
            return cannot_hold(self, "layers that round their inputs", nearest="packed")
        if _rotary(source.config or {}).get("rope_type") not in PLAIN:
            return cannot_hold(self, "rotary positions that are scaled", nearest="safetensors")
        unknown = [name for name in source.logical.tensors if name not in _names(source)]
        if unknown:
            why = f"llama.cpp has no tensor {unknown[0][:100]!r}."
            return cannot_hold(self, "a network with other layers", nearest="packed", why=why)
        return None

    def write(self, source: Source, folder: Path) -> Written:
        """Write metadata and tensors."""
        import gguf

        config, notes = source.config or {}, ["The tokenizer is not in the file."]
        writer = gguf.GGUFWriter(str(folder / FILE), gguf.MODEL_ARCH_NAMES[_architecture(source)])
        writer.add_name(source.id)
        writer.add_string(KEY, text({"origin": source.origin}))
        _describe(writer, config)
        for name, other in _names(source).items():
            stored = source.logical.tensors[name]
            values = np.asarray(stored.values.whole() if stored.values is not None else [], np.float32)
            order = _order(name, len(values), config)
            scheme, kind, raw = source.schemes.get(name), "F32", None
            if scheme is not None and scheme.kind == "quantized":
                found = coded(values, scheme)
                made = _blocks(found, order) if isinstance(found, Coded) else found
                if isinstance(made, str):
                    notes.append(f"{name}: {made}; it is stored as floats.")
                else:
                    kind, raw = made
            if raw is None and len(values.shape) > 1 and stored.dtype in HALVES:
                kind = HALVES[stored.dtype]
                raw = gguf.quants.quantize(np.ascontiguousarray(values[order]), gguf.GGMLQuantizationType[kind])
            if raw is None:
                writer.add_tensor(other, np.ascontiguousarray(values[order]))
            else:
                writer.add_tensor(other, raw, raw_dtype=gguf.GGMLQuantizationType[kind])
        if "pruned" in source.kinds():
            notes.append("The zeros of pruned weights are stored like other numbers.")
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return Written(notes)

    def read(self, folder: Path, source: Source) -> Mapping[str, Array]:
        """The tensors as the gguf package finds them, under the names and in the order of the source."""
        import gguf

        there = {tensor.name: tensor for tensor in gguf.GGUFReader(str(folder / FILE)).tensors}
        found: dict[str, Array] = {}
        for name, other in _names(source).items():
            if other in there:
                tensor = there[other]
                numbers = np.asarray(gguf.quants.dequantize(tensor.data, tensor.tensor_type), np.float32)
                shape = source.logical.tensors[name].shape
                found[name] = np.empty(shape, np.float32)
                found[name][_order(name, shape[0], source.config or {})] = numbers.reshape(shape)
        return found

    def origin(self, folder: Path) -> Mapping[str, Any]:
        """From the metadata."""
        import gguf

        found = gguf.GGUFReader(str(folder / FILE)).get_field(KEY)
        said = json.loads(found.contents()) if found is not None else {}
        return dict(said.get("origin", {}))

    def checkpoint(self, folder: Path) -> Path | None:
        """The file."""
        return folder / FILE


def _architecture(source: Source) -> Any:
    """What the package calls the architecture of a model."""
    import gguf

    return gguf.MODEL_ARCH[FAMILY[str((source.config or {}).get("model_type"))]]


def _rotary(config: Mapping[str, Any]) -> dict[str, Any]:
    """How positions are written into queries and keys: the base and, where there is one, the kind of scaling."""
    found = dict(config.get("rope_parameters") or config.get("rope_scaling") or {})
    kind = found.get("rope_type", found.get("type"))
    return {"rope_type": kind, "rope_theta": config.get("rope_theta") or found.get("rope_theta")}


def _describe(writer: Any, config: Mapping[str, Any]) -> None:
    """Write the sizes of a network as llama.cpp asks for them."""
    heads = int(config["num_attention_heads"])
    size = int(config.get("head_dim") or int(config["hidden_size"]) // heads)
    writer.add_context_length(int(config.get("max_position_embeddings", 2048)))
    writer.add_embedding_length(int(config["hidden_size"]))
    writer.add_block_count(int(config["num_hidden_layers"]))
    writer.add_feed_forward_length(int(config["intermediate_size"]))
    writer.add_head_count(heads)
    writer.add_head_count_kv(_kv_heads(config))
    writer.add_key_length(size)
    writer.add_value_length(size)
    writer.add_layer_norm_rms_eps(float(config.get("rms_norm_eps", 1e-6)))
    writer.add_vocab_size(int(config["vocab_size"]))
    writer.add_rope_dimension_count(size)
    theta = _rotary(config)["rope_theta"]
    if theta:
        writer.add_rope_freq_base(float(theta))


def _names(source: Source) -> dict[str, str]:
    """Names of GGUF for the tensors of a model; those that it has no name for are left out."""
    import gguf

    layers = int((source.config or {}).get("num_hidden_layers") or 0)
    table = gguf.get_tensor_name_map(_architecture(source), layers)
    found = {name: table.get_name(name, try_suffixes=(".weight", ".bias")) for name in source.logical.tensors}
    return {name: other for name, other in found.items() if other is not None}


def _kv_heads(config: Mapping[str, Any]) -> int:
    return int(config.get("num_key_value_heads") or config["num_attention_heads"])


def _order(name: str, rows: int, config: Mapping[str, Any]) -> Array:
    """Which row stands at each place: queries and keys alternate between the halves of a head."""
    parts = name.split(".")
    interleaved = FAMILY.get(str(config.get("model_type"))) in INTERLEAVED
    if not interleaved or ("q_proj" not in parts and "k_proj" not in parts):
        return np.arange(rows)
    heads = int(config["num_attention_heads"]) if "q_proj" in parts else _kv_heads(config)
    return np.arange(rows).reshape(heads, 2, rows // heads // 2).swapaxes(1, 2).reshape(-1)


def _blocks(weight: Coded, order: Array) -> tuple[str, Array] | str:
    """The kind and the bytes [rows, bytes] of blocks of 32 weights, or why there are none."""
    if weight.codes.ndim != 2 or weight.axis not in (0, None):
        return "its scales are laid out in another way"
    rows, columns = weight.codes.shape
    if columns % BLOCK or (weight.group_size or BLOCK) % BLOCK:
        return f"its scales are not shared by multiples of {BLOCK} weights"
    if not weight.symmetric and weight.bits > 4:
        return "GGUF has no zero points for more than 4 bits"
    blocks = columns // BLOCK

    def each(table: Array) -> Array:
        wide = table.reshape(rows if table.size > 1 else 1, -1)
        if weight.group_size is not None:
            wide = np.repeat(wide, weight.group_size // BLOCK, axis=1)[:, :blocks]
        return np.broadcast_to(wide, (rows, blocks))[order]

    codes = weight.codes[order].reshape(rows, blocks, BLOCK).astype(np.int64)
    scales = each(weight.scales).astype(np.float32)
    halves = scales.astype("<f2")[..., None].view(np.uint8)
    if weight.bits > 4:
        if codes.min() < -128 or codes.max() > 127:
            return "its codes are no bytes"
        return "Q8_0", np.concatenate([halves, codes.astype(np.int8).view(np.uint8)], axis=2).reshape(rows, -1)
    zeros = np.full((rows, blocks), 8) if weight.symmetric else each(weight.zeros)
    nibbles = (codes + zeros[..., None]).astype(np.uint8)
    packed = nibbles[..., : BLOCK // 2] | (nibbles[..., BLOCK // 2 :] << 4)
    if weight.symmetric:
        return "Q4_0", np.concatenate([halves, packed], axis=2).reshape(rows, -1)
    least = (-zeros * scales.astype(np.float16).astype(np.float32)).astype("<f2")[..., None].view(np.uint8)
    return "Q4_1", np.concatenate([halves, least, packed], axis=2).reshape(rows, -1)
