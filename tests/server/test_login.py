"""Ways into the page, in a real browser: the printed address, the form, and links on other sites."""

import http.server
import json
import re
import threading

import pytest
from playwright.sync_api import Page, expect

from .running import running


@pytest.fixture
def elsewhere(server):
    """Another site on this machine that links here."""
    links = {"in": f"/?x=1&token={server.token}#state", "deep": "/overview?y=2#state"}
    body = "".join(f'<a href="{server.address}{link}">{name}</a> ' for name, link in links.items())

    class Site(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site) as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        yield f"http://localhost:{site.server_port}/"
        site.shutdown()


def test_the_printed_address_opens_the_page(page: Page, server):
    page.goto(f"{server.address}/?x=1&token={server.token}#state")
    expect(page).to_have_url(f"{server.address}/?x=1#state")
    expect(page).to_have_title("The page")


def test_a_link_with_the_token_opens_it_from_another_site(page: Page, server, elsewhere):
    page.goto(elsewhere)
    page.get_by_text("in", exact=True).click()
    expect(page).to_have_url(f"{server.address}/?x=1#state")
    expect(page).to_have_title("The page")
    page.go_back()
    assert page.url == elsewhere


def test_a_link_from_another_site_works_once_signed_in(page: Page, server, elsewhere):
    page.goto(f"{server.address}/?token={server.token}")
    page.goto(elsewhere)
    page.get_by_text("deep").click()
    expect(page).to_have_url(f"{server.address}/overview?y=2#state")
    expect(page).to_have_title("The page")


def test_the_form_asks_until_it_is_right_and_leads_on(page: Page, server, elsewhere):
    page.goto(elsewhere)
    page.get_by_text("deep").click()
    expect(page).to_have_title(re.compile("Sign in"))
    field = page.get_by_label("Token")
    expect(field).to_be_focused()
    field.fill("wrong")
    field.press("Enter")
    expect(page.get_by_role("alert")).to_have_text(re.compile("not this server's token"))
    page.get_by_label("Token").fill(server.token)
    page.get_by_role("button").click()
    expect(page).to_have_url(f"{server.address}/overview?y=2#state")
    expect(page).to_have_title("The page")


def test_its_policy_lets_the_page_style_itself_and_listen(page: Page, project, static):
    """The style sheet applies, and events arrive in the browser's own reader."""
    complaints = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    with running(project, static=static) as server:
        page.goto(f"{server.address}/login")
        assert page.evaluate("getComputedStyle(document.querySelector('h1')).fontSize") == "15px"
        page.get_by_label("Token").fill(server.token)
        page.get_by_role("button").click()
        expect(page).to_have_title("The page")
        heard = page.evaluate(
            """() => new Promise(resolve => {
                const source = new EventSource("/api/v1/events");
                source.addEventListener("revision", event => { source.close(); resolve(event.data) });
            })"""
        )
    assert json.loads(heard)["revision"] == project.revision()
    assert complaints == []
