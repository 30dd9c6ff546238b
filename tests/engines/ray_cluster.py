"""Starts a cluster of two nodes on loopback, runs a Python command with its address, and ends what it started.

Run in a network namespace: ``python ray_cluster.py FOLDER ARGUMENT…``. The command finds the address of the cluster in
``RAY_CLUSTER_OF_TESTS`` and the processes of its nodes in ``RAY_HEAD_NODE`` and ``RAY_SECOND_NODE``.
"""

import fcntl
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HEAD, SECOND, PORT = "127.0.0.2", "127.0.0.3", 6399
RAY = [sys.executable, "-c", "from ray.scripts.scripts import main; main()"]
SIOCSIFFLAGS, IFF_UP_RUNNING = 0x8914, 0x1 | 0x40


def raise_loopback():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        fcntl.ioctl(handle, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP_RUNNING))


def start(*options):
    command = [*RAY, "start", "--block", "--num-cpus=2", "--object-store-memory=100000000", "--disable-usage-stats"]
    return subprocess.Popen(
        [*command, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def reachable():
    try:
        socket.create_connection((HEAD, PORT), 1).close()
    except OSError:
        return False
    return True


def joined(nodes):
    join = f"ray.init(address='{HEAD}:{PORT}', logging_level='error')"
    code = f"import ray; {join}; print(sum(node['Alive'] for node in ray.nodes()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip().endswith(str(nodes))


def wait(condition, what):
    for _ in range(120):
        if condition():
            return
        time.sleep(0.5)
    sys.exit(f"{what} did not start")


def main():
    if [name for _, name in socket.if_nameindex()] != ["lo"]:
        sys.exit("this is not a network of its own, and everything in it would be ended: run it in unshare --net")
    raise_loopback()
    os.environ.update(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN="for-tests-alone", RAY_USAGE_STATS_ENABLED="0")
    os.environ.update({"RAY_prestart_worker_first_driver": "0"})  # workers ahead of work, which nobody needs here
    with tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp") as folder:
        started = [
            start(
                "--head",
                f"--node-ip-address={HEAD}",
                f"--port={PORT}",
                "--include-dashboard=false",
                f"--temp-dir={folder}",
            )
        ]
        try:
            wait(reachable, "the head")
            started.append(start(f"--address={HEAD}:{PORT}", f"--node-ip-address={SECOND}"))
            wait(lambda: joined(2), "the second node")
            environment = {
                "RAY_CLUSTER_OF_TESTS": f"{HEAD}:{PORT}",
                "RAY_HEAD_NODE": str(started[0].pid),
                "RAY_SECOND_NODE": str(started[1].pid),
            }
            return subprocess.run(
                [sys.executable, *sys.argv[2:]], env={**os.environ, **environment}, check=False
            ).returncode
        finally:
            for process in started[::-1]:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            # What a node starts puts itself into groups of its own; nothing else runs in this network.
            for stat in Path("/proc").glob("[0-9]*/ns/net"):
                leave(stat)


def leave(link):
    try:
        if link.readlink() == Path("/proc/self/ns/net").readlink() and int(link.parts[2]) != os.getpid():
            os.kill(int(link.parts[2]), signal.SIGKILL)
    except OSError:
        return


if __name__ == "__main__":
    sys.exit(main())
