"""The tensors of a PyTorch file that holds other objects too: these are never made, and nothing of them is run.

An unpickler knows the few functions that put tensors together. For every other name it hands out a class that takes any
arguments and does nothing, so that a scheduler's ``Counter``, a ``Path`` or a ``Namespace`` leaves a placeholder.
"""

from __future__ import annotations

import collections
import pickle
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ..readers.torch_scan import ALLOWED, DTYPES, QUANTIZED

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


class Parts:
    """A tensor of a class that is not made, with the tensors that it keeps."""

    def __init__(self, kind: str, tensors: dict[str, Any]) -> None:
        self.kind = kind
        self.tensors = tensors


def load(path: Path) -> Any:
    """What a PyTorch file holds, with placeholders for all but tensors, numbers, texts and their containers."""
    import torch

    module = SimpleNamespace(
        Unpickler=_Unpickler, load=_load, loads=None, __name__="inert", UnpicklingError=pickle.UnpicklingError
    )
    return torch.load(path, map_location="cpu", weights_only=False, pickle_module=module)


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


class _Unpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str, /) -> Any:
        what = f"{module_name}.{global_name}"
        if what == "torch._tensor._rebuild_from_type_v2":
            return _rebuilt
        if what == "_codecs.encode":
            return _encoded
        if what in ("collections.defaultdict", "collections.Counter"):
            return _mapping
        known = module_name == "torch" and (global_name in DTYPES or "float8" in global_name)
        if known or what in ALLOWED or what in QUANTIZED:
            return super().find_class(module_name, global_name)
        return type("Inert", (Inert,), {"made_of": what})


def _load(file: Any, **options: Any) -> Any:
    return _Unpickler(file, **options).load()


def _rebuilt(_: Any, kind: Any, __: Any, state: Any, /) -> Any:
    """A tensor of a class of its own: the tensors in its state."""
    state = next((each for each in state if isinstance(each, dict)), {}) if isinstance(state, tuple) else state
    tensors = {name: each for name, each in state.items() if hasattr(each, "layout")} if isinstance(state, dict) else {}
    return Parts(getattr(kind, "made_of", "a class of tensors"), tensors)


def _encoded(text: Any, _: Any = "latin1", /) -> bytes:
    return text.encode("latin1") if isinstance(text, str) else b""


def _mapping(*given: Any) -> dict[Any, Any]:
    return dict(given[0]) if given and isinstance(given[0], dict) else {}
