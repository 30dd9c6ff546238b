from __future__ import annotations

import copy
import json

from torch import nn

from compress_compare.operations import kept


def test_what_was_kept_composes() -> None:
    model = nn.Linear(3, 2)
    assert kept.of(model) == {}
    kept.attach(model, {"weight": {0: [0, 2, 5, 7]}})
    kept.attach(model, {"weight": {0: [1, 3], 1: [4]}, "bias": {0: [1]}})
    assert kept.of(model) == {"weight": {0: [2, 7], 1: [4]}, "bias": {0: [1]}}
    assert kept.of(copy.deepcopy(model)) == kept.of(model)


def test_json_and_back() -> None:
    model = nn.Linear(3, 2)
    kept.attach(model, {"weight": {0: [2, 7], 1: [4]}})
    assert kept.from_json(json.loads(json.dumps(kept.to_json(kept.of(model))))) == kept.of(model)
