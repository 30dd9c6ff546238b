"""How far an import is: told for each file that is read, and for each model, dataset and set of answers logged."""

import pytest

import compress_compare as cc
from compress_compare import importers
from compress_compare.engines import steps
from tests.importers.samples import SAMPLES

OF_FILES = ("lm-eval", "wandb", "tensorboard", "huggingface", "lighteval", "inspect")
"""Sources that write a file or folder for each model."""


@pytest.mark.parametrize("source", OF_FILES)
def test_progress_is_told_for_each_file(tmp_path, source):
    told = []
    place = SAMPLES[source](tmp_path, grown=True)
    importers.load_all(source, [place], progress=lambda share, what: told.append((share, what)))
    shares = [share for share, _ in told]
    assert shares == sorted(shares) and 0.5 in shares and min(shares) >= 0 and max(shares) < 1
    assert all(what.startswith("reading ") for _, what in told)


def test_progress_of_several_places_is_that_of_the_whole(tmp_path):
    places = []
    for name in ("one", "two", "three", "four"):
        (tmp_path / name).mkdir()
        places.append(SAMPLES["trackio"](tmp_path / name))
    told = []
    importers.load_all("trackio", places, progress=lambda share, _: told.append(share))
    assert sorted(set(told)) == [0.0, 0.25, 0.5, 0.75]


def test_a_step_tells_what_it_reads_and_logs(tmp_path):
    cc.open(tmp_path / "p").close()
    place = SAMPLES["lm-eval"](tmp_path, grown=True)
    told = []
    call = steps.Call(lambda share, what: told.append((share, what)), lambda: None)
    how = importers.ImportHow().plain()
    request = {"project": tmp_path / "p", "source": "lm-eval", "paths": [str(place)], "how": how}
    assert steps.bring(request, call) == "imported 2 models, 2 of them new"
    assert [share for share, _ in told] == sorted(share for share, _ in told)
    assert [what for share, what in told if share >= 0.5] == [
        "logging model 1 of 2: big",
        "logging model 2 of 2: small",
        "logging dataset 1 of 1: questions",
        "logging answers 1 of 2: big",
        "logging answers 2 of 2: small",
        "committing",
    ]
