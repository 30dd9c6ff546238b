"""The weights in a Keras ``.weights.h5``, read in a worker through h5py: arrays alone, nothing that leads elsewhere.

Source: Keras 3, ``saving.saving_lib`` and ``layers.Dense.quantize``. Variables of a layer stand in order under
``vars``; of 8 bits, the kernel is codes, divided by the scale of an output, which comes last.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..analysis.layers.values import Array
from ..errors import InvalidValue
from .converted import KEY, Found, stored
from .safetensors_header import MAX_TENSORS, shown

MAX_RATIO = 100
SMALL = 1 << 26
MAX_DEPTH = 64
FILTERS = ("gzip", "lzf", None)
VARS = ".vars."


def load(path: Path, name: str) -> Found:
    """The arrays of a file, and how it stored those that are codes.

    Raises:
        InvalidValue: ``model.unsupported_unsafe_format`` for links out of the file, ``model.expansion_limit``,
            ``model.not_a_checkpoint``, ``model.no_tensors``, ``model.too_many_tensors``.
    """
    h5py: Any = importlib.import_module("h5py")
    arrays: dict[str, Array] = {}
    try:
        with h5py.File(path, "r", locking=False) as file:
            for key, dataset in _datasets(file, h5py, name):
                if dataset.dtype.kind in "fiub" and dataset.shape is not None:
                    arrays[key] = np.asarray(dataset[()])
                if len(arrays) > MAX_TENSORS:
                    raise InvalidValue("model.too_many_tensors", f"{name!a} holds more than {MAX_TENSORS:,} arrays.")
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise InvalidValue(
            "model.not_a_checkpoint", f"{name!a} is not a file of weights that HDF5 can read, or it is cut off.",
            hint="Check the download. model.save_weights(path) writes such a file.",
        ) from error  # fmt: skip
    if not arrays:
        raise InvalidValue("model.no_tensors", f"{name!a} holds no array of numbers.")
    return _decoded(arrays)


def _datasets(group: Any, h5py: Any, name: str, *, place: str = "", seen: tuple[int, ...] = ()) -> Iterator[Any]:
    """Each dataset below a group by its name, after a look at how it is reached and where its numbers are."""
    for key in group:
        where = f"{place}.{key}" if place else str(key)
        if not isinstance(group.get(key, getlink=True), h5py.HardLink):
            raise _leaves(name, where, "is a link to another place")
        one = group[key]
        if isinstance(one, h5py.Dataset):
            _check(one, where, name)
            yield where, one
        elif isinstance(one, h5py.Group):
            address = int(h5py.h5o.get_info(one.id).addr)
            if address in seen or len(seen) > MAX_DEPTH:
                raise _leaves(name, where, "leads back to itself, or is nested too deeply")
            yield from _datasets(one, h5py, name, place=where, seen=(*seen, address))


def _check(dataset: Any, where: str, name: str) -> None:
    if dataset.external or dataset.is_virtual:
        raise _leaves(name, where, "has its numbers in another file")
    if dataset.compression not in FILTERS:
        raise _leaves(name, where, "is compressed by a plug-in")
    needed, held = dataset.nbytes, dataset.id.get_storage_size()
    if needed > SMALL and needed > MAX_RATIO * max(held, 1):
        raise InvalidValue(
            "model.expansion_limit", f"{name!a} would take far more memory than its size.",
            detail=f"Array {shown(where)} needs {needed:,} bytes and has {held:,}; the limit is {MAX_RATIO}:1.",
        )  # fmt: skip


def _leaves(name: str, where: str, how: str) -> InvalidValue:
    return InvalidValue(
        "model.unsupported_unsafe_format", f"{name!a} is not opened: {shown(where)} {how}.",
        hint="Save the weights again with model.save_weights(path), where you trust the file.",
    )  # fmt: skip


def _decoded(arrays: dict[str, Array]) -> Found:
    """The numbers in use, and how the file stored those that were codes."""
    layers: dict[str, list[str]] = {}
    for key in arrays:
        layer, dot, at = key.rpartition(VARS)
        if dot and at.isdecimal():
            layers.setdefault(layer, []).append(at)
    found, said = {}, {}
    for key, array in arrays.items():
        layer, dot, at = key.rpartition(VARS)
        plain = f"{layer}.{at}" if dot else key
        found[plain] = np.ascontiguousarray(array)
        if dot and at == "0" and array.dtype == np.int8 and array.ndim >= 2:
            places = sorted(layers[layer], key=int)
            scale = _scale(array, [arrays[f"{layer}{VARS}{each}"] for each in places[1:]])
            num_bytes = array.nbytes + (0 if scale is None else scale.nbytes)
            said[plain] = stored(dtype="int8", num_bytes=num_bytes, bits=8)
            if scale is None:
                said[plain]["unread"] = "Keras, int8 or int4"
            else:
                found[plain] = array.astype(np.float32) / scale
    for plain in [each for each, one in said.items() if "unread" not in one]:
        layer = plain.rpartition(".")[0]
        del found[f"{layer}.{max(map(int, layers[layer]))}"]
    return found, {KEY: said, "order": list(found)} if said else {"order": list(found)}


def _scale(codes: Array, others: list[Array]) -> Array | None:
    """The scale of each output by which 8-bit codes of a dense layer are divided; ``None`` where it is not certain."""
    if codes.ndim != 2 or not 1 <= len(others) <= 2 or any(each.dtype.kind != "f" for each in others):
        return None
    outputs = codes.shape[1:]
    is_square = codes.shape[0] == codes.shape[1]
    if any(each.shape != outputs for each in others) or (is_square and len(others) < 2):
        return None
    return others[-1].astype(np.float32)
