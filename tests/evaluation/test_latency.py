import os
import time

import pytest
import torch
from torch import nn

from compress_compare.evaluation.latency import LatencySettings, divided, latency, summary
from compress_compare.evaluation.processes import in_processes

TORCH = f"PyTorch {torch.__version__.partition('+')[0]}"


class Sleeper(nn.Module):
    def __init__(self):
        super().__init__()
        self.shapes = []
        self.threads = set()

    def forward(self, x):
        self.shapes.append(tuple(x.shape))
        self.threads.add(torch.get_num_threads())
        time.sleep(0.002)
        return x


def test_the_number_is_the_time_and_says_how_it_was_taken():
    model = Sleeper()
    settings = LatencySettings(batch=3, warm_up=2, runs=10, processes=1)
    start = time.perf_counter()
    median, spread = latency(model, torch.zeros(5, 1, 8), settings=settings)
    assert 0.002 <= median.value <= time.perf_counter() - start
    assert spread.value >= 0
    assert median.device == spread.device == f"cpu ({TORCH}, 1 thread, batch 3, warm-up 2, runs 10)"
    assert median.count == 10
    assert model.shapes == [(3, 1, 8)] * 12
    assert model.threads == {1}


def test_standard_error_follows_from_the_range():
    median, spread = latency(Sleeper(), torch.zeros(1, 2), settings=LatencySettings(runs=4, processes=1))
    assert median.standard_error == 0.93 * spread.value / 2


def test_threads_are_put_back():
    before = torch.get_num_threads()
    model = Sleeper()
    latency(model, torch.zeros(1, 2), settings=LatencySettings(threads=before + 1, runs=2))
    assert model.threads == {before + 1}
    assert torch.get_num_threads() == before


def test_the_passes_are_divided_among_processes():
    model = Sleeper()
    median, _ = latency(model, torch.zeros(1, 2), settings=LatencySettings(warm_up=1, runs=10))
    assert median.device == f"cpu ({TORCH}, 1 thread, batch 1, warm-up 1, runs 10, 5 processes)"
    assert median.count == 10
    assert median.value >= 0.002
    assert model.shapes == []  # the copies have models of their own


def test_several_threads_are_measured_in_this_process():
    model = Sleeper()
    median, _ = latency(model, torch.zeros(1, 2), settings=LatencySettings(threads=2, warm_up=0, runs=4))
    assert median.device == f"cpu ({TORCH}, 2 threads, batch 1, warm-up 0, runs 4)"
    assert len(model.shapes) == 4


def test_the_interval_holds_what_differs_between_processes():
    """By hand: process medians 1, 2, 3, 4, 5 have the standard deviation √2.5 and the mean's error √2.5/√5 = 0.7071.

    Student's t with 4 degrees has 2.7764 where the normal has 1.9600: ±1.96 of 1.0016 is ±2.7764 of 0.7071. Within the
    processes nothing differs, and the quartiles of all are 2 and 4: 0.93 · 2 / √10 = 0.588 is less.
    """
    median, spread = summary([[value, value] for value in (1.0, 2.0, 3.0, 4.0, 5.0)], device="x")
    assert (median.value, spread.value, median.count) == (3.0, 2.0, 10)
    assert median.standard_error == pytest.approx(0.70711 * 2.77645 / 1.95996, rel=1e-5)
    median, _ = summary([[1.0, 2.0, 3.0, 4.0, 5.0]] * 2, device="x")
    assert median.standard_error == pytest.approx(0.93 * 2 / 10**0.5)


def test_each_process_is_another_and_without_an_answer_there_is_nothing():
    here = os.getpid()
    found = in_processes(lambda: [float(os.getpid())], 3)
    assert len({one for (one,) in found} | {float(here)}) == 4

    def fails_elsewhere():
        if os.getpid() != here:
            raise ValueError
        return [7.0]

    assert in_processes(fails_elsewhere, 2) == []
    assert divided(lambda runs: fails_elsewhere() * runs, LatencySettings(runs=10), device="cpu") == [[7.0] * 10]


def test_much_is_brought_back_whole():
    assert in_processes(lambda: [float(i) for i in range(50_000)], 2) == [[float(i) for i in range(50_000)]] * 2


def test_what_is_measured_unless_something_else_is_said():
    assert LatencySettings() == LatencySettings(batch=1, threads=1, warm_up=5, runs=50, processes=5)
    said = LatencySettings(batch=2, threads=3, warm_up=4, runs=7).describe("cuda", runtime="X 1", processes=1)
    assert said == "cuda (X 1, 3 threads, batch 2, warm-up 4, runs 7)"
    assert LatencySettings().describe("cpu", runtime="X", processes=2).endswith("runs 50, 2 processes)")


@pytest.mark.parametrize(
    ("settings", "device", "count"),
    [
        ({}, "cpu", 5),
        ({"runs": 3}, "cpu", 3),
        ({"runs": 0}, "cpu", 1),
        ({"processes": 1}, "cpu", 1),
        ({"processes": 0}, "cpu", 1),
        ({"threads": 2}, "cpu", 1),
        ({}, "cuda", 1),
    ],
)
def test_among_how_many_processes_passes_are_divided(settings, device, count):
    assert LatencySettings(**settings).shared(device) == count


def test_each_process_has_as_many_passes_rounded_up():
    asked = []

    def measure(runs):
        asked.append(runs)
        return [float(runs)] * runs

    assert divided(measure, LatencySettings(runs=7, processes=2), device="cpu") == [[4.0] * 4] * 2
    assert divided(measure, LatencySettings(runs=7, processes=1), device="cpu") == [[7.0] * 7]
    assert asked == [7]  # the others were asked in processes of their own
