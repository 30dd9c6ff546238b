from __future__ import annotations

import pytest

from compress_compare import records
from compress_compare.analysis.coverage import Expectation
from compress_compare.comparisons.coverage import expectation


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (None, Expectation("weights")),
        (records.Operation("magnitude prune", amount=0.5), Expectation("weights")),
        (
            records.Operation("quantize", bits=4, targets=["fc"], ignore=["re:x.*"]),
            Expectation("weights", ("fc",), ("re:x.*",)),
        ),
        (records.Operation("finetune", epochs=1), Expectation("everything")),
        (records.Operation("low rank"), Expectation("everything")),
        (records.Operation("restore", targets=["LayerNorm"]), Expectation("everything", ("LayerNorm",))),
        (records.Operation("calibrate"), Expectation("statistics")),
        (records.Operation("something of another tool", targets=3), Expectation("weights")),
    ],
)
def test_what_operations_change(record: records.Operation | None, expected: Expectation) -> None:
    assert expectation(record) == expected
