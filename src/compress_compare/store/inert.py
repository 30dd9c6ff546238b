"""The tensors of a PyTorch file that holds other objects too: these are never made, and nothing of them is run.

PyTorch's restricted loader knows the few functions that put tensors together. For every other name that the file would
import it is given a class that takes any arguments and does nothing, so that a ``Path`` or a ``Namespace`` leaves a
placeholder.
"""

from __future__ import annotations

import collections
from _compat_pickle import NAME_MAPPING
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from ..readers.pickle_stack import Filled
from ..readers.torch_scan import QUANTIZED, is_allowed

LOADED = (
    "collections.Counter", "builtins.set", "__builtin__.set", "torch._tensor._rebuild_from_type_v2",
    "torch._utils._rebuild_wrapper_subclass", "torch.serialization._get_layout",
)  # fmt: skip
"""Names that PyTorch's restricted loader knows besides."""

CONTAINERS = (dict, collections.OrderedDict, list, tuple)


class Inert:
    """Stands for an object that was not made."""

    made_of = ""

    def __new__(cls, *_: Any, **__: Any) -> Inert:
        """Takes anything."""
        return object.__new__(cls)

    def __init__(self, *_: Any, **__: Any) -> None:
        return

    def __setstate__(self, _: Any) -> None:
        return

    def __setitem__(self, _: Any, __: Any) -> None:
        return

    def append(self, _: Any) -> None:
        """Takes an item of a list."""

    def extend(self, _: Any) -> None:
        """Takes items of a list."""

    def add(self, _: Any) -> None:
        """Takes an item of a set."""


def load(file: Path | BinaryIO, names: Mapping[str, Filled]) -> Any:
    """What a PyTorch file holds, with placeholders for all but tensors, numbers, texts and their containers.

    Args:
        file: its path, or the open file; it was looked through.
        names: what its pickle would import, and as what it would fill it.
    """
    import torch

    called = {today: kind for name, kind in names.items() for today in _of_today(name)}
    stand_ins: list[Any] = [(_stand_in(name, kind), name) for name, kind in called.items() if not is_known(name)]
    with torch.serialization.safe_globals(stand_ins):
        return torch.load(file, map_location="cpu", weights_only=True)


def is_known(name: str) -> bool:
    """Whether PyTorch's own loader makes it."""
    return name in QUANTIZED or name in LOADED or is_allowed(name)


def _of_today(name: str) -> set[str]:
    """What the loader may call a name that pickles of protocol 2 write as Python 2 had it."""
    module, _, last = name.rpartition(".")
    plain = name.replace("__builtin__.", "builtins.").replace("copy_reg.", "copyreg.")
    return {plain, ".".join(NAME_MAPPING.get((module, last), (module, last))) if module else plain}


def _stand_in(name: str, kind: Filled) -> Any:
    if name == "collections.defaultdict":
        return _mapping
    if kind:
        made: Any = collections.OrderedDict if kind == "dict" else list
        return type("InertFilled", (), {"__new__": lambda *_, **__: made()})
    if name.startswith("torchao.") and name.endswith("Tensor"):
        return _tensor_class(name)
    return type("Inert", (Inert,), {"made_of": name})


def _tensor_class(name: str) -> Any:
    """A class of tensors that does nothing but keep the tensors that it is made of."""
    import torch

    def refuse(*_: Any, **__: Any) -> Any:
        return NotImplemented

    space = {"made_of": name, "__torch_dispatch__": classmethod(refuse), "__setstate__": _keep}
    return type("InertTensor", (torch.Tensor,), space)


def _keep(tensor: Any, state: Any) -> None:
    state = next((each for each in state if isinstance(each, dict)), {}) if isinstance(state, tuple) else state
    tensor.parts = {name: each for name, each in state.items() if hasattr(each, "layout")}


def inert(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Where placeholders stand in what was loaded, each with the name of the class that was not made."""
    seen: set[int] = set()
    left: list[tuple[str, Any]] = [(key, value)]
    while left:
        where, one = left.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, Inert):
            yield where, type(one).made_of
        elif type(one) in (dict, collections.OrderedDict):
            left.extend((f"{where}.{name}" if where else str(name), each) for name, each in one.items())
        elif type(one) in CONTAINERS:
            left.extend((where, each) for each in one)


def _mapping(*given: Any) -> dict[Any, Any]:
    return dict(given[-1]) if given and isinstance(given[-1], dict) else {}
