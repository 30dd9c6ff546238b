"""The configurations of nginx and Caddy in the guide, in the real proxies: logging, events and gates pass through."""

import os
import re
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
from tests import servers
from tests.server.running import running

GUIDE = Path(__file__).parent.parent.parent / "docs" / "guide" / "team.md"


def written(kind, port, server):
    """The configuration in the guide, without TLS and at the ports of the test."""
    found = re.search(rf"```{kind}\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)[1]
    return found.replace("127.0.0.1:8787", f"127.0.0.1:{server.port}")


def nginx(folder, port, server):
    said = re.sub(r"\n *ssl_[^\n]*", "", written("nginx", port, server))
    said = said.replace("listen 443 ssl", f"listen 127.0.0.1:{port}").replace("models.example.org", "localhost")
    places = "".join(
        f"{kind}_temp_path {folder / kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = folder / "nginx.conf"
    config.write_text(f"daemon off; pid {folder / 'pid'}; events {{}} http {{ access_log off; {places} {said} }}")
    return ["nginx", "-e", str(folder / "errors"), "-c", str(config)]


def caddy(folder, port, server):
    said = written("text", port, server).replace("models.example.org", f"http://localhost:{port}")
    config = folder / "Caddyfile"
    config.write_text("{\n  admin off\n  skip_install_trust\n}\n" + said)
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(config)]


@pytest.fixture(params=[nginx, caddy], ids=["nginx", "caddy"])
def proxied(request, tmp_path):
    """A server behind a proxy, as in the guide but without TLS; gives the address of the proxy and the server."""
    (tmp_path / "runs").mkdir()
    (port,) = servers.free_ports(1)
    public = public_url(f"http://localhost:{port}")
    with running(Directory(tmp_path / "runs"), static=tmp_path, reach=Reach(public=[public])) as server:
        name, *arguments = request.param(tmp_path, port, server)
        own = {**os.environ, "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
        proxy = subprocess.Popen([servers.proxy(name), *arguments], env=own, stderr=subprocess.DEVNULL)
        try:
            yield f"http://localhost:{port}", server
        finally:
            proxy.terminate()
            proxy.wait()


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
    stranger = httpx.get(f"{address}/healthz", headers={"Host": "evil.example"})
    # nginx passes a name that it does not know on, and the server refuses it; Caddy itself answers, with nothing.
    assert stranger.status_code == 421 or stranger.content == b""
