"""The configuration of nginx in the guide, in a real nginx: logging, events and the page's gate pass through it."""

import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

import httpx
import numpy as np
import pytest

import compress_compare as cc
from compress_compare.server.app import Reach
from compress_compare.server.places import public_url
from compress_compare.server.projects import Directory
from tests.server.running import running

GUIDE = Path(__file__).parent.parent.parent / "docs" / "guide" / "team.md"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@pytest.fixture
def proxied(tmp_path):
    """A server behind nginx, as in the guide but without TLS; gives the address of nginx and the server."""
    (tmp_path / "runs").mkdir()
    port = free_port()
    public = public_url(f"http://localhost:{port}")
    with running(Directory(tmp_path / "runs"), static=tmp_path, reach=Reach(public=[public])) as server:
        written = re.search(r"```nginx\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)[1]
        said = re.sub(r"\n *ssl_[^\n]*", "", written).replace("listen 443 ssl", f"listen 127.0.0.1:{port}")
        said = said.replace("models.example.org", "localhost").replace("127.0.0.1:8787", f"127.0.0.1:{server.port}")
        places = "".join(
            f"{kind}_temp_path {tmp_path / kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        config = tmp_path / "nginx.conf"
        config.write_text(f"daemon off; pid {tmp_path / 'pid'}; events {{}} http {{ access_log off; {places} {said} }}")
        nginx = subprocess.Popen([NGINX, "-e", str(tmp_path / "errors"), "-c", str(config)])
        try:
            yield f"http://localhost:{port}", server
        finally:
            nginx.terminate()
            nginx.wait()


def test_the_configuration_of_the_guide_passes_everything_on(proxied):
    address, server = proxied
    deadline = time.monotonic() + 60
    while True:
        try:
            assert httpx.get(f"{address}/healthz").status_code == 200
            break
        except httpx.TransportError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    weights = np.ones((900, 300), np.float32)
    with cc.open(f"{address}/p/net", token=server.token) as project:
        project.log_model("net", metrics={"Accuracy": 0.5}, checkpoint={"w": weights})
        assert project.load_checkpoint("net")["w"].shape == (900, 300)
    with httpx.stream(
        "GET", f"{address}/p/net/api/v1/events", headers={"Authorization": f"Bearer {server.token}"}
    ) as events:
        assert next(events.iter_lines())
    assert httpx.get(f"{address}/api/v1/projects").status_code == 401
    assert httpx.get(f"{address}/healthz", headers={"Host": "evil.example"}).status_code == 421
