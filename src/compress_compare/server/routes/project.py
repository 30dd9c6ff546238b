"""The project as a whole."""

from __future__ import annotations

from importlib.metadata import version

from .. import wire
from ..context import Here
from ..router import API, Router, needs_token

router = Router(prefix=API, tags=["project"])


@router.get("/project")
@needs_token
def project(here: Here) -> wire.Project:
    """The project's name and revision, its metrics, operations, datasets and tags."""
    snapshot = here.snapshots.latest()
    return wire.Project(
        name=here.project.name,
        version=version("compress-compare"),
        revision=snapshot.revision,
        num_models=snapshot.num_models,
        metrics=[wire.Metric.model_validate(metric, from_attributes=True) for metric in here.project.metrics()],
        operations=snapshot.operations,
        datasets=[wire.Dataset.model_validate(dataset, from_attributes=True) for dataset in here.project.datasets()],
        tags=snapshot.tags,
    )
