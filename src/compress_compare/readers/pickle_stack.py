"""Which of the objects that a pickle would make it fills as dictionaries or lists, without making any.

A class that is derived from ``dict`` or ``list``, such as the configuration of many training programs, is filled item
by item after it was made; what stands for it must take the items.
"""

from __future__ import annotations

import pickletools
from typing import Any, Literal

Filled = Literal["", "dict", "list"]
_MARK = object()
_FILLS: dict[str, tuple[Filled, int]] = {
    "SETITEM": ("dict", 2), "SETITEMS": ("dict", 0), "APPEND": ("list", 1), "APPENDS": ("list", 0),
}  # fmt: skip
"""Steps that fill the object below: as what, and how many items they take, 0 for all down to a mark."""


class PickleStack:
    """Follows names of classes over the stack and the memory of a pickle, one step at a time.

    ``filled`` says of each name as what the objects made with it were filled.
    """

    def __init__(self) -> None:
        self.filled: dict[str, Filled] = {}
        self._stack: list[Any] = []
        self._memo: dict[Any, Any] = {}

    def step(self, opcode: pickletools.OpcodeInfo, argument: Any) -> None:
        """One step, as ``pickletools.genops`` gives it; steps that make no sense leave the stack as it can be."""
        name = opcode.name
        if name in _FILLS:
            kind, count = _FILLS[name]
            self._pop(count)
            if self._stack and isinstance(self._stack[-1], str):
                self.filled[self._stack[-1]] = kind
        elif name == "GLOBAL":
            self._stack.append(str(argument).replace(" ", "."))
        elif name in ("REDUCE", "NEWOBJ", "BUILD"):
            self._pop(1)  # what it is made with, or its state; its class stays for it
        elif name in ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"):
            place = len(self._memo) if name == "MEMOIZE" else argument
            self._memo[place] = self._stack[-1] if self._stack else None
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            self._stack.append(self._memo.get(argument))
        elif name == "MARK":
            self._stack.append(_MARK)
        elif name == "PROTO":
            self._stack, self._memo = [], {}
        else:
            self._other(opcode)

    def _other(self, opcode: pickletools.OpcodeInfo) -> None:
        before = opcode.stack_before
        self._pop(0 if pickletools.markobject in before else len(before), unless_none=not before)
        self._stack.extend(None for _ in opcode.stack_after)

    def _pop(self, count: int, *, unless_none: bool = False) -> None:
        if count:
            del self._stack[-count:]
        elif not unless_none:
            while self._stack and self._stack.pop() is not _MARK:
                pass
