import time

import torch
from torch import nn

from compress_compare.evaluation.latency import LatencySettings, latency

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
    settings = LatencySettings(batch=3, warm_up=2, runs=10)
    start = time.perf_counter()
    median, spread = latency(model, torch.zeros(5, 1, 8), settings=settings)
    assert 0.002 <= median.value <= time.perf_counter() - start
    assert spread.value >= 0
    assert median.device == spread.device == f"cpu ({TORCH}, 1 thread, batch 3, warm-up 2, runs 10)"
    assert median.count == 10
    assert model.shapes == [(3, 1, 8)] * 12
    assert model.threads == {1}


def test_standard_error_follows_from_the_range():
    median, spread = latency(Sleeper(), torch.zeros(1, 2), settings=LatencySettings(runs=4))
    assert median.standard_error == 0.93 * spread.value / 2


def test_threads_are_put_back():
    before = torch.get_num_threads()
    model = Sleeper()
    latency(model, torch.zeros(1, 2), settings=LatencySettings(threads=before + 1, runs=2))
    assert model.threads == {before + 1}
    assert torch.get_num_threads() == before
