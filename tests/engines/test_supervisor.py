"""Jobs over the death of workers and supervisors: nothing is lost, run twice, or left running without a process."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import compress_compare as cc
from benchmarks import kills
from compress_compare.engines import Limits, LocalEngine, Queue, Supervisor
from compress_compare.engines.processes import alive
from compress_compare.engines.run import run_recipe
from compress_compare.errors import Conflict, UserError
from compress_compare.recipes import loads
from compress_compare.records import TaskPath
from compress_compare.store import jobs

from .conftest import HERE, process_of, until

RECIPE = """
task: line_task:task
options: {{folder: {folder}, seconds: {seconds}}}
base: net
steps:
  - magnitude prune: {{amount: {amounts}}}
    then: {{quantize: {{bits: 4}}}}
"""


def recipe(folder, *, amounts="[0.25, 0.5]", seconds=0.0):
    return RECIPE.format(folder=folder, amounts=amounts, seconds=seconds)


def sleepers(queue, count, **options):
    task = {"path": "trouble:task", "options": {"trouble": "sleep"} | options, "folders": [HERE]}
    queue.trust.allow(queue.directory, TaskPath(task["path"], task["options"], (HERE,)))
    request = {"kind": "operation", "project": str(queue.directory), "task": task, "base": None, "operation": None}
    drafts = [
        jobs.Draft("operation", request | {"model": f"m{i}", "references": {}}, model=f"m{i}") for i in range(count)
    ]
    with queue.database.write(counter="jobs") as connection:
        return jobs.create(connection, drafts, owner=queue.owner)


def states(project):
    return {job.id: job.state for job in project.jobs()}


def running(project):
    return [job.id for job in reversed(project.jobs()) if job.state == "running"]


def test_l9_a_long_queue_keeps_its_order_and_is_cancelled_in_time(project, supervised):
    queue, supervisor = supervised
    ids = [one for _ in range(10) for one in sleepers(queue, 50)]
    supervisor.start()
    until(lambda: running(project) == ids[:2])
    queue.cancel(ids[2:102])

    def handles():
        return [entry.handle for entry in queue.unfinished(mine=True) if entry.handle]

    until(lambda: len(handles()) == 2)  # a job runs a moment before its process has a number
    workers = [process_of(handle) for handle in handles()]
    queue.cancel(ids[:2])
    until(lambda: not set(running(project)) & set(ids[:2]))
    until(lambda: running(project) == ids[102:104])
    supervisor.close()
    assert not any(map(alive, workers))
    assert set(states(project).values()) == {"cancelled", "interrupted"}


def test_f3_a_killed_supervisor_leaves_no_job_running_and_no_worker(project):
    code = f"""
