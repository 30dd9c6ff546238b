"""The table of formats in which a model can be shipped, by the name that the command line uses."""

from __future__ import annotations

from collections.abc import Mapping

from .. import plugins
from ..errors import InvalidValue
from .base import Format
from .formats.compressed_tensors import CompressedTensorsFormat
from .formats.coreml import CoremlFormat
from .formats.executorch import ExecutorchFormat
from .formats.gguf import GgufFormat
from .formats.litert import LitertFormat
from .formats.onnx import OnnxFormat
from .formats.openvino import OpenvinoFormat
from .formats.packed import PackedFormat
from .formats.safetensors import SafetensorsFormat
from .formats.torchao import TorchaoFormat

BUILT_IN: tuple[type[Format], ...] = (
    PackedFormat,
    SafetensorsFormat,
    OnnxFormat,
    GgufFormat,
    CompressedTensorsFormat,
    OpenvinoFormat,
    CoremlFormat,
    TorchaoFormat,
    ExecutorchFormat,
    LitertFormat,
)
FORMATS: Mapping[str, Format] = {format.name: format() for format in BUILT_IN}


def added() -> list[plugins.Added[Format]]:
    """The formats of other packages, each with the error if it cannot be used."""
    return plugins.added("format", FORMATS, load=_load)


def available() -> dict[str, Format]:
    """All formats: the built-in ones and those of entry points in the group ``compress_compare.formats``.

    Raises:
        UserError: ``format.entry_point`` naming the package whose format cannot be loaded or takes a taken name.
    """
    return plugins.joined(FORMATS, added())


def choose(name: str) -> Format:
    """A format by its name.

    Raises:
        InvalidValue: ``ship.unknown_format``.
    """
    known = available()
    if name not in known:
        hint = f"Choose one of: {', '.join(known)}."
        raise InvalidValue("ship.unknown_format", f"There is no format {name[:80]!r}.", hint=hint)
    return known[name]


def _load(plugin: plugins.Plugin) -> tuple[str, Format]:
    loaded = plugin.load()
    if isinstance(loaded, type) and issubclass(loaded, Format):
        loaded = loaded()
    if not isinstance(loaded, Format) or not getattr(loaded, "name", ""):
        raise plugin.broken(f"{plugin.value} is not a format.")
    return loaded.name, loaded
