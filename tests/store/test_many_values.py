"""Many values of one model at once: each is stored as it was sent, whatever statement inserts them."""

import math

import pytest

import compress_compare as cc
from compress_compare.errors import Conflict
from compress_compare.records import MetricValue
from compress_compare.store.database import MANY

pytestmark = pytest.mark.usefixtures("each_backend")

STRANGE = [math.nan, math.inf, -math.inf, -0.0, 0.0, 5e-324, 1.7976931348623157e308, 3, 2**53 + 1.0, -1 / 3, True]


def sent(count):
    """That many metrics, of which every value differs in what is said of it."""
    values = {}
    for k in range(count):
        number = STRANGE[k % len(STRANGE)] if k % 2 else k / 7
        said = {"count": k + 1, "standard_error": k / 9} if k % 3 else {}
        where = {"device": f"device 'é\\{k}\""} if k % 5 == 0 else {"dataset": f"{{a,b}} {k}"} if k % 5 == 1 else {}
        values[f"metric {k}"] = [MetricValue(float(number), **said, **where), MetricValue(k, slice="NULL")]
    return values


@pytest.mark.parametrize("count", [1, MANY // 2 - 1, MANY // 2, 700])
def test_values_are_stored_as_they_were_sent(tmp_path, count):
    values = sent(count)
    with cc.open(tmp_path / "p") as project:
        project.log_model("other", metrics={"metric 0": 1.0})
        project.log_model("m")
        project.log_metrics("m", values)
        project.log_metrics("m", values)  # the same again changes nothing
        with pytest.raises(Conflict):
            project.log_metrics("m", {**values, "metric 0": [MetricValue(12.5, slice="NULL")]})
    with cc.open(tmp_path / "p") as project:
        found = project.model("m").metrics
        assert {name: len(each) for name, each in found.items()} == dict.fromkeys(values, 2)
        for name, each in values.items():
            assert {repr(one) for one in found[name]} == {repr(one) for one in each}
        assert {name: repr(each) for name, each in project.model("other").metrics.items()} == {
            "metric 0": repr((MetricValue(1.0),))
        }