import sys, time
sys.path[:0] = {[HERE, str(Path(HERE).parent.parent)]!r}
from pathlib import Path
from tests.engines.test_supervisor import sleepers
from compress_compare.engines import *
queue = Queue(Path({str(project.path)!r}))
supervisor = Supervisor(queue, LocalEngine(2))
sleepers(queue, 3)
supervisor.run()
"""
    for delay in (0.1, 0.5):
        process = subprocess.Popen([sys.executable, "-c", code])
        before = len(project.jobs())
        until(lambda: len(running(project)) == 2)
        time.sleep(delay)
        queue = Queue(project.path)
        left = [process_of(entry.handle) for entry in queue.unfinished(mine=False) if entry.state == "running"]
        assert len(project.jobs()) == before + 3
        process.send_signal(signal.SIGKILL)
        process.wait()
        until(lambda left=left: not any(map(alive, left)))
        supervisor = Supervisor(queue, LocalEngine(2))
        assert supervisor.recover() == 3
        assert set(states(project).values()) == {"interrupted"}
        assert supervisor.recover() == 0
        queue.close()


def test_a_living_supervisor_is_left_alone(project, supervised):
    queue, supervisor = supervised
    (id,) = sleepers(queue, 1)
    supervisor.start()
    until(lambda: states(project)[id] == "running")
    other = Queue(project.path)
    assert Supervisor(other, LocalEngine(1)).recover() == 0
    assert other.cancel([id])[0].state == "running"
    until(lambda: states(project)[id] == "cancelled")
    other.close()


@pytest.mark.usefixtures("each_backend")
def test_a_step_whose_base_was_not_made_is_told_so(project, supervised):
    queue, supervisor = supervised
    task = {"path": "trouble:task", "options": {"trouble": "exit 3"}, "folders": [HERE]}
    queue.trust.allow(queue.directory, TaskPath(task["path"], task["options"], (HERE,)))
    request = {"kind": "operation", "project": str(project.path), "task": task, "operation": None, "references": {}}
    drafts = [
        jobs.Draft("operation", request | {"model": "a", "base": None}, model="a"),
        jobs.Draft("operation", request | {"model": "b", "base": "a"}, model="b"),
        jobs.Draft("operation", request | {"model": "c", "base": "b"}, model="c"),
    ]
    with queue.database.write(counter="jobs") as connection:
        jobs.create(connection, drafts, owner=queue.owner)
    supervisor.run()
    assert [job.reason for job in reversed(project.jobs())] == ["exit_code(3)", "base_failed", "base_failed"]


def test_nothing_is_lost_or_made_twice_when_the_runner_is_killed(tmp_path):
    """The whole way: the command is killed at random moments, run again, and ends as if nothing had been."""
    (tmp_path / "line.yaml").write_text(recipe(tmp_path, seconds=0.5).rpartition("    then")[0])
    for name in ("line_task.py", "trouble.py"):
        (tmp_path / name).symlink_to(Path(HERE) / name)
    draw = random.Random(5)
    moments = [draw.uniform(1, 8) for _ in range(3)]
    assert kills.disturbed(tmp_path / "line.yaml", tmp_path / "killed", moments) == []
    assert kills.run(tmp_path / "line.yaml", tmp_path / "plain").returncode == 0
    found = [content(tmp_path / name) for name in ("killed", "plain")]
    assert found[0] == found[1] and len(found[0]) == 3


def content(directory):
    """Everything about every model but when it was made."""
    with cc.open(directory) as project:
        models = [project.model(id) for id in sorted(project.models()["id"].to_pylist())]
    return [(m.id, m.base, m.operation, m.checkpoint, m.datasets, m.metrics) for m in models]


def test_an_edited_recipe_runs_only_its_new_branches(tmp_path):
    cc.open(tmp_path / "project").close()

    def run(**changes):
        wanted = loads(recipe(tmp_path, **changes), folders=(HERE,))
        return run_recipe(tmp_path / "project", wanted, engine=LocalEngine(2, Limits()))

    assert run(amounts="0.5").made == ("net", "net-magnitude-prune-0.5", "net-magnitude-prune-0.5-quantize-4")
    assert run(amounts="[0.75, 0.5]").made == ("net-magnitude-prune-0.75", "net-magnitude-prune-0.75-quantize-4")
    assert run(amounts="[0.75, 0.5]").made == ()
    assert len((tmp_path / "measured").read_text().splitlines()) == 5


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("seconds: 0.0", "seed: 7"), "config.other_task"),
        (("line_task:task", "no_such_module:task"), "config.task"),
        (("line_task:task", "line_task:no_function"), "config.task"),
        (("line_task:task", "trouble:task"), "config.task"),
        (("{bits: 4}", "{bits: 3, targets: [Linaer]}"), "config.unknown_layer"),
        (("{bits: 4}", "{bits: 3, targets: [ReLU]}"), "config.unsupported_layer"),
    ],
)
def test_b39_what_only_the_task_can_tell_is_refused_before_anything_runs(tmp_path, change, code):
    with cc.open(tmp_path / "project") as project:
        if code == "config.other_task":
            queue = Queue(project.path)
            queue.submit_recipe(loads(recipe(tmp_path), folders=(HERE,)), trusted=True)
            queue.close()
        text = recipe(tmp_path).replace(*change)
        with pytest.raises(UserError) as caught:
            run_recipe(project.path, loads(text, folders=(HERE,)), engine=LocalEngine(1))
        assert caught.value.code == code
        if code == "config.unknown_layer":
            assert caught.value.detail.startswith("Line 7, steps[0].then.quantize")
            assert caught.value.hint == "Did you mean 'Linear'?"
        assert len(project) == 0


def test_b39_data_that_changed_since_its_fingerprint_is_refused(tmp_path):
    with cc.open(tmp_path / "project") as project:
        project.log_dataset("points", ids=range(32), labels=[0] * 32)
        with pytest.raises(UserError, match="has changed since") as caught:
            run_recipe(project.path, loads(recipe(tmp_path), folders=(HERE,)), engine=LocalEngine(1))
        assert caught.value.code == "config.data_changed"
        assert len(project) == 0


@pytest.mark.usefixtures("each_backend")
def test_ended_jobs_stay_ended(project, supervised):
    queue, _ = supervised
    (id,) = sleepers(queue, 1)
    queue.cancel([id])
    with pytest.raises(Conflict, match="cancelled"):
        queue.cancel([id])
    queue.update(id, state="running")
    assert states(project)[id] == "cancelled"
    assert queue.retry(id).state == "queued"
    with pytest.raises(Conflict, match="queued"):
        queue.retry(id)
