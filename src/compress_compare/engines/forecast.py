"""Predicts sizes in a process of its own, so that the one that asks needs no torch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from ..errors import InvalidValue, UserError
from ..recipes.recipe import Recipe
from ..recipes.serial import from_data, to_data
from .local import environment, folder_of

LIMIT_S = 60.0


def sizes(directory: Path, recipe: Recipe) -> dict[str, int | None]:
    """Id → predicted packed bytes of every model of a recipe; ``None`` where that cannot be told.

    Args:
        directory: of the project.
        recipe: with a task that may be imported.

    Raises:
        UserError: what the recipe or its task is wrong about.
        InvalidValue: ``plan.no_sizes`` if the process ends without an answer, or has none in time.
    """
    command = [sys.executable, "-P", "-m", __name__, str(directory.resolve())]
    try:
        done = subprocess.run(  # noqa: S603
            command,
            input=json.dumps(to_data(recipe)),
            cwd=folder_of(to_data(recipe)["task"], directory),
            env=environment(os.environ, str(directory)),
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=True,
        )
        answer = json.loads(done.stdout.rpartition("\n")[2])
    except (subprocess.SubprocessError, ValueError) as error:
        raise InvalidValue("plan.no_sizes", "The sizes could not be predicted.", detail=type(error).__name__) from None
    if "error" in answer:
        fields = answer["error"]
        raise InvalidValue(fields["code"], fields["title"], detail=fields["detail"], hint=fields["hint"])
    return dict(answer["sizes"])


def main() -> None:
    """Read a recipe from standard input; the last line of the output is the answer as JSON."""
    from .run import plan_recipe

    try:
        answer: dict[str, object] = {"sizes": plan_recipe(Path(sys.argv[1]), from_data(json.load(sys.stdin)))[1]}
    except UserError as error:
        answer = {"error": {"code": error.code, "title": error.title, "detail": error.detail, "hint": error.hint}}
    sys.stdout.write("\n" + json.dumps(answer))


if __name__ == "__main__":
    main()
