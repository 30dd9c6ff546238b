"""Requests drawn from what the server says of itself: none is answered by a failure of ours, nor otherwise than said.

``benchmarks/fuzz_server.py`` sends many more of them.
"""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest

from compress_compare.server import openapi

DOCUMENT = openapi.document()
STREAMS = ("/api/v1/events",)
"""They do not end."""
ENDS = ("/api/v1/logout",)
"""They end what the others need."""
OPERATIONS = [
    (method, path)
    for path, methods in DOCUMENT["paths"].items()
    for method in methods
    if path not in (*STREAMS, *ENDS) and not path.startswith("/api/v1/projects")
]
TEXTS = [
    "",
    "root",
    "m0",
    "Accuracy",
    "Size",
    "digits",
    "a.weight",
    "0",
    "\0",
    "../x",
    "\u202e",
    "é" * 300,
    "'; --",
    "%00",
]
NUMBERS = [0, 1, -1, 2, 0.5, -0.0, 1e308, 2**31, 2**53, 2**63 - 1, -(2**63)]
ANYTHING: list[Any] = [None, True, *TEXTS, *NUMBERS, [], {}, [[]], {"": None}, [None] * 40, {"id": "root"}]


class Drawn:
    """Values that a JSON schema allows, and now and then one that it does not.

    Args:
        draw: of chance.
        wild: the share of values that follow no schema.
    """

    def __init__(self, draw: random.Random, wild: float = 0.05) -> None:
        self._draw = draw
        self._wild = wild

    def value(self, schema: dict[str, Any], depth: int = 0) -> Any:
        """One value."""
        draw = self._draw
        if draw.random() < self._wild or depth > 12:
            return copy.deepcopy(draw.choice(ANYTHING))
        if "$ref" in schema:
            return self.value(DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]], depth + 1)
        for several in ("anyOf", "oneOf"):
            if several in schema:
                return self.value(draw.choice(schema[several]), depth + 1)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return draw.choice(schema["enum"])
        return self._of_type(schema, depth)

    def _of_type(self, schema: dict[str, Any], depth: int) -> Any:
        draw = self._draw
        match schema.get("type"):
            case "object":
                named = schema.get("properties", {})
                needed = schema.get("required", ())
                found = {
                    name: self.value(each, depth + 1)
                    for name, each in named.items()
                    if name in needed or draw.random() < 0.5
                }
                more = schema.get("additionalProperties")
                if isinstance(more, dict):
                    found |= {draw.choice(TEXTS): self.value(more, depth + 1) for _ in range(draw.randrange(3))}
                return found
            case "array":
                least = schema.get("minItems", 0)
                return [self.value(schema.get("items", {}), depth + 1) for _ in range(least + draw.randrange(4))]
            case "integer":
                return draw.choice([schema.get("minimum", 0), schema.get("maximum", 9), draw.randrange(10)])
            case "number":
                return draw.choice([schema.get("minimum", 0), 0.5, draw.random(), *NUMBERS])
            case "boolean":
                return draw.random() < 0.5
            case "null":
                return None
            case "string":
                return draw.choice(TEXTS)
        return copy.deepcopy(draw.choice(ANYTHING))


def drawn(method: str, path: str, draw: random.Random) -> dict[str, Any]:
    """The arguments of one request, for a client of httpx."""
    operation, made = DOCUMENT["paths"][path][method], Drawn(draw)
    params, headers = {}, {}
    for one in operation.get("parameters", ()):
        if one.get("required") or draw.random() < 0.6:
            value = made.value(one["schema"])
            said = value if isinstance(value, str | list) else json.dumps(value)
            if one["in"] == "path":
                text = "".join(letter for letter in str(said) if letter.isalnum()) or "x"
                path = path.replace(f"{{{one['name']}}}", text)
            elif one["in"] == "header":
                headers[one["name"]] = str(said).encode("ascii", "ignore").replace(b"\0", b"").strip() or b"x"
            else:
                params[one["name"]] = said
    request: dict[str, Any] = {"method": method.upper(), "url": path, "params": params, "headers": headers}
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        request["json"] = made.value(content["application/json"]["schema"])
    elif method in ("post", "patch"):
        request["json"] = {}
    elif method == "put":
        request |= {"content": b"x" * draw.randrange(100), "headers": {"Content-Type": "application/octet-stream"}}
    return request


def check_answer(answer: Any, path: str, method: str) -> None:
    """No failure of ours, and a refusal says its code, a sentence and where."""
    assert answer.status_code < 500 or answer.status_code in (503, 507), answer.text[:500]
    declared = DOCUMENT["paths"][path][method]["responses"]
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert problem["code"].count(".") == 1 and problem["title"].endswith((".", "?"))
        assert "Traceback" not in answer.text
    else:
        assert str(answer.status_code) in declared, answer.status_code
        if answer.content and "json" in answer.headers.get("content-type", ""):
            answer.json()


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_drawn_requests_are_answered_as_said(client: Any, method: str, path: str) -> None:
    draw = random.Random(f"{method} {path}")
    for _ in range(12):
        check_answer(client.request(**drawn(method, path, draw)), path, method)
