"""How a browser gets in: a token in the first address, or from the form, becomes a cookie."""

from __future__ import annotations

import html
from importlib import resources
from string import Template
from typing import Annotated
from urllib.parse import parse_qsl, urlencode

from fastapi import Body, Request
from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import Scope

from .identity import Identity, Unauthorized
from .keys import Keys
from .router import Router, public

MAX_KEPT = 100
"""Parameters of the address that survive signing in."""
WRONG = "That is not this server's token, or one that it knows. Its own changes whenever the server starts."
AGAIN = '<script src="/login.js" data-again></script>'
"""Loads the same page once more from here; see the script."""

router = Router(include_in_schema=False)


@router.get("/login")
@public
async def login() -> Response:
    """The page that asks for the token."""
    return _page([], status=200)


@router.post("/login")
@public
async def enter_by_form(request: Request, token: Annotated[str, Body(embed=True, max_length=1000)]) -> Response:
    """Trade a token for a cookie. The form sends it in a body, so that no log of a proxy has it in an address."""
    keys: Keys = request.app.state.keys
    found = keys.opens(token)
    if found is None:
        raise Unauthorized("auth.wrong", WRONG, hint="Ask whoever runs the server.")
    response = Response(status_code=204)
    _admit(response, request.scope, keys, found=found)
    return response


@router.get("/login.css")
@public
async def style() -> Response:
    """How that page looks."""
    return Response(page_source("login.css"), media_type="text/css")


@router.get("/login.js")
@public
async def script() -> Response:
    """How a visit from another site becomes one from here, and how the form is sent."""
    return Response(page_source("login.js"), media_type="text/javascript")


def enter(scope: Scope, keys: Keys, *, admitted: bool) -> Response | None:
    """Answer a page load whose address holds a token: with a cookie and the address without it, or the question again.

    Args:
        scope: of a GET request that is not for the API.
        keys: the tokens and the cookies.
        admitted: whether the request carries a valid cookie already.

    Returns:
        None if the address holds no token.
    """
    query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    tokens = [value for name, value in query if name == "token"]
    if not tokens:
        return None
    kept = [(name, value) for name, value in query if name != "token"]
    message = WRONG if any(tokens) else ""
    try:
        found = keys.opens(tokens[0]) if len(tokens) == 1 else None
    except Unauthorized as error:
        found, message = None, f"{error.title} {error.hint}"
    elsewhere = _from_elsewhere(scope)
    if found is None and not admitted:
        return _page(kept, status=401, message=message, again=elsewhere)
    address = _path(scope) + (f"?{urlencode(kept)}" if kept else "")
    response = HTMLResponse(f"<!doctype html>{AGAIN}") if elsewhere else RedirectResponse(address, status_code=303)
    if found is not None:
        _admit(response, scope, keys, found=found)
    return response


def sign_in(scope: Scope) -> Response:
    """The page that asks for the token, in place of the one that was wanted; signing in leads there."""
    query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    return _page(query, status=401, again=_from_elsewhere(scope))


def page_source(name: str) -> str:
    """The text of a file beside the pages of this package."""
    return resources.files(__package__).joinpath("pages", name).read_text(encoding="utf-8")


def _admit(response: Response, scope: Scope, keys: Keys, *, found: Identity) -> None:
    """Give a browser the cookie; behind a proxy with TLS it is never sent without."""
    secure = bool(scope.get("secure_place"))
    response.set_cookie(keys.cookie, keys.session_of(found), path="/", httponly=True, samesite="strict", secure=secure)


def _page(kept: list[tuple[str, str]], *, status: int, message: str = "", again: bool = False) -> HTMLResponse:
    fields = "\n".join(
        f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
        for name, value in kept[:MAX_KEPT]
        if name != "token"
    )
    filled = {
        "fields": fields,
        "message": html.escape(message),
        "script": AGAIN if again else '<script src="/login.js" defer></script>',
        "action": 'action="/"' if status == 200 else "",
    }
    return HTMLResponse(Template(page_source("login.html")).substitute(filled), status_code=status)


def _path(scope: Scope) -> str:
    """The path as it was sent, with one leading slash: two would name another host."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return "/" + raw.partition(b"?")[0].decode("latin-1").lstrip("/\\")


def _from_elsewhere(scope: Scope) -> bool:
    return Headers(scope=scope).get("sec-fetch-site") in ("cross-site", "same-site")
