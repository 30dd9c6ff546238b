"""Files that were cut off, and files of one tool that are given to the importer of another: refused, or read as whole.

Nothing of them is half in a project: what was read is written in one transaction, or refused.
"""

import shutil

import pytest

import compress_compare as cc
from compress_compare import importers
from compress_compare.errors import UserError
from tests.importers.samples import OF_ONE, SAMPLES

PLACES = 50
EVERY = pytest.mark.parametrize("source", SAMPLES)


def files_of(place):
    return sorted(path for path in place.rglob("*") if path.is_file()) if place.is_dir() else [place]


def cuts(size):
    """Lengths from nothing to all but one byte."""
    return sorted({size * part // PLACES for part in range(PLACES)} | {size - 1}) if size else []


def brought(source, place, project, seen):
    """Import all or nothing; whether it was refused in a sentence. What was ``seen`` is not written again."""
    before = project.revision()
    try:
        read = importers.load(source, place)
        if (found := repr(read)) not in seen:
            seen.add(found)
            importers.write(read, project)
    except UserError as error:
        assert error.title.endswith((".", "?")) and "Traceback" not in str(error), error
        assert project.revision() == before
        return True
    return False


@EVERY
def test_a_file_that_is_cut_anywhere_is_refused_in_a_sentence_or_read_as_far_as_it_is_whole(tmp_path, source):
    (tmp_path / "whole").mkdir()
    whole = (
        SAMPLES[source](tmp_path / "whole", grown=True) if source not in OF_ONE else SAMPLES[source](tmp_path / "whole")
    )
    refused = total = 0
    seen = set()
    with cc.open(tmp_path / "p") as project:
        for path in files_of(whole):
            content = path.read_bytes()
            for length in cuts(len(content)):
                path.write_bytes(content[:length])
                refused += brought(source, whole, project, seen)
                total += 1
                path.write_bytes(content)
        importers.recognize(whole)
        assert project.damage() == []
    assert total >= PLACES and refused > 0


@EVERY
def test_files_of_another_tool_are_refused_in_a_sentence_or_read_as_what_they_are(tmp_path, source):
    takes = importers.IMPORTERS[source].takes
    with cc.open(tmp_path / "p") as project:
        for other, write in SAMPLES.items():
            folder = tmp_path / other
            folder.mkdir()
            place = write(folder)
            for path in {place, *files_of(place)}:
                if other != source and ("folder" if path.is_dir() else "file") in takes:
                    brought(source, path, project, set())
            shutil.rmtree(folder)
        assert project.damage() == []


@EVERY
def test_links_in_a_folder_lead_nowhere(tmp_path, source):
    """A file of the source that is a link to something else of this machine is not read."""
    if "folder" not in importers.IMPORTERS[source].takes:
        pytest.skip("it takes files only, and whoever names a link means what it leads to")
    (tmp_path / "real").mkdir()
    place = SAMPLES[source](tmp_path / "real")
    if not place.is_dir():
        pytest.skip("its sample is a file")
    linked = tmp_path / "linked"
    shutil.copytree(place, linked)
    for path in files_of(linked):
        target = place / path.relative_to(linked)
        path.unlink()
        path.symlink_to(target)
    with cc.open(tmp_path / "p") as project:
        assert brought(source, linked, project, set()) or len(project) == 0
