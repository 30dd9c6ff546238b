"""Workers that are forked from one process, which draw numbers of their own and do without it when it is gone."""

import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from compress_compare.engines import LocalEngine, Running
from compress_compare.engines.launching import SPARE, Launcher
from compress_compare.engines.processes import LAUNCHER, WORKER
from compress_compare.store.forker import CAN_FORK

from .conftest import drive, misbehaving, process_of, until

pytestmark = pytest.mark.skipif(not CAN_FORK, reason=f"Workers are not forked on {sys.platform}.")


@pytest.fixture
def engine():
    SPARE.end()
    made = LocalEngine(2)
    yield made
    made.close()
    SPARE.end()


def numbers(engine, folder: Path, name: str) -> list[str]:
    """What a worker says about itself: parent, whether torch was there before its task, three random numbers."""
    folder.joinpath(name).mkdir()
    work = misbehaving(folder / name, "numbers")
    engine.submit(work)
    drive(engine, work.id)
    return (work.folder / "log").read_text().splitlines()[:5]


def launchers() -> list[psutil.Process]:
    alive = [one for one in psutil.Process().children() if one.status() != psutil.STATUS_ZOMBIE]
    return [one for one in alive if LAUNCHER in " ".join(one.cmdline())]


def launcher() -> psutil.Process:
    """The one that there is; one that was started just now may not show its command yet."""
    until(lambda: bool(launchers()))
    return launchers()[0]


def test_workers_are_forked_from_one_process_and_draw_different_numbers(engine, tmp_path):
    first, second = (numbers(engine, tmp_path, name) for name in ("first", "second"))
    assert first[0] == second[0] == str(launcher().pid)
    assert first[1] == "torch is there"
    assert first[2] != second[2], "random"
    assert first[3] != second[3], "NumPy"


def test_the_process_is_kept_for_the_next_engine_with_the_same_environment(engine, tmp_path, monkeypatch):
    before = numbers(engine, tmp_path, "first")[0]
    engine.close()
    after = LocalEngine(1)
    assert numbers(after, tmp_path, "second")[0] == before
    after.close()
    monkeypatch.setenv("TZ", "Europe/Paris")
    other = LocalEngine(1)
    assert numbers(other, tmp_path, "third")[0] != before
    other.close()
    (kept,) = launchers()
    kept.kill()
    kept.wait()
    last = LocalEngine(1)
    assert numbers(last, tmp_path, "fourth")[1] == "torch is there"
    last.close()
    SPARE.end()
    assert launchers() == []


def test_without_the_process_a_worker_is_started_by_itself(engine, tmp_path):
    work = misbehaving(tmp_path, "sleep")
    worker = psutil.Process(int(process_of(engine.submit(work)).partition(":")[0]))
    launcher().kill()
    assert drive(engine, work.id).reason == "worker_lost(signal 9)"
    until(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)
    assert numbers(engine, tmp_path, "next")[0] == str(launcher().pid)


def test_one_that_ends_before_it_forks_costs_nothing(engine, tmp_path):
    engine.submit(misbehaving(tmp_path, "exit 3"))
    launcher().kill()
    assert drive(engine, "exit 3").reason == "exit_code(3)"


def test_what_is_cancelled_before_it_runs_is_cancelled(engine, tmp_path):
    engine.submit(misbehaving(tmp_path, "sleep"))
    launcher().send_signal(signal.SIGSTOP)
    engine.cancel("sleep")
    assert isinstance(engine.poll("sleep"), Running)
    launcher().send_signal(signal.SIGCONT)
    assert drive(engine, "sleep").state == "cancelled"


def test_one_that_hangs_is_done_without(engine, tmp_path, monkeypatch):
    monkeypatch.setattr("compress_compare.store.forker.PATIENCE_S", 0.2)
    engine.submit(misbehaving(tmp_path, "exit 3"))
    launcher().send_signal(signal.SIGSTOP)
    assert drive(engine, "exit 3").reason == "exit_code(3)"
    assert launchers() == []


def test_single_work_is_not_forked(tmp_path):
    engine = LocalEngine(1, forks=False)
    worker = int(process_of(engine.submit(misbehaving(tmp_path, "sleep"))).partition(":")[0])
    assert WORKER in " ".join(psutil.Process(worker).cmdline()) and psutil.Process(worker).ppid() == os.getpid()
    engine.close()
    assert not psutil.pid_exists(worker)
    Launcher(forks=False).close()
