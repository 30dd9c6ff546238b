"""MLflow: a tracking server, asked through MLflow's own client, which is an extra."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from ..errors import InvalidValue, MissingExtra

PAGE = 1000
RETRIES = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
SECONDS = "MLFLOW_HTTP_REQUEST_TIMEOUT"


PARENT = "mlflow.parentRunId"


def runs(address: str) -> Iterator[tuple[Any, Any, str | None]]:
    """All runs on a server, the oldest first in each experiment, deleted ones too: the experiment, the run, and the
    id of the run that it was made from, where a tag or a logged model that it took says so.

    Args:
        address: of the server: ``http://host:5000``, or another tracking URI that MLflow's client takes.

    Raises:
        MissingExtra: ``extra.missing`` without MLflow.
        InvalidValue: ``import.server`` if it does not answer.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    # Its client asks for minutes where nobody answers.
    os.environ.setdefault(RETRIES, "2")
    os.environ.setdefault(SECONDS, "30")
    try:
        from mlflow.entities import ViewType
        from mlflow.exceptions import MlflowException
        from mlflow.tracking import MlflowClient
    except ImportError as error:
        raise MissingExtra("MLflow", purpose="Reading a tracking server", extra="mlflow") from error
    try:
        client = MlflowClient(tracking_uri=address)
        for experiment in _pages(lambda token: client.search_experiments(max_results=PAGE, page_token=token)):
            view = ViewType.ALL
            for run in _pages(partial(_searched, client, experiment=experiment.experiment_id, view=view)):
                yield experiment, run, _source(client, run)
    except MlflowException as error:
        said = str(error).splitlines()[0][:300]
        raise InvalidValue("import.server", f"{address!r:.200} does not answer as MLflow does.", detail=said) from error


def _pages(ask: Callable[[str | None], Any]) -> Iterator[Any]:
    token: str | None = None
    while True:
        page = ask(token)
        yield from page
        token = page.token
        if not token:
            return


def _searched(client: Any, token: str | None, *, experiment: str, view: Any) -> Any:
    return client.search_runs(
        [experiment],
        run_view_type=view,
        max_results=PAGE,
        order_by=["attributes.start_time ASC"],
        page_token=token,
    )


def _source(client: Any, run: Any) -> str | None:
    parent = run.data.tags.get(PARENT)
    if parent:
        return str(parent)
    for taken in getattr(run.inputs, "model_inputs", None) or ():
        source = client.get_logged_model(taken.model_id).source_run_id
        if source and source != run.info.run_id:
            return str(source)
    return None
