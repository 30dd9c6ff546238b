"""The data in a pickle, without making any of its objects: of each there is the name of its class and what it got.

A small stack machine over the opcodes that ``pickletools`` lists; it imports nothing and calls nothing. Sources:
``pickletools`` and PEP 3154.
"""

from __future__ import annotations

import pickletools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

MAX_STEPS = 5_000_000
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
EMPTY = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_SET": set, "EMPTY_TUPLE": tuple}
TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
IGNORED = ("PROTO", "FRAME")
DEFAULTS = "collections.defaultdict"
"""Read as the plain dictionary of its items: what it would make of missing ones is no data."""
OUTSIDE = "outside"
"""The name of what stands beside the pickle, such as the numbers of a tensor; it was given what says where."""


@dataclass(eq=False)
class Unmade:
    """An object that was not made.

    Args:
        name: of its class or of what would have made it, with its module.
        given: what that was given.
        state: its attributes, or its whole state where this is no dictionary.
    """

    name: str
    given: tuple[Any, ...] = ()
    state: Any = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        state = self.__dict__.get("state")
        if isinstance(state, dict) and name in state:
            return state[name]
        raise AttributeError(f"{self.__dict__.get('name')} has no {name}")


class _Mark:
    """Where a run of items starts on the stack."""


def contents(file: BinaryIO) -> Any:
    """What a pickle holds.

    Raises:
        ValueError: for what is no pickle, holds opcodes that no plain data needs, or is too long.
    """
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    try:
        for step, (opcode, argument, _) in enumerate(pickletools.genops(file)):
            if step > MAX_STEPS:
                raise ValueError(f"more than {MAX_STEPS:,} steps")
            if opcode.name == "STOP":
                return stack.pop()
            _step(opcode.name, argument, stack=stack, memo=memo)
    except (IndexError, KeyError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error
    raise ValueError("it does not end")


def _step(name: str, argument: Any, *, stack: list[Any], memo: dict[int, Any]) -> None:
    if name in IGNORED:
        return
    if name in CONSTANTS:
        stack.append(CONSTANTS[name])
    elif name in EMPTY:
        stack.append(EMPTY[name]())
    elif name == "MARK":
        stack.append(_Mark)
    elif name == "MEMOIZE":
        memo[len(memo)] = stack[-1]
    elif name in ("BINPUT", "LONG_BINPUT", "PUT"):
        memo[int(argument)] = stack[-1]
    elif name in ("BINGET", "LONG_BINGET", "GET"):
        stack.append(memo[int(argument)])
    elif name == "GLOBAL":
        stack.append(Unmade(str(argument).replace(" ", ".")))
    elif name == "STACK_GLOBAL":
        last, module = stack.pop(), stack.pop()
        stack.append(Unmade(f"{module}.{last}"))
    elif name in TUPLES:
        count = TUPLES[name]
        stack[-count:] = [tuple(stack[-count:])]
    elif argument is not None:
        stack.append(argument)  # numbers, texts, bytes
    else:
        _build(name, stack)


def _build(name: str, stack: list[Any]) -> None:
    if name == "TUPLE":
        stack.append(tuple(_since_mark(stack)))
    elif name in ("APPEND", "SETITEM"):
        count = 1 if name == "APPEND" else 2
        items = stack[-count:]
        del stack[-count:]
        _extend(stack[-1], items)
    elif name in ("APPENDS", "SETITEMS", "ADDITEMS"):
        items = list(_since_mark(stack))
        _extend(stack[-1], items)
    elif name in ("NEWOBJ", "REDUCE"):
        given, made = stack.pop(), stack.pop()
        stack.append({} if made.name == DEFAULTS else Unmade(made.name, tuple(given)))
    elif name == "BUILD":
        state = stack.pop()
        stack[-1].state = state
    elif name == "BINPERSID":
        stack.append(Unmade(OUTSIDE, (stack.pop(),)))
    elif name == "POP":
        stack.pop()
    else:
        raise ValueError(f"the opcode {name} is not plain data")


def _since_mark(stack: list[Any]) -> Iterator[Any]:
    at = len(stack) - 1 - stack[::-1].index(_Mark)
    items = stack[at + 1 :]
    del stack[at:]
    return iter(items)


def _extend(whole: Any, items: list[Any]) -> None:
    """Items into a container; an object that keeps items of its own, such as an ordered dictionary, lets them go."""
    if isinstance(whole, list):
        whole.extend(items)
    elif isinstance(whole, set):
        whole.update(items)
    elif isinstance(whole, dict):
        whole.update(zip(items[0::2], items[1::2], strict=True))
