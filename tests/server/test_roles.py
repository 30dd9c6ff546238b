"""What each role may do: every route by every role, against a table that stands here and in the docs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from compress_compare.server import hub, routes
from compress_compare.server.app import Reach
from compress_compare.server.roles import MAY, Role
from compress_compare.server.router import access_rule
from compress_compare.server.tokens import Tokens

from .running import running

GUIDE = Path(__file__).parent.parent.parent / "docs" / "guide" / "team.md"
ROLES = get_args(Role)
NEEDS = {
    "log": {
        "DELETE /api/v1/model",
        "DELETE /api/v1/views",
        "PATCH /api/v1/metric",
        "PATCH /api/v1/model",
        "POST /api/v1/call/log",
        "POST /api/v1/gate/rules",
        "POST /api/v1/objects/missing",
        "PUT /api/v1/objects/{sha256}",
        "POST /api/v1/model/archive",
        "POST /api/v1/model/base",
        "POST /api/v1/model/correct",
        "POST /api/v1/model/rename",
        "POST /api/v1/model/restore",
        "POST /api/v1/undo",
        "POST /api/v1/views",
    },
    "run": {
        "GET /api/v1/import/sources",
        "POST /api/v1/import",
        "POST /api/v1/import/files",
        "POST /api/v1/import/preview",
        "POST /api/v1/jobs",
        "POST /api/v1/jobs/cancel",
        "POST /api/v1/jobs/plan/sizes",
        "POST /api/v1/jobs/retry",
        "POST /api/v1/merge",
        "POST /api/v1/merge/preview",
    },
    "admin": {"GET /api/v1/audit", "POST /api/v1/purge", "POST /api/v1/tasks/trust"},
}
"""All that needs more than reading. Whoever adds a route that changes or runs something adds it here."""
PUBLIC = {"GET /healthz", "GET /login", "POST /login", "GET /login.css", "GET /login.js"}
OF_HUB = {"POST /api/v1/projects": "log"}


def declared(routes) -> dict[str, str]:
    return {
        f"{method} {route.path}": access_rule(route) for route in routes for method in sorted(route.methods - {"HEAD"})
    }


def filled(path: str) -> str:
    for name, value in (("{path:path}", ""), ("{name}", "0" * 16), ("{sha256}", "0" * 64)):
        path = path.replace(name, value)
    return path


def expected(route: str) -> str:
    return next((role for role, routes in NEEDS.items() if route in routes), "public" if route in PUBLIC else "read")


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    return Tokens(tmp_path_factory.mktemp("tokens"))


@pytest.fixture(scope="module")
def keys(book):
    return {role: book.create(f"a {role}", role, user=f"{role}er") for role in ROLES}


@pytest.fixture(scope="module")
def server(project, static, book):
    with running(project, static=static, reach=Reach(named=book)) as started:
        yield started


def test_every_route_declares_the_role_of_this_table(server):
    found = declared(server.app.router.routes)
    assert found == {route: expected(route) for route in found}
    assert set().union(*NEEDS.values()) <= found.keys()
    of_hub = declared(route for router in (*routes.OF_MANY, hub.router) for route in router.routes)
    assert of_hub == {route: OF_HUB.get(route, "read") for route in of_hub}


def test_every_role_is_let_in_where_it_may_and_refused_before_anything_is_read_where_not(server, keys):
    """Bodies and parameters are missing on purpose: who may pass is told what is wrong, who may not is not."""
    routes = declared(server.app.router.routes)
    with server.client() as client:
        for route, needed in routes.items():
            method, path = route.split(" ")
            if needed == "public" or path in ("/api/v1/events", "/api/v1/logout"):
                continue
            for role in ROLES:
                headers = {"Authorization": f"Bearer {keys[role]}"}
                body = {} if method == "GET" else {"json": {}}
                if method == "PUT":
                    body = {"content": b""}
                    headers["Content-Type"] = "application/octet-stream"
                answer = client.request(
                    method,
                    filled(path),
                    headers=headers,
                    **body,
                )
                if ROLES.index(role) < ROLES.index(needed):
                    problem = answer.json()
                    assert (answer.status_code, problem["code"]) == (403, "auth.role"), (route, role)
                    assert f"needs the role {needed!r}; you have {role!r}" in problem["title"]
                    assert f"{role}er" in problem["detail"]
                else:
                    assert answer.status_code not in (401, 403, 500), (route, role, answer.text)


def test_nothing_that_only_reads_changes_anything(server, keys, project):
    before = project.revision()
    with server.client(headers={"Authorization": f"Bearer {keys['read']}"}) as client:
        for route, needed in declared(server.app.router.routes).items():
            method, path = route.split(" ")
            if needed == "read" and path not in ("/api/v1/events", "/api/v1/logout"):
                body = {} if method == "GET" else {"json": {"base": "root", "models": ["pruned 0.5"]}}
                client.request(
                    method,
                    filled(path),
                    **body,
                )
    assert project.revision() == before


def test_the_guide_has_the_same_table():
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    assert [row for row in rows if row[0] in ROLES] == list(MAY.items())
