"""``run`` as a user runs it; what becomes of jobs is tested with the supervisor."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ENGINES = Path(__file__).parent.parent / "engines"
RECIPE = """
task: line_task:task
base: net
steps:
  - magnitude prune: {amount: [0.25, 0.5]}
"""


@pytest.fixture
def folder(tmp_path):
    for name in ("line_task.py", "trouble.py"):
        (tmp_path / name).symlink_to(ENGINES / name)
    (tmp_path / "line.yaml").write_text(RECIPE)
    return tmp_path


def run(folder, *arguments, code=0):
    command = [sys.executable, "-c", "from compress_compare.cli import main; main()", "run", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    assert done.returncode == code, done.stderr
    return done


def test_plan_run_and_plan_again(folder):
    planned = json.loads(run(folder, "line.yaml", "--plan", "--json").stdout)
    assert not (folder / "runs").exists()
    assert planned["remaining"] == 3
    # 58 weights of 4 bytes; half of the 48 in matrices zero: maps of 4 and 2 bytes, 24 weights, 10 biases
    assert [model["predicted_packed_size"] for model in planned["models"]][::2] == [4 * 58, 6 + 4 * (24 + 10)]
    done = run(folder, "line.yaml", "--workers", "2", "--json")
    assert json.loads(done.stdout) == {
        "made": ["net", "net-magnitude-prune-0.25", "net-magnitude-prune-0.5"],
        "failed": [],
        "there_before": 0,
        "state": "done",
    }
    assert "3/3" in done.stderr
    again = run(folder, "line.yaml", "--plan").stdout.splitlines()
    assert again[-1] == "3 models, 0 to do."


def test_json_is_json_whatever_a_task_prints(folder):
    (folder / "loud_task.py").write_text(
        "import os, sys\n"
        "print('imported')\n"
        "os.write(1, b'from below\\n')\n"
        "os.system('echo from a program')\n"
        "import line_task\n"
        "from compress_compare.recipes import Task\n"
        "def task() -> Task:\n"
        "    print('made')\n"
        "    sys.stdout.write('written\\n')\n"
        "    return line_task.task()\n"
    )
    (folder / "line.yaml").write_text(RECIPE.replace("line_task:task", "loud_task:task"))
    done = run(folder, "line.yaml", "--plan", "--json")
    assert json.loads(done.stdout)["remaining"] == 3
    assert "from below" in done.stderr and "from a program" in done.stderr
    assert json.loads(run(folder, "line.yaml", "--workers", "1", "--json").stdout)["state"] == "done"


def test_of_two_runs_at_once_one_makes_each_model(folder):
    (folder / "counted_task.py").write_text(
        "from dataclasses import replace\n"
        "import line_task\n"
        "from compress_compare.recipes import Task\n"
        "def task() -> Task:\n"
        "    found = line_task.task()\n"
        "    def measure(model):\n"
        "        with open('measured.txt', 'a') as file:\n"
        "            file.write('x')\n"
        "        return found.measure(model)\n"
        "    return replace(found, measure=measure)\n"
    )
    (folder / "line.yaml").write_text(
        RECIPE.replace("line_task:task", "counted_task:task").replace("0.5]", "0.5, 0.75]")
    )
    tool = [sys.executable, "-c", "from compress_compare.cli import main; main()", "run", "line.yaml", "--project", "p"]
    both = [subprocess.Popen([*tool, "--json"], cwd=folder, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [json.loads(one.communicate()[0]) for one in both]
    assert [one.returncode for one in both] == [0, 0]
    assert [one["state"] for one in said] == ["done", "done"]
    made = [id for one in said for id in one["made"]]
    assert len(made) == len(set(made)) == 3 + 1
    assert [len(one["made"]) + one["there_before"] for one in said] == [4, 4]
    counted = list(folder.rglob("measured.txt"))
    assert sum(len(path.read_text()) for path in counted) == 4


def test_a_failed_step_is_exit_code_1_and_the_rest_is_made(folder):
    (folder / "line.yaml").write_text(RECIPE + "  - calibrate\n")
    done = run(folder, "line.yaml", "--project", "p", code=1)
    assert "net-calibrate: " in done.stderr and "Traceback" not in done.stderr
    assert "3 models made, 0 were there, 1 failed, in p." in done.stdout


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (("amount", "amuont"), "config.unknown_key", "Line 5, steps[0].magnitude prune.amuont"),
        (("line_task:", "no_such_task:"), "config.task", "no_such_task"),
    ],
)
@pytest.mark.parametrize("option", ["--json", "--plan"])
def test_wrong_input_is_exit_code_2_in_three_lines(folder, option, change, code, words):
    (folder / "line.yaml").write_text(RECIPE.replace(*change))
    done = run(folder, "line.yaml", option, code=2)
    assert f"{code}: " in done.stderr and words in done.stderr and "Traceback" not in done.stderr
    assert done.stdout == ""


TASKS = {
    "np.load('points.npy')": "FileNotFoundError",
    "np.load('.')": "IsADirectoryError",
    "sys.exit('no data')": "SystemExit: no data",
}


@pytest.mark.parametrize("statement", TASKS)
@pytest.mark.parametrize("option", ["--json", "--plan"])
def test_b39_a_task_whose_data_is_missing_or_cannot_be_read(folder, option, statement):
    imports = "import sys\nimport numpy as np\nfrom compress_compare.recipes import Task"
    (folder / "broken.py").write_text(f"{imports}\n\n\ndef task() -> Task:\n    {statement}\n")
    (folder / "line.yaml").write_text(RECIPE.replace("line_task:", "broken:"))
    done = run(folder, "line.yaml", option, code=2)
    assert done.stderr.count("config.task: The task 'broken:task' cannot be used.") == 1
    assert TASKS[statement] in done.stderr and "Traceback" not in done.stderr


def test_f14_a_step_over_its_memory_is_said_and_leaves_nothing(folder):
    (folder / "line.yaml").write_text(RECIPE + "options: {trouble: memory}\n")
    done = run(folder, "line.yaml", "--memory", "0.8", "--project", "p", code=1)
    assert "net: out_of_memory: The worker ran out of memory." in done.stderr and "Traceback" not in done.stderr
    assert "0 models made, 0 were there, 3 failed, in p." in done.stdout


def test_a_step_that_raises_is_said(folder):
    (folder / "line.yaml").write_text(RECIPE + "options: {trouble: raise}\n")
    done = run(folder, "line.yaml", "--project", "p", code=1)
    assert "net: raised: The step raised ValueError: a step that raises" in done.stderr
    assert "net-magnitude-prune-0.5: base_failed: " in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("option", [("--address", "10.0.0.5:6379"), ("--gpus", "1")])
def test_what_is_for_ray_needs_ray(folder, option):
    done = run(folder, "line.yaml", *option, code=2)
    assert "engine.option" in done.stderr and "--engine ray" in done.stderr
