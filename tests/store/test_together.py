"""Writes of several threads in one transaction: each gets its own answer, its own refusal, and is its own author."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

import compress_compare as cc
from compress_compare.errors import NotFound, StoreError
from compress_compare.store import origin

pytestmark = pytest.mark.usefixtures("each_backend")
THREADS = 6


@pytest.fixture
def project(tmp_path):
    with cc.open(tmp_path / "project") as opened:
        opened.log_model("m")
        yield opened


def at_once(project: cc.Project, work: list[Callable[[], Any]]) -> list[Future[Any]]:
    """Have threads ask for all that while another writer holds the project: one leads, and the others wait."""
    together = project._together

    def asked(number: int) -> Any:
        with origin.acting(f"user {number}", "a token"):
            return project.once_together(f"{number:016}", str(number), do=work[number])

    with ThreadPoolExecutor(len(work)) as pool:
        with project.batch():
            first = pool.submit(asked, 0)
            while not together._is_led or together._waiting:
                pass
            rest = [pool.submit(asked, number) for number in range(1, len(work))]
            while len(together._waiting) < len(rest):
                pass
        return [first, *rest]


def noted(project: cc.Project, number: int) -> Callable[[], int]:
    def do() -> int:
        project.log_model(f"m{number}")
        return number

    return do


def test_what_waits_is_done_in_one_transaction_with_its_own_answers(project):
    before = project.revision()
    done = at_once(project, [noted(project, number) for number in range(THREADS)])
    assert [one.result() for one in done] == list(range(THREADS))
    assert [project.model(f"m{number}").origin.user for number in range(THREADS)] == [
        f"user {number}" for number in range(THREADS)
    ]
    assert project.revision() == before + 3  # the batch, the first, which led alone, and all the others
    assert project.once_together("0" * 16, "0", do=noted(project, 99)) == 0
    assert "m99" not in project


def test_what_is_refused_or_fails_is_told_to_its_thread_alone(project):
    def fails() -> None:
        project.log_model("half")
        raise ZeroDivisionError

    def refused() -> None:
        project.log_model("refused")
        project.set_note("nobody", "a note")

    done = at_once(project, [noted(project, 0), refused, noted(project, 1), fails, noted(project, 2)])
    assert [type(one.exception()) for one in done] == [type(None), NotFound, type(None), ZeroDivisionError, type(None)]
    assert [one in project for one in ("m0", "m1", "m2", "half", "refused")] == [True, True, True, False, False]


def test_when_the_project_cannot_be_written_all_are_told(project):
    def full() -> None:
        raise StoreError("store.lost", "The connection was lost.")

    done = at_once(project, [noted(project, 0), noted(project, 1), full, noted(project, 2)])
    codes = [getattr(one.exception(), "code", None) for one in done]
    assert codes == [None, "store.lost", "store.lost", "store.lost"]
    assert [f"m{number}" in project for number in range(3)] == [True, False, False]
    assert project.once_together("1".zfill(16), "1", do=noted(project, 1)) == 1


def test_of_calls_that_were_done_the_older_ones_are_forgotten(project, monkeypatch):
    monkeypatch.setattr("compress_compare.store.once.KEPT", 4)
    monkeypatch.setattr("compress_compare.store.once.LOOK", 1)
    for number in range(12):
        project.once_together(f"{number:016}", str(number), do=lambda: None)
    with project._database.read() as connection:
        known = connection.exec_driver_sql("SELECT count(*) FROM meta WHERE name LIKE 'call/%%'").scalar()
    assert 0 < known <= 4
    assert project.once_together("11".zfill(16), "11", do=noted(project, 11)) is None
