"""NumPy's ``.npy`` and ``.npz``: arrays mapped into memory where they lie in the file as they are.

Source: ``numpy.lib.format``, versions 1 to 3. The header is read here, so that nothing is unpickled and no array is
made larger than the file. Names in folders, as JAX gives them (``params/Dense_0/kernel``), become names of modules
(``params.Dense_0.kernel``).
"""

from __future__ import annotations

import ast
import math
import re
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ..analysis.layers.values import Array
from ..errors import InvalidValue
from .mapped import Mapped
from .regular import open_regular
from .safetensors_header import MAX_DIMENSIONS, MAX_NAME_BYTES, MAX_TENSORS, check_start, shown
from .weights import StoredTensor, Weights

MAGIC = b"\x93NUMPY"
MAX_HEADER = 10_000
MAX_RATIO = 100
SMALL = 1 << 26
MAX_INFLATED = 4 << 30
"""Bytes of compressed arrays, which are held in memory."""

TYPES = {
    "f2": "F16", "f4": "F32", "f8": "F64", "i1": "I8", "i2": "I16", "i4": "I32", "i8": "I64", "u1": "U8", "u2": "U16",
    "u4": "U32", "u8": "U64", "b1": "BOOL", "c8": "C64",
}  # fmt: skip
LOCAL = struct.Struct("<4s22xHH")
"""Of the header before a member of an archive: its mark, the lengths of its name and of what follows the name."""


@dataclass(frozen=True)
class ArrayHeader:
    """What stands before the numbers: type, shape, whether columns come first, and the length of it all."""

    kind: str
    shape: tuple[int, ...]
    by_columns: bool
    length: int


def read(path: Path, name: str | None = None) -> Weights:
    """The arrays of a file.

    Args:
        path: of the file.
        name: how messages call it; its ending says which of the two formats it has.

    Raises:
        InvalidValue: ``data.not_npz``, ``data.unsafe_pickle``, ``data.too_large``, ``model.truncated``,
            ``model.expansion_limit``, ``model.duplicate_tensor``, ``model.name_too_long``, ``model.too_many_tensors``,
            ``model.no_tensors``, ``input.*`` and those of a failed download.
    """
    called = name or path.name
    with open_regular(path) as file:
        start = file.read(512)
        check_start(start, path.stat().st_size, name=called)
        mapped = Mapped(file)
        if called.lower().endswith(".npy"):
            tensors = {Path(called).stem or "array": _array(called, mapped.bytes)}
        else:
            tensors = _members(file, mapped, called)
    if not tensors:
        raise InvalidValue("model.no_tensors", f"{called!a} holds no array.")
    return Weights(tensors, {"order": list(tensors)}, (mapped,))


def _members(file: BinaryIO, mapped: Mapped, called: str) -> dict[str, StoredTensor]:
    found: dict[str, StoredTensor] = {}
    try:
        with zipfile.ZipFile(file) as archive:
            listed = archive.infolist()
            if len(listed) > MAX_TENSORS:
                raise InvalidValue("model.too_many_tensors", f"{called!a} holds more than {MAX_TENSORS:,} arrays.")
            _check_growth(listed, called)
            for member in listed:
                name = _name(member.filename, called)
                if name in found:
                    raise InvalidValue("model.duplicate_tensor", f"Array {shown(name)} stands in {called!a} twice.")
                found[name] = _array(name, _content(archive, member, mapped.bytes))
    except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError, struct.error) as error:
        raise InvalidValue(
            "data.not_npz",
            f"{called!a} is not an archive of NumPy arrays, or it is cut off.",
            detail=f"{str(error).rstrip('.')!a:.200}.",
            hint="Check the download. numpy.savez(path, **arrays) writes such a file.",
        ) from error
    return found


def _check_growth(members: list[zipfile.ZipInfo], called: str) -> None:
    """Refuse an archive that would grow beyond bounds, before anything of it is inflated."""
    squeezed = [member for member in members if member.compress_type != zipfile.ZIP_STORED]
    most = max(squeezed, key=lambda one: one.file_size / max(one.compress_size, 1), default=None)
    is_bomb = most is not None and most.file_size > SMALL and most.file_size > MAX_RATIO * max(most.compress_size, 1)
    if is_bomb or sum(member.file_size for member in squeezed) > MAX_INFLATED:
        raise InvalidValue(
            "model.expansion_limit",
            f"{called!a} would take far more memory than its size.",
            detail=f"The limit is {MAX_INFLATED / 1e9:.1f} GB in all, and {MAX_RATIO}:1 for an array.",
            hint="Save it again with numpy.savez, which does not compress.",
        )


def _name(filename: str, called: str) -> str:
    name = filename.removesuffix(".npy").replace("/", ".")
    if len(name.encode(errors="surrogatepass")) > MAX_NAME_BYTES:
        raise InvalidValue(
            "model.name_too_long", f"An array of {called!a} has a name of more than {MAX_NAME_BYTES:,} bytes."
        )
    return name


