"""What every engine does: each way to end has its reason, nothing survives, and cancelling is prompt.

It holds for workers that are spawned, for those that are forked, for jobs of a SLURM cluster, and, in `test_ray`, for
tasks of a Ray cluster.
"""

import os
import signal
import time

import pytest

from compress_compare.engines import Limits, Running
from compress_compare.engines.processes import alive, identity

from .conftest import drive, misbehaving, until, worker_of

SILENCE_S = 8.0
"""Longer than a worker takes to start on a busy machine."""
REASONS = {
    "raise": ("config.task", "ValueError: a step that raises"),
    "segfault": ("worker_lost(signal 11)", "job.worker_lost"),
    "abort": ("worker_lost(signal 6)", "job.worker_lost"),
    "exit 0": ("no_result", "job.no_result"),
}


@pytest.mark.parametrize("trouble", REASONS)
def test_f16_each_way_to_fail_has_its_reason(make_engine, tmp_path, trouble):
    engine = make_engine()
    engine.submit(misbehaving(tmp_path, trouble))
    outcome = drive(engine, trouble)
    reason, words = REASONS[trouble]
    assert (outcome.state, outcome.reason) == ("failed", reason)
    assert words in str(outcome.error) and outcome.error["title"] and outcome.error["hint"]


def test_f16_output_without_end_is_capped_and_marked(make_engine, tmp_path):
    engine = make_engine(Limits(log=100_000))
    work = misbehaving(tmp_path, "print")
    engine.submit(work)
    drive(engine, "print")
    log = (work.folder / "log").read_bytes()
    assert 100_000 < len(log) < 100_200
    assert log.endswith(b"more are left out]\n")


@pytest.mark.parametrize("delay", [0.05, 0.6])
def test_f2_a_killed_worker_is_known_at_once_and_the_next_one_starts(make_engine, tmp_path, delay):
    engine = make_engine()
    work = misbehaving(tmp_path, "sleep")
    engine.submit(work)
    worker = worker_of(work)
    time.sleep(delay)
    os.kill(int(worker.split(":")[0]), signal.SIGKILL)
    assert drive(engine, "sleep").reason == "worker_lost(signal 9)"
    engine.submit(misbehaving(tmp_path, "exit 3"))
    assert drive(engine, "exit 3").reason == "exit_code(3)"


def test_f14_a_worker_over_its_memory(make_engine, tmp_path):
    engine = make_engine(Limits(memory=300_000_000))
    engine.submit(misbehaving(tmp_path, "memory"))
    outcome = drive(engine, "memory")
    assert outcome.reason == "out_of_memory"
    assert "300,000,000" in outcome.error["detail"] and "batches" in outcome.error["hint"]


def test_f15_a_stopped_worker_is_killed_after_its_heartbeat_limit(make_engine, tmp_path):
    engine = make_engine(Limits(heartbeat=SILENCE_S))
    engine.submit(misbehaving(tmp_path, "stop"))
    outcome = drive(engine, "stop")
    assert outcome.reason == f"worker_lost(no heartbeat for {SILENCE_S:g} s)"
    assert not alive(identity(int((tmp_path / "stopped").read_text())))


def test_f15_a_worker_that_ignores_the_polite_signal(make_engine, tmp_path):
    engine = make_engine(Limits(grace=0.5))
    work = misbehaving(tmp_path, "stubborn")
    engine.submit(work)
    until((tmp_path / "ready").exists)
    worker = worker_of(work)
    engine.cancel("stubborn")
    assert drive(engine, "stubborn").state == "cancelled"
    assert not alive(worker)


def test_f15_no_grandchild_is_left_behind(make_engine, tmp_path):
    engine = make_engine()
    engine.submit(misbehaving(tmp_path, "grandchild"))
    drive(engine, "grandchild")
    pid = int((tmp_path / "grandchild").read_text())
    until(lambda: not alive(identity(pid)))


def test_cancelling_and_closing_end_what_sleeps(make_engine, tmp_path):
    engine = make_engine()
    engine.submit(misbehaving(tmp_path, "sleep"))
    assert isinstance(engine.poll("sleep"), Running)
    engine.cancel("sleep")
    assert drive(engine, "sleep").state == "cancelled"
    work = misbehaving(tmp_path, "sleep")
    engine.submit(work)
    worker = worker_of(work)
    engine.close()
    until(lambda: not alive(worker))


def test_another_supervisor_can_end_what_is_left(make_engine, tmp_path):
    engine, other = make_engine(), make_engine()
    work = misbehaving(tmp_path, "sleep")
    handle = engine.submit(work)
    worker = worker_of(work)
    other.reap(handle)
    assert not alive(worker)
    other.reap("1:not this start time")
    other.reap("")
    assert drive(engine, "sleep").reason == "worker_lost(signal 9)"


def test_a_worker_knows_no_secret_of_its_supervisor(make_engine, tmp_path, monkeypatch):
    monkeypatch.setenv("MY_API_TOKEN", "canary-1")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-2")
    engine = make_engine()
    work = misbehaving(tmp_path, "environment")
    engine.submit(work)
    drive(engine, "environment")
    log = (work.folder / "log").read_text()
    assert "'OMP_NUM_THREADS': '1'" in log and "canary" not in log
