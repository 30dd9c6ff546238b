"""A real SLURM cluster of one node, on loopback ports, of Debian's packages: its controller, its node and munge."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import servers

READY_S = 60
CPUS = 4
"""Those of the only node, whatever the machine has."""
CONFIGURATION = """
ClusterName=tests
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
CommunicationParameters=NoInAddrAny
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
SlurmUser={user}
SlurmdUser={user}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/controller.pid
SlurmdPidFile={folder}/node.pid
PluginDir={plugins}
PlugStackConfig=/dev/null
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SchedulerType=sched/builtin
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SlurmdParameters=config_overrides
KillWait=2
NodeName=localhost NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=16000 State=UNKNOWN
PartitionName=tests Nodes=localhost Default=YES MaxTime=INFINITE State=UP
"""


@contextlib.contextmanager
def cluster() -> Iterator[dict[str, str]]:
    """A new cluster, without accounts, as most small ones are; gives the environment in which its commands find it."""
    programs = {name: program(name) for name in ("munged", "slurmctld", "slurmd", "slurmstepd", "sbatch")}
    usr = Path(programs["slurmctld"]).parents[1]
    (plugins,) = usr.glob("lib/*/slurm-wlm")
    with servers.folder() as folder:
        folder.chmod(0o755)
        environment = {
            "PATH": f"{usr / 'bin'}:{os.environ['PATH']}",
            "LD_LIBRARY_PATH": f"{plugins.parent}:{plugins}",
            "SLURM_CONF": str(folder / "slurm.conf"),
        }
        configure(folder, plugins)
        commands = (
            [programs["munged"], "--foreground", f"--socket={folder}/munge.socket", f"--key-file={folder}/munge.key"]
            + [f"--{name}-file={folder}/munge.{name}" for name in ("pid", "log", "seed")],
            [programs["slurmctld"], "-D", "-c"],
            [programs["slurmd"], "-D", "-N", "localhost", "-d", programs["slurmstepd"]],
        )
        started: list[subprocess.Popen[bytes]] = []
        try:
            for number, command in enumerate(commands):
                started.append(start(command, folder, environment))
                if number == 0:
                    wait((folder / "munge.socket").exists, folder)
            wait(lambda: " idle" in asked(["sinfo", "--noheader", "--format= %T"], environment), folder)
            yield environment
        finally:
            asked(["scancel", "--me"], environment)
            until = time.monotonic() + READY_S
            while asked(["squeue", "--noheader"], environment) and time.monotonic() < until:
                time.sleep(0.1)
            for process in started[::-1]:
                servers.end(process)


def program(name: str) -> str:
    """One of Debian's programs, installed or unpacked."""
    unpacked = Path(sys.prefix) / "slurm" / "usr"
    path = f"{unpacked / 'bin'}:{unpacked / 'sbin'}:{os.environ['PATH']}:/usr/sbin"
    found = shutil.which(name, path=path) or shutil.which(f"{name}-wlm", path=path)
    if found is None:
        servers.lacking("SLURM is not installed; scripts/need-slurm brings it.")
    return str(Path(str(found)).absolute())


def configure(folder: Path, plugins: Path) -> None:
    """Its files: all of them are of the user who runs the tests."""
    os.chown(folder, os.geteuid(), os.getegid())
    for name in ("state", "spool"):
        (folder / name).mkdir()
    controller, node = servers.free_ports(2)
    me = pwd.getpwuid(os.geteuid()).pw_name
    given = {"folder": folder, "controller": controller, "node": node, "user": me, "plugins": plugins, "cpus": CPUS}
    (folder / "slurm.conf").write_text(CONFIGURATION.format(**given))
    (folder / "munge.key").write_bytes(os.urandom(1024))
    (folder / "munge.key").chmod(0o600)


def start(command: list[str], folder: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start a daemon that ends with the tests."""
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            ["/bin/sh", "-c", servers.WATCHED, "sh", *command],
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.PIPE,
            cwd=folder,
            start_new_session=True,
            env={"HOME": str(folder), "LC_ALL": "C", **environment},
        )


def asked(command: list[str], environment: dict[str, str]) -> str:
    """What a command of SLURM answers."""
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, check=False)
    return done.stdout


def wait(there: Callable[[], bool], folder: Path) -> None:
    """Wait until something is there; skip with what the daemons said where they cannot run."""
    until = time.monotonic() + READY_S
    while not there():
        if time.monotonic() > until:
            pytest.skip(f"SLURM does not start here:\n{(folder / 'log').read_text()[-2000:]}")
        time.sleep(0.05)
