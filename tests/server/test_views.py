"""Named views of the page."""

import pytest

import compress_compare as cc

from .running import running

pytestmark = pytest.mark.usefixtures("each_backend")

URL = "/api/v1/views"


@pytest.fixture
def small(tmp_path):
    with cc.open(tmp_path / "project") as project:
        yield project


@pytest.fixture
def pages(small, static):
    with running(small, static=static) as server, server.client(headers=server.bearer) as client:
        yield client


def save(client, name, address="#/overview?sel=a"):
    return client.post(URL, json={"name": name, "address": address})


def test_views_are_kept_in_the_project_by_name(pages, small):
    assert pages.get(URL).json() == {"views": []}
    save(pages, "zebra")
    answer = save(pages, "Für den Bericht 📊", "#/overview?sel=b&by=step")
    views = [
        {"name": "Für den Bericht 📊", "address": "#/overview?sel=b&by=step"},
        {"name": "zebra", "address": "#/overview?sel=a"},
    ]
    assert answer.json() == pages.get(URL).json() == {"views": views}
    with cc.open(small.path) as other:
        assert other.views() == {view["name"]: view["address"] for view in views}


def test_saving_again_replaces_and_deleting_forgets(pages):
    save(pages, "mine")
    assert save(pages, "mine", "#/layers").json() == {"views": [{"name": "mine", "address": "#/layers"}]}
    assert pages.delete(URL, params={"name": "mine"}).json() == {"views": []}
    gone = pages.delete(URL, params={"name": "mine"})
    assert (gone.status_code, gone.json()["code"]) == (404, "view.unknown")


def test_a_view_is_news(pages, small):
    before = small.revision()
    save(pages, "mine")
    assert small.revision() == before + 1


@pytest.mark.parametrize(
    ("name", "address", "code"),
    [
        ("", "#/overview", "name.invalid"),
        ("a\u202eb", "#/overview", "name.invalid"),
        ("mine", "javascript:alert(1)", "view.address"),
        ("mine", "https://elsewhere.example/#/overview", "view.address"),
        ("mine", "#/" + "x" * 200_000, "view.address"),
    ],
)
def test_other_names_and_addresses_are_refused(pages, name, address, code):
    answer = save(pages, name, address)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert pages.get(URL).json() == {"views": []}
