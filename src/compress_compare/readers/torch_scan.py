"""What a PyTorch file would do if it were loaded, found out without loading it.

Classes that are neither known nor dangerous are let through: ``store.inert`` puts placeholders in their place.

The pickle inside is walked over opcode by opcode (``pickletools`` executes nothing), and the sizes of a zip archive are
read from its directory before anything is inflated.
"""

from __future__ import annotations

import io
import pickletools
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from ..errors import InvalidValue
from .pickle_stack import Filled, PickleStack
from .regular import open_regular
from .safetensors_header import check_start, shown

MAX_PICKLE = 64_000_000
MAX_OPCODES = 5_000_000
MAX_RATIO = 100
LEGACY_PICKLES = 5
"""A file without an archive is a row of pickles: magic number, version, system, object, keys of storages."""

DANGEROUS = {
    "builtins", "__builtin__", "os", "posix", "nt", "sys", "subprocess", "shutil", "socket", "importlib", "runpy",
    "code", "pty", "ctypes", "webbrowser", "pip", "operator", "signal", "timeit", "pdb",
    "bdb", "commands", "pickle", "_pickle", "marshal", "types", "multiprocessing", "threading", "asyncio", "requests",
    "urllib", "http", "torch.hub", "torch.utils.collect_env",
}  # fmt: skip
_TYPES = (
    "set", "frozenset", "complex", "bytearray", "slice", "range", "bytes", "list", "dict", "tuple", "int", "float",
    "bool", "str", "object", "long", "unicode", "xrange", "Ellipsis", "NotImplemented",
)  # fmt: skip
HARMLESS = {f"{module}.{name}" for module in ("builtins", "__builtin__") for name in _TYPES}
HARMLESS |= {"types.SimpleNamespace", "http.HTTPStatus"}
"""Names of dangerous modules that hold numbers, texts and other objects; placeholders stand for them as for others."""
ALLOWED = {
    "collections.OrderedDict", "torch.Size", "torch.device", "torch.nn.parameter.Parameter",
    "torch.serialization._get_layout", "torch.storage.UntypedStorage", "torch.storage.TypedStorage",
    "_codecs.encode",
} | {
    f"torch._utils._rebuild_{what}"
    for what in (
        "tensor", "tensor_v2", "tensor_v3", "parameter", "parameter_with_state", "sparse_tensor", "sparse_csr_tensor"
    )
}  # fmt: skip
QUANTIZED = {
    "torch._utils._rebuild_qtensor", "torch.per_tensor_affine", "torch.per_channel_affine",
    "torch.per_tensor_symmetric", "torch.per_channel_symmetric", "torch.qint8", "torch.quint8", "torch.qint32",
}  # fmt: skip
DTYPES = {
    "float32", "float", "float64", "double", "float16", "half", "bfloat16", "int8", "uint8", "int16", "int32", "int64",
    "bool", "uint16", "uint32", "uint64", "complex64", "complex128",
}  # fmt: skip


def scan(path: Path, name: str) -> dict[str, Filled]:
    """Refuse a file that is no checkpoint, would run code, is a whole module, or would grow beyond bounds.

    Args:
        path: of the file.
        name: how messages call it.

    Returns:
        The names of all that it would import, each with what it would then put into it.

    Raises:
        InvalidValue: ``model.empty_file``, ``model.not_a_checkpoint``, ``model.truncated``, ``model.unsafe_pickle``,
            ``model.contains_code``, ``model.expansion_limit``, ``input.*``.
    """
    with open_regular(path) as file:
        return scanned(file, path.stat().st_size, name=name)


def scanned(file: BinaryIO, size: int, *, name: str) -> dict[str, Filled]:
    """As ``scan``, of a file that is open; ``size`` is the number of its bytes."""
    start, stack = file.read(512), PickleStack()
    check_start(start, size, name=name)
    file.seek(0)
    if start.startswith(b"PK"):
        found = list(_globals(io.BytesIO(_archived(file, name)), 1, name=name, stack=stack))
    elif start.startswith(b"\x80") and start[1] in range(2, 6):
        found = list(_globals(file, LEGACY_PICKLES, name=name, stack=stack))
    else:
        raise _no_checkpoint(name, f"It starts with {start[:8]!a}.")
    _check_globals(found, name)
    return {what: stack.filled.get(what, "") for what, _ in found}


