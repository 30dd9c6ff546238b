import os
import subprocess

from compress_compare.engines import processes


def test_a_process_is_known_by_id_and_start_time():
    mine = processes.identity(os.getpid())
    assert processes.alive(mine)
    assert not processes.alive(f"{os.getpid()}:0")
    assert not processes.alive("") and not processes.alive(f"{os.getpid()}:")
    assert processes.resident(os.getpid()) > 10_000_000


def test_a_dead_process_is_not_alive_even_before_it_is_waited_for():
    child = subprocess.Popen(["sleep", "300"], start_new_session=True)
    identity = processes.identity(child.pid)
    processes.reap(identity)
    assert not processes.alive(identity)
    assert child.wait() == -9


def test_ps_says_the_same_where_there_is_no_proc():
    assert processes._started_by_ps(os.getpid())
    assert processes._started_by_ps(2**22 + 1) == ""
