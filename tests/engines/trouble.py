"""Tasks that misbehave before they are one. None needs torch."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from compress_compare.recipes import Task


def _raise(_folder):
    raise ValueError("a step that raises")


def _print(_folder):
    block = "x" * 1023 + "\n"
    for _ in range(30_000):
        sys.stdout.write(block)


def _memory(_folder):
    taken = []
    while True:
        taken.append(bytearray(b"x" * 20_000_000))
        time.sleep(0.01)


def _numbers(_folder):
    there = "torch is there" if "torch" in sys.modules else "no torch"
    lines = (os.getppid(), there, random.random(), np.random.random())
    sys.stdout.write("\n".join(map(str, lines)) + "\n")


def _grandchild(folder):
    child = subprocess.Popen(["sleep", "300"])
    Path(folder, "grandchild").write_text(str(child.pid))


def _environment(_folder):
    sys.stdout.write(repr(dict(os.environ)))


def _stubborn(folder):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Path(folder, "ready").touch()
    time.sleep(300)


def _stop(folder):
    Path(folder, "stopped").write_text(str(os.getpid()))
    os.kill(os.getpid(), signal.SIGSTOP)


TROUBLES = {
    "raise": _raise,
    "segfault": lambda _: os.kill(os.getpid(), signal.SIGSEGV),
    "abort": lambda _: os.abort(),
    "exit 0": lambda _: os._exit(0),
    "exit 3": lambda _: os._exit(3),
    "kill": lambda _: os.kill(os.getpid(), signal.SIGKILL),
    "stop": _stop,
    "memory": _memory,
    "print": _print,
    "grandchild": _grandchild,
    "stubborn": _stubborn,
    "environment": _environment,
    "numbers": _numbers,
    "sleep": lambda _: time.sleep(300),
}


def task(trouble, folder="") -> Task:
    TROUBLES[trouble](folder)
    return "no task"
