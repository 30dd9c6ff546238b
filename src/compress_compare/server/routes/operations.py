"""The operations that can be applied, as forms."""

from __future__ import annotations

from ... import operations
from ...operations.describe import describe
from ...page.wire import jobs as wire
from ..context import Here
from ..router import API, Router, needs

router = Router(prefix=API, tags=["operations"])


@router.get("/operations")
@needs("read")
def forms(here: Here) -> wire.OperationForms:
    """Every operation with the JSON schema of its parameters. Needs no torch."""
    return wire.OperationForms(
        operations=[_form(cls) for cls in operations.available().values()], roots=here.work.roots()
    )


def _form(cls: type[operations.BaseOperation]) -> wire.OperationForm:
    return wire.OperationForm(
        name=cls.name,
        description=describe(cls).summary,
        data=cls.data_requirement,
        roles=list(cls.roles),
        main=list(cls.main),
        lowers=cls.lowers,
        parameters=cls.json_schema(),
    )