def _content(archive: zipfile.ZipFile, member: zipfile.ZipInfo, raw: Array) -> Array:
    """The bytes of a member: in place where it is not compressed."""
    if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 1:
        return np.frombuffer(archive.read(member), np.uint8)
    start = member.header_offset
    mark, name, extra = LOCAL.unpack(raw[start : start + LOCAL.size].tobytes())
    start += LOCAL.size + name + extra
    if mark != b"PK\x03\x04" or start + member.file_size > raw.size:
        raise zipfile.BadZipFile("A member lies outside the file")
    return raw[start : start + member.file_size]


def _array(name: str, raw: Array) -> StoredTensor:
    header = _header(name, raw)
    numbers = raw[header.length :]
    dtype, size = _type(header.kind, name)
    needed = math.prod(header.shape) * size
    if needed != numbers.size:
        is_bomb = needed > MAX_RATIO * max(raw.size, SMALL)
        raise InvalidValue(
            "data.too_large" if is_bomb else "model.truncated",
            f"The shape of array {shown(name)} does not fit its bytes.",
            detail=f"It needs {needed:,} bytes, has {numbers.size:,}." if needed < 10**30 else "",
            hint="Check the download.",
        )
    if not dtype:
        is_void = header.kind.lstrip("<>|=").startswith("V")
        unread = f"NumPy as {header.kind!a:.40}, a number format that it does not name" if is_void else ""
        return StoredTensor("string" if not unread else "void", header.shape, needed, None, unread=unread)
    swapped, own = header.kind[0] == ">", numbers
    if swapped or header.by_columns:
        array = numbers.copy().view(f"V{size}") if size > 1 else numbers
        array = array.reshape(header.shape[::-1]).T if header.by_columns else array
        own = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        if swapped and size > 1:
            own = own.reshape(-1, size)[:, ::-1].reshape(-1).copy()
    return StoredTensor(dtype, header.shape, needed, Mapped.of(own, dtype, shape=header.shape))


def _header(name: str, raw: Array) -> ArrayHeader:
    start = raw[:12].tobytes()
    if start[:6] != MAGIC or len(start) < 12:
        raise InvalidValue(
            "data.not_npz", f"{shown(name)} is not a NumPy array.", detail=f"It starts with {start[:6]!a}."
        )
    before, length = (10, struct.unpack("<H", start[8:10])[0])
    if start[6] > 1:
        before, length = 12, struct.unpack("<I", start[8:12])[0]
    if start[6] not in (1, 2, 3) or length > MAX_HEADER or before + length > raw.size:
        raise _bad(name, "Its header is cut off, larger than 10,000 bytes, or of an unknown version.")
    try:
        said = ast.literal_eval(raw[before : before + length].tobytes().decode("utf-8").strip())
        kind, by_columns, shape = said["descr"], said["fortran_order"], tuple(said["shape"])
    except (ValueError, SyntaxError, KeyError, TypeError, RecursionError, MemoryError) as error:
        raise _bad(name, "Its header is not what NumPy writes.") from error
    sizes = all(type(size) is int and 0 <= size < 1 << 62 for size in shape)
    if not sizes or len(shape) > MAX_DIMENSIONS or not isinstance(by_columns, bool):
        raise InvalidValue("model.bad_shape", f"The shape of array {shown(name)} is not a list of sizes from 0 on.")
    if not isinstance(kind, str):
        raise InvalidValue(
            "model.bad_dtype", f"Array {shown(name)} is a table of several types, not numbers.",
            hint="Leave it out, or save its columns one by one.",
        )  # fmt: skip
    return ArrayHeader(kind, shape, by_columns, before + length)


def _type(kind: str, name: str) -> tuple[str, int]:
    """Our name of a number format, empty for texts and what NumPy does not know, and the bytes of an entry."""
    found = re.fullmatch(r"[<>|=]?([a-zA-Z])(\d{1,9})", kind)
    if kind.lstrip("<>|=")[:1] == "O":
        raise InvalidValue(
            "data.unsafe_pickle",
            f"Array {shown(name)} holds Python objects, which can run code when they are loaded; it is not opened.",
            hint="Save arrays of numbers alone.",
        )
    if found is None or (found[1] + found[2] not in TYPES and found[1] not in "VSUc"):
        raise InvalidValue(
            "model.bad_dtype", f"Array {shown(name)} has the unknown type {kind!a:.40}.",
            hint="Leave it out, or save it as numbers of at most 64 bits: array.astype('float64').",
        )  # fmt: skip
    size = int(found[2]) * (4 if found[1] == "U" else 1)
    return TYPES.get(found[1] + found[2], ""), size


def _bad(name: str, detail: str) -> InvalidValue:
    return InvalidValue("model.bad_header", f"Array {shown(name)} cannot be read.", detail=detail, hint="Check it.")
