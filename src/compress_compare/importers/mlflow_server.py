"""MLflow: a tracking server, asked through MLflow's own client, which is an extra."""

from __future__ import annotations

import os
import re
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from http.client import HTTPException
from typing import Any
from urllib.parse import urldefrag

from ..errors import InvalidValue, MissingExtra
from .addresses import CLOUD, server_of

PAGE = 1000
RETRIES = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
SECONDS = "MLFLOW_HTTP_REQUEST_TIMEOUT"
REDIRECTS = "MLFLOW_ALLOW_HTTP_REDIRECTS"
PROBE_SECONDS = 3.0
PARENT = "mlflow.parentRunId"
_VERSION = re.compile(r"\d+\.\d+\.\d+[\w.+-]{0,20}")
_EXPERIMENT = re.compile(r"/experiments/(\d{1,30})(?:[/?]|$)")


class _Unmoved(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Nothing is asked of an address that somebody else names."""


def knows(written: str) -> str | None:
    """A server that answers ``/health`` and ``/version`` as MLflow's does; servers of W&B are not asked."""
    try:
        server, (address, _) = server_of(written), _parts(written)
    except InvalidValue:
        return None
    if server == server_of(CLOUD):
        return None
    healthy, version = (_asked(f"{address}/{what}") for what in ("health", "version"))
    if healthy != "OK" or not _VERSION.fullmatch(version):
        return None
    return f"its answer to /version, {version}, as a tracking server of MLflow gives it"


def _asked(address: str) -> str:
    try:
        with urllib.request.build_opener(_Unmoved).open(address, timeout=PROBE_SECONDS) as answer:
            return str(answer.read(100).decode("ascii", "replace")).strip()
    except (OSError, HTTPException, ValueError):
        return ""


def _parts(written: str) -> tuple[str, str | None]:
    """The address of the server, and the experiment that an address as a browser shows it names."""
    if not written.lower().startswith(("http://", "https://")):
        return written, None
    server_of(written)
    address, place = urldefrag(written)
    named = _EXPERIMENT.search(place)
    return address.partition("?")[0].rstrip("/"), named[1] if named else None


def runs(written: str) -> Iterator[tuple[Any, Any, str | None]]:
    """All runs on a server, the oldest first in each experiment, deleted ones too: the experiment, the run, and the
    id of the run that it was made from, where a tag or a logged model that it took says so.

    Args:
        written: address of the server: ``http://host:5000``, alone or with the experiment that a browser shows there,
            ``http://host:5000/#/experiments/3``; or another tracking URI that MLflow's client takes.

    Raises:
        MissingExtra: ``extra.missing`` without MLflow.
        InvalidValue: ``import.address``; ``import.server`` if it does not answer.
    """
    address, named = _parts(written)
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    # Its client asks for minutes where nobody answers.
    os.environ.setdefault(RETRIES, "2")
    os.environ.setdefault(SECONDS, "30")
    os.environ.setdefault(REDIRECTS, "false")
    try:
        from mlflow.entities import ViewType
        from mlflow.exceptions import MlflowException
        from mlflow.tracking import MlflowClient
    except ImportError as error:
        raise MissingExtra("MLflow", purpose="Reading a tracking server", extra="mlflow") from error
    try:
        client = MlflowClient(tracking_uri=address)
        for experiment in _experiments(client, named):
            view = ViewType.ALL
            for run in _pages(partial(_searched, client, experiment=experiment.experiment_id, view=view)):
                yield experiment, run, _source(client, run)
    except MlflowException as error:
        said = next(iter(str(error).splitlines()), "")[:300]
        raise InvalidValue("import.server", f"{written!r:.200} does not answer as MLflow does.", detail=said) from error


def _experiments(client: Any, named: str | None) -> Iterator[Any]:
    """The experiments that were not deleted, or the one that was named."""
    if named is not None:
        yield client.get_experiment(named)
    else:
        yield from _pages(lambda token: client.search_experiments(max_results=PAGE, page_token=token))


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
