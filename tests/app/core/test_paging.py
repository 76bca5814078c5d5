"""Cursors: they come back as what they were, and nothing else is one."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import paging
from app.core.errors import Invalid

NUMBERS = st.integers(-(2**63) + 1, 2**63 - 1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))


def forged(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@given(number=NUMBERS, text=TEXTS)
def test_a_cursor_comes_back_as_what_it_was(number, text):
    assert paging.decode(paging.encode(number, text), int, str) == [number, text]


@given(text=st.text())
def test_no_text_breaks_it(text):
    try:
        (number,) = paging.decode(text, int)
    except Invalid:
        return
    assert type(number) is int


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "é",
        "====",
        forged(1),
        forged({}),
        forged([]),
        forged([1, 2]),
        forged(["1"]),
        forged([True]),
        forged([1.0]),
        forged([None]),
        forged([2**63]),
        forged([-(2**63)]),
        forged([10**400]),
        base64.urlsafe_b64encode(b"[" * 100_000).decode(),
        base64.urlsafe_b64encode(b"[1" + b"0" * 5000 + b"]").decode(),
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
    ],
)
def test_what_is_no_cursor_of_this_list_is_refused(cursor):
    with pytest.raises(Invalid) as caught:
        paging.decode(cursor, int)

    assert caught.value.members == {"errors": {"cursor": ["翻页标记无效，请从第一页开始"]}}


@pytest.mark.parametrize("text", ["a\x00b", "\ud800"])
def test_text_that_no_column_holds_is_refused(text):
    with pytest.raises(Invalid):
        paging.decode(forged([text]), str)
