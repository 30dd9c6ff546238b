"""The built pages: how they are found, cached and protected, and what is there before they are built."""

import pytest

from .running import running

PAGE = {"Accept": "text/html,application/xhtml+xml", "Sec-Fetch-Mode": "navigate"}


def test_the_page_is_never_cached(client):
    answer = client.get("/", headers=PAGE)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/assets/index-B1d3kQ9x.js", "text/javascript; charset=utf-8"),
        ("/assets/index-Ck39dkAd.css", "text/css; charset=utf-8"),
    ],
)
def test_assets_named_by_their_content_are_cached_for_ever(client, path, media_type):
    answer = client.get(path)
    assert answer.headers["content-type"] == media_type
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
    again = client.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_other_files_are_not(client):
    answer = client.get("/icon.svg")
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["cache-control"] == "no-store"


def test_addresses_made_by_the_page_lead_to_it(client):
    for path in ("/overview", "/behaviors/some thing", "/layers?model=a"):
        assert "index-B1d3kQ9x" in client.get(path, headers=PAGE).text


def test_missing_parts_are_missing(client):
    headers = {"Accept": "*/*", "Sec-Fetch-Mode": "no-cors"}
    assert client.get("/assets/index-gone1234.js", headers=headers).status_code == 404
    assert client.get("/overview", headers=headers).status_code == 404
    assert client.get("/api/v1/overview", headers=PAGE).status_code == 404


def test_links_out_of_the_directory_are_not_followed(client):
    assert client.get("/link.txt").status_code == 404


def test_nothing_of_it_without_the_token(stranger):
    for path in ("/", "/index.html", "/assets/index-B1d3kQ9x.js", "/icon.svg"):
        answer = stranger.get(path)
        assert answer.status_code == 401
        assert "index-B1d3kQ9x" not in answer.text


def test_before_the_build_a_page_says_the_command(project, tmp_path):
    with running(project, static=tmp_path / "static") as server, server.client(headers=server.bearer) as client:
        answer = client.get("/", headers=PAGE)
    assert answer.status_code == 200
    assert "make ui" in answer.text


def test_its_own_pages_obey_the_policy(stranger):
    """No inline styles or scripts, nothing from elsewhere: the policy would break them."""
    text = stranger.get("/login").text
    assert "style=" not in text
    assert "<style" not in text
    assert text.count("<script") == 1 and '<script src="/login.js" defer></script>' in text
    assert "http://" not in text
    assert 'href="/login.css"' in text
