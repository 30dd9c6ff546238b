"""As what a pickle fills the objects that it makes, told without making any."""

import collections
import contextlib
import io
import pickle
import pickletools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compress_compare.readers.pickle_stack import PickleStack


class Mapping(dict):
    """Filled as a dictionary."""


class Sequence(list):
    """Filled as a list."""


class Plain:
    """Filled as neither."""


def filled(value, protocol=2):
    stack = PickleStack()
    for opcode, argument, _ in pickletools.genops(io.BytesIO(pickle.dumps(value, protocol))):
        stack.step(opcode, argument)
    return {name.rpartition(".")[2]: kind for name, kind in stack.filled.items()}


def test_each_class_is_filled_as_what_it_is_derived_from():
    plain = Plain()
    plain.inside = Mapping(a=1, b=[Sequence([1, 2]), Sequence([3])])
    value = {"x": plain, "y": [Mapping(), {"z": (1, Sequence())}], "again": plain.inside}
    assert filled(value) == {"Mapping": "dict", "Sequence": "list"}
    assert filled([plain.inside, plain.inside, collections.deque([1])]) == {
        "Mapping": "dict", "Sequence": "list", "deque": "list",
    }  # fmt: skip
    assert filled({"a": {"b": [1, (2, {3})]}, "c": Plain()}) == {}


def test_one_item_and_many_are_the_same():
    assert filled(Mapping(a=1)) == filled(Mapping(a=1, b=2)) == {"Mapping": "dict"}
    assert filled(Sequence([1])) == filled(Sequence(range(2000))) == {"Sequence": "list"}


@pytest.mark.filterwarnings("ignore:invalid escape:DeprecationWarning")
@given(st.binary(max_size=200), st.integers(0, 60))
def test_steps_that_make_no_sense_are_taken_without_an_error(content, cut):
    whole = pickle.dumps([Mapping(a=Sequence([1]))], 2)
    steps = []
    with contextlib.suppress(ValueError, IndexError, UnicodeDecodeError):
        for opcode, argument, _ in pickletools.genops(io.BytesIO(whole[:cut] + content + whole[cut:])):
            steps.append((opcode, argument))
    stack = PickleStack()
    for opcode, argument in steps:
        stack.step(opcode, argument)


@pytest.mark.parametrize("opcode", pickletools.opcodes, ids=lambda one: one.name)
def test_every_step_can_be_taken_on_an_empty_stack(opcode):
    PickleStack().step(opcode, 0)
