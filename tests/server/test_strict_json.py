"""What is refused as JSON, and why (B36, B37)."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compress_compare.errors import UserError
from compress_compare.server import strict_json
from tests.counting import at_most

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=20,
)


@given(values, st.booleans())
def test_reads_what_the_standard_library_writes(value, ascii_only):
    text = json.dumps(value, ensure_ascii=ascii_only)
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        return
    if "\0" in text:
        return
    assert strict_json.loads(encoded) == value


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"[" + b"1," * 200_000 + b"1]", "json.too_many_values"),
        (b"[" + b"{}," * 100_000 + b"{}]", "json.too_many_values"),
        (b"[" * 100_000, "json.too_deep"),
        (b"[" * 100_000 + b"]" * 100_000, "json.too_deep"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "json.too_deep"),
        (b"[" * 65 + b"]" * 65, "json.too_deep"),
        (b"1" * 5000, "json.number_too_large"),
        (b"[9223372036854775808]", "json.number_too_large"),
        (b"[-9223372036854775809]", "json.number_too_large"),
        (b'{"a": 1, "b": 2, "a": 3}', "json.duplicate_key"),
        (b'[{"x": {"a": 1, "\\u0061": 3}}]', "json.duplicate_key"),
        (b'["\\ud800"]', "json.bad_unicode"),
        (b'{"\\udfff": 1}', "json.bad_unicode"),
        (b'["\\udc00\\ud800"]', "json.bad_unicode"),
        ('{"a": 1}'.encode("utf-16"), "json.bad_unicode"),
        ('{"a": 1}'.encode("utf-16-le"), "json.bad_unicode"),
        ('{"a": 1}'.encode("utf-8-sig"), "json.bad_unicode"),
        (b'["\xff"]', "json.bad_unicode"),
        (b'["\xed\xa0\x80"]', "json.bad_unicode"),
        (b"[NaN]", "value.not_finite"),
        (b"[Infinity]", "value.not_finite"),
        (b"[-Infinity]", "value.not_finite"),
        (b"[1e999]", "value.not_finite"),
        (b"[-1e999]", "value.not_finite"),
        (b"[1,5", "json.invalid"),
        (b"{'a': 1}", "json.invalid"),
        (b'{"a": 1,}', "json.invalid"),
        (b"[1] [2]", "json.invalid"),
        (b'["unfinished', "json.invalid"),
        (b"]" * 1000, "json.invalid"),
        (b"", "json.invalid"),
        (b"[01]", "json.invalid"),
    ],
)
def test_is_refused(text, code):
    with pytest.raises(UserError) as caught:
        strict_json.loads(text)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"[" * 64 + b"]" * 64, None),
        (b'["[[[[{{{{", "\\"[[[", "\\\\"]', ["[[[[{{{{", '"[[[', "\\"]),
        (b"[9223372036854775807, -9223372036854775808]", [2**63 - 1, -(2**63)]),
        (b'["\\ud83d\\ude00"]', ["\N{GRINNING FACE}"]),
        (b"[1e-400, -0.0]", [0.0, -0.0]),
        (b'"NaN"', "NaN"),
    ],
)
def test_is_read(text, value):
    read = strict_json.loads(text)
    assert value is None or repr(read) == repr(value)


@pytest.mark.parametrize(
    "text",
    [
        b'"' + b'\\"' * 5_000_000,
        b'"' * 9_999_999,
        b"[]" * 5_000_000,
        b"[" + b"{}," * 3_000_000 + b"1]",
        b"[" * 5_000_000 + b"]" * 5_000_000,
        b"{" + b",".join(b'"%d":0' % i for i in range(700_000)) + b',"1":0}',
    ],
    ids=["escapes", "quotes", "siblings", "objects", "depth", "keys"],
)
def test_ten_megabytes_of_malice_make_little_work(text):
    with suppress(UserError), at_most(lines=2 * len(text)):
        strict_json.loads(text)


def test_commas_in_texts_are_no_values():
    text = b'["' + b",[{" * 300_000 + b'"]'
    assert strict_json.loads(text) == [",[{" * 300_000]


def test_as_many_values_as_there_may_be_are_read():
    count = strict_json.MAX_VALUES - 1
    assert len(strict_json.loads(b"[" + b"1," * (count - 1) + b"1]")) == count
