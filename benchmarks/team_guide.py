"""Goes through docs/guide/team.md without Docker, from nothing to the first log, and prints how long each step takes.

    .venv/bin/python benchmarks/team_guide.py

Every command is taken from the guide. What differs: names, ports and passwords of this machine, and the wheel of this
checkout in the place of the published one. PostgreSQL (a new one, run by an unprivileged user) and Caddy are there
already, and the machine that logs first is another process, which has only the token.
"""

from __future__ import annotations

import itertools
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests import servers

ROOT = Path(__file__).parent.parent
GUIDE = ROOT / "docs" / "guide" / "team.md"
STEPS = ("make the database", "install", "object store", "server and token", "proxy")
TIMED = 'echo "@@ {name} $(date +%s.%N)"'


def main() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    before, _, rest = text.partition("## The same without Docker\n")
    blocks = re.findall(r"```sh\n(.*?)```", rest.partition("\n## ")[0], re.DOTALL)
    assert len(blocks) == len(STEPS), "the steps of the guide are others now: say their names here"
    (logging,) = (block for block in re.findall(r"```sh\n(.*?)```", before, re.DOTALL) if "cc.open(" in block)
    started = time.perf_counter()
    wheel = built()
    print(f"# the wheel of this checkout, which a user gets from an index: {time.perf_counter() - started:.0f} s")
    with servers.postgres(durable=True) as database, tempfile.TemporaryDirectory() as folder:
        shutil.copy(ROOT / "Caddyfile", folder)
        through(database, Path(folder), blocks, logging=logging, wheel=wheel)


def built() -> Path:
    folder = Path(tempfile.mkdtemp())
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(command, check=True)
    return next(folder.glob("*.whl"))


def through(database: servers.Postgres, folder: Path, blocks: list[str], *, logging: str, wheel: Path) -> None:
    """Run all steps in one shell, then log from another one, with nothing but the token."""
    names = [f"{part}.port{kind}" for part in ("master", "volume", "filer") for kind in ("", ".grpc")]
    s3, web, front, plain, *others = servers.free_ports(4 + len(names))
    more = " ".join(f"-{name}={port}" for name, port in zip(names, others, strict=True))
    password = secrets.token_hex(16)
    here = {
        "compress@127.0.0.1/": f"compress@127.0.0.1:{database.port}/",
        "8333": str(s3),
        "8787": str(web),
        "models.example.org": f"localhost:{front}",
        "PGPASSWORD=…": f"PGPASSWORD={password}",
        "AWS_SECRET_ACCESS_KEY=…": f"AWS_SECRET_ACCESS_KEY={secrets.token_hex(16)}",
        "'compress-compare[": f"'{wheel}[",
        "-volume.max=0": f"-volume.max=0 {more}",
        "caddy run": f"{servers.proxy('caddy')} run",
    }
    config = f"{{\n  admin off\n  skip_install_trust\n  http_port {plain}\n}}\n"
    (folder / "Caddyfile").write_text(config + (folder / "Caddyfile").read_text())
    own = {"HOME": str(folder), "PATH": f"{Path(servers.program('createuser')).parent}:/usr/local/bin:/usr/bin:/bin"}
    own |= {name: value for name, value in os.environ.items() if name.startswith("PIP_") or name.endswith("_proxy")}
    shell = subprocess.Popen(
        ["/bin/bash", "-c", script(blocks, here, password=password, database=database)],
        cwd=folder,
        env=own,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # without a terminal, createuser reads the password from its input
    )
    try:
        begun, token = followed(shell)
        started = time.time()
        log(folder, logging, own, token=token, host=f"localhost:{front}")
        print(f"log the first model, from a process that has only the token: {time.time() - started:.1f} s")
        print(f"all: {time.time() - begun:.0f} s; load {os.getloadavg()[0]:.0f}")
    finally:
        shell.stdin.close()
        os.killpg(shell.pid, 15)
        shell.wait()


def script(blocks: list[str], here: dict[str, str], *, password: str, database: servers.Postgres) -> str:
    """The steps with what is another here, each followed by a line that says when it ended."""
    administrator = f"PGHOST=127.0.0.1 PGPORT={database.port} PGUSER=tester PGPASSWORD='{servers.PASSWORD}'"
    lines = ["set -e", "trap 'kill $(jobs -p)' EXIT", TIMED.format(name="begin")]
    for name, block in zip(STEPS, blocks, strict=True):
        for old, new in here.items():
            block = block.replace(old, new)
        if name == STEPS[0]:
            block = f"export {administrator}\n{block}\nunset PGHOST PGPORT PGUSER PGPASSWORD"
            block = block.replace("createuser", f"printf '{password}\\n{password}\\n' | createuser")
        lines += [block, TIMED.format(name=name)]
    return "\n".join([*lines, "echo @@ ready", "read -r _"])


def followed(shell: subprocess.Popen[str]) -> tuple[float, str]:
    """Print how long each step takes, until all are done; returns when they began, and the token that was made."""
    moments, token, said = [], "", []
    for line in shell.stdout:
        said.append(line)
        token = found[0] if (found := re.search(r"[\w-]{32,}", line)) and not line.startswith("@@") else token
        if line.startswith("@@ ready"):
            break
        if line.startswith("@@"):
            name, _, moment = line[3:].rpartition(" ")
            moments.append((name, float(moment)))
    else:
        raise SystemExit("".join(said))
    for (_, begun), (name, ended) in itertools.pairwise(moments):
        print(f"{name}: {ended - begun:.1f} s")
    return moments[0][1], token


def log(folder: Path, logging: str, own: dict[str, str], *, token: str, host: str) -> None:
    """The block of the guide for another machine, in the environment that is installed already."""
    logging = re.sub(r"pip install [^\n]*\n", "", logging).replace("TOKEN=…", f"TOKEN={token}")
    logging = logging.replace("models.example.org", host)
    authority = next(folder.rglob("root.crt"))
    other = {"HOME": str(folder / "other"), "PATH": f"{folder}/team/bin:{own['PATH']}", "SSL_CERT_FILE": str(authority)}
    subprocess.run(["/bin/bash", "-ec", logging], env=other, cwd=folder, check=True)
    look = f"import compress_compare as cc; print(len(cc.open('https://{host}/p/resnet')))"
    asked = {**other, "COMPRESS_COMPARE_TOKEN": token}
    found = subprocess.run([f"{folder}/team/bin/python", "-c", look], env=asked, check=True, capture_output=True)
    assert found.stdout.strip() == b"1", found.stdout


if __name__ == "__main__":
    main()
