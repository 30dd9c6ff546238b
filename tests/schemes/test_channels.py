from __future__ import annotations

import copy
import json

from torch import nn

from compress_compare.schemes import channels


def test_what_was_kept_composes() -> None:
    model = nn.Linear(3, 2)
    assert channels.of(model) == {}
    channels.attach(model, {"weight": {0: [0, 2, 5, 7]}})
    channels.attach(model, {"weight": {0: [1, 3], 1: [4]}, "bias": {0: [1]}})
    assert channels.of(model) == {"weight": {0: [2, 7], 1: [4]}, "bias": {0: [1]}}
    assert channels.of(copy.deepcopy(model)) == channels.of(model)


def test_json_and_back() -> None:
    model = nn.Linear(3, 2)
    channels.attach(model, {"weight": {0: [2, 7], 1: [4]}})
    assert channels.from_json(json.loads(json.dumps(channels.to_json(channels.of(model))))) == channels.of(model)
