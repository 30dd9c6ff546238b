"""The configurations of nginx and Caddy in the guide, in the real proxies: logging, events and gates pass through."""

import os
import re
import socket
import subprocess
import time
from pathlib import Path

import httpx
import numpy as np
import pytest

import compress_compare as cc
from compress_compare.remote.connection import Refused
from compress_compare.server.app import Reach
from compress_compare.server.places import public_url
from compress_compare.server.projects import Directory
from tests import servers
from tests.server.running import running

from .bad_network import BadNetwork

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


def test_caddy_ends_tls_and_a_certificate_that_is_not_trusted_is_told_so(tmp_path, monkeypatch):
    """With an authority of its own, as in a team without a public name."""
    (tmp_path / "runs").mkdir()
    port, plain = servers.free_ports(2)
    reach = Reach(public=[public_url(f"https://localhost:{port}")])
    with running(Directory(tmp_path / "runs"), static=tmp_path, reach=reach) as server:
        said = written("text", port, server).replace("models.example.org", f"localhost:{port}")
        (tmp_path / "Caddyfile").write_text(f"{{\n  admin off\n  skip_install_trust\n  http_port {plain}\n}}\n{said}")
        own = {**os.environ, "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
        command = [servers.proxy("caddy"), "run", "--adapter", "caddyfile", "--config", str(tmp_path / "Caddyfile")]
        proxy = subprocess.Popen(command, env=own, stderr=subprocess.DEVNULL)
        try:
            authority = tmp_path / "caddy" / "pki" / "authorities" / "local" / "root.crt"
            deadline = time.monotonic() + 60
            while not (authority.exists() and listens(port)):
                assert time.monotonic() < deadline
                time.sleep(0.05)
            address = f"https://localhost:{port}"
            with pytest.raises(Refused, match="is not trusted here") as caught:
                cc.open(f"{address}/p/net", token=server.token)
            assert caught.value.code == "remote.certificate"
            monkeypatch.setenv("SSL_CERT_FILE", str(authority))
            with cc.open(f"{address}/p/net", token=server.token) as project:
                project.log_model("net", metrics={"Accuracy": 0.5})
            page = httpx.post(f"{address}/login", json={"token": server.token}, headers={"Origin": address})
            assert page.status_code == 204 and "; Secure" in page.headers["set-cookie"]
        finally:
            proxy.terminate()
            proxy.wait()


def test_a_tunnel_with_any_local_port_passes_all_three_gates(tmp_path):
    """What ``ssh -L`` does: the server sees another port in every address than its own."""
    (tmp_path / "runs").mkdir()
    (port,) = servers.free_ports(1)
    with running(Directory(tmp_path / "runs"), static=tmp_path) as server:
        tunnel = BadNetwork(server.port)
        assert httpx.get(f"http://localhost:{tunnel.port}/healthz").status_code == 421
        tunnel.close()
    tunnel = BadNetwork(0)
    reach = Reach(public=[public_url(f"http://localhost:{tunnel.port}")])
    with running(Directory(tmp_path / "runs"), static=tmp_path, reach=reach) as server:
        tunnel.target = server.port
        address = f"http://localhost:{tunnel.port}"
        with cc.open(f"{address}/p/net", token=server.token) as project:
            project.log_model("net", metrics={"Accuracy": 0.5})
        with httpx.Client(base_url=address) as browser:
            assert browser.post("/login", json={"token": server.token}, headers={"Origin": address}).status_code == 204
            ask, said = "/p/net/api/v1/models", {"name": "other"}
            assert browser.get(ask).status_code == 200
            for origin, expected in ((address, 201), (f"http://localhost:{port}", 403), ("http://evil.example", 403)):
                made = browser.post("/api/v1/projects", json=said, headers={"Origin": origin})
                assert made.status_code == expected, (origin, made.text)
    tunnel.close()


def listens(port):
    """Whether anybody takes connections at a port."""
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0
