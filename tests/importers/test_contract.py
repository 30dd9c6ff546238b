"""What every importer does with files that are not what it reads."""

import pytest

from compress_compare import importers
from compress_compare.errors import UserError

BAD = {
    "empty": b"",
    "truncated": b'{"models": [{"id": "a"',
    "text": b"hello world",
    "html": b"<!DOCTYPE html><html><body>404</body></html>",
    "not utf-8": b"\xff\xfe\x00models",
    "list": b"[]",
    "number": b"3",
    "nested": b"[" * 100_000,
    "other shape": b'{"models": {"a": 1}}',
}


@pytest.mark.parametrize("content", BAD.values(), ids=BAD)
@pytest.mark.parametrize("source", importers.IMPORTERS)
def test_a_wrong_file_gets_one_sentence_that_names_it(tmp_path, source, content):
    path = tmp_path / "experiments.json"
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        importers.load(source, path)
    assert caught.value.code.startswith("import.")
    assert "experiments.json" in caught.value.title
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize("source", importers.IMPORTERS)
def test_a_missing_file_or_a_folder_is_said(tmp_path, source):
    for path in (tmp_path / "nope.json", tmp_path):
        with pytest.raises(UserError, match="There is no file"):
            importers.load(source, path)


def test_an_unknown_source_lists_the_known_ones(tmp_path):
    with pytest.raises(UserError, match="compress-and-compare"):
        importers.load("nope", tmp_path)
