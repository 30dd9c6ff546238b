import os
import subprocess
import sys
from pathlib import Path

import psutil

from compress_compare.engines import processes

from .conftest import until

SOURCES = Path(processes.__file__).parents[1]
HOLDS = "held = b'x' * 200_000_000; print('holding', flush=True); input()"


def test_a_process_is_known_by_id_and_start_time():
    mine = processes.identity(os.getpid())
    assert processes.alive(mine)
    assert not processes.alive(f"{os.getpid()}:0")
    for text in ("", f"{os.getpid()}:", f"{os.getpid()}", f"{os.getpid()}:x", "x:1", ":1", f"-{mine}"):
        assert not processes.alive(text)


def test_an_id_that_is_used_again_is_another_process():
    pid, _, started = processes.identity(os.getpid()).partition(":")
    assert not processes.alive(f"{pid}:{float(started) - 5:.2f}")
    assert processes.alive(f"{pid}:{float(started) + 1:.2f}")


def test_the_start_does_not_depend_on_the_clock(monkeypatch):
    mine = processes.identity(os.getpid())
    created, booted = psutil.Process.create_time, psutil.boot_time
    monkeypatch.setattr(psutil.Process, "create_time", lambda self: created(self) + 3600)
    monkeypatch.setattr(psutil, "boot_time", lambda: booted() + 3600)
    assert processes.alive(mine)


def test_a_process_that_does_not_run_has_no_start():
    assert processes.identity(2**22 + 1) == f"{2**22 + 1}:"
    assert not processes.alive(f"{2**22 + 1}:12.00")
    assert processes.resident(2**22 + 1) == 0


def test_a_dead_process_is_not_alive_even_before_it_is_waited_for():
    child = subprocess.Popen(["sleep", "300"], start_new_session=True)
    identity = processes.identity(child.pid)
    until(lambda: "sleep" in processes._command(child.pid))
    processes.reap(identity)
    assert processes.alive(identity), "a process that is no worker was killed because somebody named it"
    processes.reap(identity, commands=["sleep"])
    assert not processes.alive(identity)
    assert child.wait() == -9


def test_what_a_process_holds_is_resident():
    child = subprocess.Popen([sys.executable, "-c", HOLDS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "holding\n"
    assert 200_000_000 < processes.resident(child.pid) < 400_000_000
    child.communicate("\n", timeout=60)


def test_memory_of_this_process_and_of_the_machine():
    assert processes.virtual() > processes.resident(os.getpid()) > 10_000_000
    assert processes.total_memory() == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def test_nothing_reads_the_process_table_itself():
    """A limit that is read from there does nothing on a system that has none."""
    table = "/pro" + "c/"
    assert [path.name for path in SOURCES.rglob("*.py") if table in path.read_text(encoding="utf-8")] == []
