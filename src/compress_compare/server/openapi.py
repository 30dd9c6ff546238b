"""The OpenAPI document, from which the page's types are generated: `python -m compress_compare.server.openapi`."""

from __future__ import annotations

import json
import sys
from typing import Any

from fastapi.openapi.utils import get_openapi

from ..page.wire.base import Problem
from ..page.wire.models import StreamedModel
from ..page.wire.project import JobsNews, RevisionNews
from . import routes
from .router import API, Router, needs

TITLE = "Compress and Compare"

router = Router(prefix=API, include_in_schema=False)


def document() -> dict[str, Any]:
    """Every operation of the API with what it takes and returns; every one may answer with a problem."""
    declared = [route for router in (*routes.ROUTERS, *routes.OF_MANY) for route in router.routes]
    content = get_openapi(title=TITLE, version="1", routes=declared)
    schemas = content["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for model in (Problem, StreamedModel, RevisionNews, JobsNews):
        schemas[model.__name__] = model.model_json_schema(mode="serialization")
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for path in content["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = {"description": "What went wrong and what to do.", "content": problem}
    return content


@router.get("/openapi.json")
@needs("read")
async def openapi() -> dict[str, Any]:
    """The document itself."""
    return document()


def main() -> None:
    """Write the document to the standard output."""
    json.dump(document(), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