def _archived(file: BinaryIO, name: str) -> bytes:
    """The pickle in an archive."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            for member in members:
                _check_growth(member, name)
            if any("/code/" in member.filename for member in members):
                raise _code(name, "It holds a TorchScript program.")
            found = [member for member in members if member.filename.rpartition("/")[2] == "data.pkl"]
            if len(found) != 1:
                raise _no_checkpoint(name, "It is a zip archive without data.pkl.")
            if found[0].file_size > MAX_PICKLE:
                raise _too_much(name, f"Its pickle has {found[0].file_size:,} bytes; the limit is {MAX_PICKLE:,}.")
            return archive.read(found[0])
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise InvalidValue(
            "model.truncated",
            f"{name!a} is cut off or damaged.",
            detail="It is a zip archive whose end or whose directory is missing.",
            hint="Check the download.",
        ) from error


def _check_growth(member: zipfile.ZipInfo, name: str) -> None:
    ratio = member.file_size / max(member.compress_size, 1)
    if member.file_size > 1024 and ratio > MAX_RATIO:
        raise _too_much(name, f"{shown(member.filename)} would grow {ratio:,.0f}:1; the limit is {MAX_RATIO}:1.")


def _globals(file: BinaryIO, count: int, *, name: str, stack: PickleStack) -> Iterator[tuple[str, str]]:
    """What the pickles would import, each with the text that stands before it: the key under which it is."""
    seen, texts = 0, ["", ""]
    for _ in range(count):
        if not file.read(1):
            return
        file.seek(-1, io.SEEK_CUR)
        try:
            for opcode, argument, _position in pickletools.genops(file):
                seen += 1
                if seen > MAX_OPCODES:
                    raise _too_much(name, f"Its pickle has more than {MAX_OPCODES:,} steps.")
                stack.step(opcode, argument)
                if opcode.name in ("GLOBAL", "INST"):
                    yield str(argument).replace(" ", "."), texts[1]
                elif opcode.name == "STACK_GLOBAL":
                    yield ".".join(texts), ""
                elif isinstance(argument, str):
                    texts = [texts[1], argument]
        except (ValueError, IndexError, UnicodeDecodeError) as error:
            raise InvalidValue(
                "model.truncated", f"{name!a} is cut off or damaged.", detail="Its pickle ends early.",
                hint="Check the download.",
            ) from error  # fmt: skip


def _check_globals(found: Iterable[tuple[str, str]], name: str) -> None:
    foreign = [(what, key) for what, key in found if not is_allowed(what)]
    runs = [what for what, _ in foreign if _is_dangerous(what)]
    if runs:
        raise InvalidValue(
            "model.unsafe_pickle",
            f"{name!a} asks to run {runs[0]!a:.80} and is not opened.",
            hint="Do not load it. Ask who made it for a safetensors file.",
        )
    modules = [what for what, _ in foreign if what.startswith("torch.nn.modules.")]
    if modules:
        needed = f"torch.nn.{modules[0].rpartition('.')[2]}" if foreign[0][0] == modules[0] else foreign[0][0]
        raise _code(name, f"It needs the class {needed!a:.120}.")


def is_allowed(what: str) -> bool:
    """Whether a name is one of those that put plain tensors together."""
    module, _, last = what.rpartition(".")
    return what in ALLOWED or (module == "torch" and (last in DTYPES or last.endswith("Storage") or "float8" in last))


def _is_dangerous(what: str) -> bool:
    parts = what.split(".")
    return what not in HARMLESS and any(".".join(parts[:end]) in DANGEROUS for end in range(1, len(parts)))


def _no_checkpoint(name: str, detail: str) -> InvalidValue:
    hint = "A PyTorch checkpoint is what torch.save(model.state_dict(), path) writes."
    if name.lower().endswith(".bin"):
        hint += " Of an OpenVINO model, name the .xml file."
    return InvalidValue("model.not_a_checkpoint", f"{name!a} is not a PyTorch checkpoint.", detail=detail, hint=hint)


def _code(name: str, detail: str) -> InvalidValue:
    return InvalidValue(
        "model.contains_code",
        f"{name!a} holds a whole module, not only its weights.",
        detail=detail,
        hint="Save torch.save(model.state_dict(), path) instead, or a safetensors file.",
    )


def _too_much(name: str, detail: str) -> InvalidValue:
    return InvalidValue("model.expansion_limit", f"{name!a} would take far more memory than its size.", detail=detail)
