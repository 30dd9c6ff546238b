"""What is sent arrives as what it was; what never was sent by us is refused."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

import compress_compare as cc
from compress_compare.errors import UserError
from compress_compare.records import Checkpoint, MetricValue, Reference, StoredFile
from compress_compare.remote import protocol
from compress_compare.remote.codec import decode, encode

VALUES = [
    None,
    True,
    7,
    -0.0,
    0.1,
    math.inf,
    -math.inf,
    "text \u202e",
    [1, [2]],
    (1, ("a", 2.5)),
    {"a": 1, "$": 2},
    {1: "a", "b": (2,)},
    cc.Operation("prune", amount=0.5, scope=["a"], deep={"x": 1}),
    cc.Metric("Accuracy", higher_is_better=True, min=0),
    MetricValue(math.inf, slice="8", count=3, protocol={"shots": 5}),
    Checkpoint("safetensors", (StoredFile("w.safetensors", "0" * 64, 12),)),
    Reference("teacher", "big"),
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_what_is_sent_arrives(value):
    found = decode(json.loads(json.dumps(encode(value), allow_nan=False)))
    assert found == value and type(found) is type(value)
    assert not isinstance(value, float) or math.copysign(1, found) == math.copysign(1, value)


def test_nan_and_numbers_of_numpy_arrive():
    assert math.isnan(decode(encode(math.nan)))
    assert math.isnan(decode(encode(MetricValue(math.nan))).value)
    assert encode(np.float32(0.5)) == 0.5 and encode(np.int64(3)) == 3


@pytest.mark.parametrize(
    "data",
    [
        {"$": "Path", "value": "/etc"},
        {"$": "Operation", "name": ""},
        {"$": "Operation"},
        {"$": "Metric", "nome": "x"},
        {"$": "float", "value": "1"},
        {"$": "dict", "items": [1]},
        {"$": "tuple"},
        {"$": ["Metric"]},
        {"$": "dict", "items": [[[1], 2]]},
    ],
)
def test_what_is_never_sent_is_refused(data):
    with pytest.raises(UserError):
        decode(data)


def test_what_cannot_be_sent_is_named():
    with pytest.raises(UserError, match="A object cannot be sent"):
        encode(object())


def test_what_a_client_says_of_itself_is_cut_to_its_form():
    said = {
        "host": "a",
        "command": "x" * 5000,
        "commit": 3,
        "dirty": "no",
        "user": "root",
        "packages": {"a": "1", "b": 2},
    }
    assert protocol.claimed(said) == {"host": "a", "command": "", "commit": None, "dirty": None, "packages": {"a": "1"}}
    assert protocol.claimed({}) == {}
