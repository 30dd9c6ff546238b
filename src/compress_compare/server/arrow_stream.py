"""Answers that are Arrow streams: numbers in bulk, declared by the columns of a row."""

from __future__ import annotations

from types import GenericAlias
from typing import Any

from starlette.responses import Response

from ..page.arrow import MEDIA_TYPE
from ..page.wire.base import ArrowRow


class ArrowStream(Response):
    """An Arrow IPC stream."""

    media_type = MEDIA_TYPE


def rows_of(row: type[ArrowRow]) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of a route that answers with an `ArrowStream`: its rows have these columns."""
    return {200: {"model": GenericAlias(list, (row,))}}
