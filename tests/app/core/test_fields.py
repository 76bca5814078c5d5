"""The fields: nothing but what was asked for comes through, and it comes through unchanged."""

from datetime import UTC, datetime

import marshmallow as ma
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.fields import (
    BIGINT_MAX,
    FEN_MAX,
    Alternatives,
    Fen,
    Flag,
    Id,
    Moment,
    Pattern,
    PlainText,
    Quantity,
    Query,
    Schema,
    Text,
    WholeNumber,
)

JUNK = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text()
    | st.lists(st.integers(), max_size=2) | st.dictionaries(st.text(), st.integers(), max_size=2)
)  # fmt: skip


def load(field, value, base=Schema):
    schema = base.from_dict({"x": field})
    return schema().load({"x": value})["x"]


def refuses(field, value, base=Schema):
    with pytest.raises(ma.ValidationError) as caught:
        load(field, value, base)
    return caught.value.messages["x"]


def test_unknown_fields_are_refused():
    with pytest.raises(ma.ValidationError) as caught:
        Schema.from_dict({"x": Text(maximum=5)})().load({"x": "a", "y": 1})

    assert list(caught.value.messages) == ["y"]


class TestNumbers:
    @pytest.mark.parametrize("value", [0, 1, BIGINT_MAX])
    def test_whole_numbers_of_the_range_come_through(self, value):
        assert load(WholeNumber(), value) == value

    @pytest.mark.parametrize(
        "value", ["1", "", True, False, 1.0, 1.5, float("nan"), float("inf"), None, [], {}, b"1"]
    )
    def test_what_is_no_json_integer_is_refused(self, value):
        assert refuses(WholeNumber(), value)

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            (WholeNumber(), -1),
            (WholeNumber(), BIGINT_MAX + 1),
            (Id(), 0),
            (Fen(), -1),
            (Fen(), FEN_MAX + 1),
            (Fen(minimum=1), 0),
            (Quantity(), 0),
            (Quantity(), 1000),
            (Quantity(maximum=5), 6),
        ],
    )
    def test_what_is_out_of_range_is_told_the_range(self, field, value):
        assert "之间" in refuses(field, value)[0]

    def test_a_query_string_brings_numbers_as_digits(self):
        assert load(Quantity(), "50", Query) == 50
        assert load(Id(), str(BIGINT_MAX), Query) == BIGINT_MAX

    @pytest.mark.parametrize("text", ["", "-1", "+1", "1.0", "１", "1e3", " 1", "1_0", "9" * 20])
    def test_a_query_string_brings_nothing_else(self, text):
        assert refuses(WholeNumber(), text, Query)

    def test_a_number_inside_a_nested_query_object_is_a_number_too(self):
        class Inner(Schema):
            x = WholeNumber()

        with pytest.raises(ma.ValidationError):
            Inner().load({"x": "1"})

    @given(value=JUNK)
    def test_whatever_comes_in_is_an_int_within_range_or_refused(self, value):
        try:
            loaded = load(Quantity(), value)
        except ma.ValidationError:
            return
        assert type(loaded) is int
        assert 1 <= loaded <= 999


class TestText:
    def test_is_stripped_and_counted_afterwards(self):
        assert load(Text(maximum=3), "  三个字  ") == "三个字"
        assert refuses(Text(maximum=3), "四个字呢")
        assert refuses(Text(maximum=3), "   ")
        assert load(Text(maximum=3, minimum=0), "   ") == ""

    @pytest.mark.parametrize("text", ["a\x00b", "a\nb", "a\tb", "a\x7fb", "\ud800", "a\x1bb"])
    def test_control_characters_and_broken_unicode_are_refused(self, text):
        assert refuses(Text(maximum=9), text)

    def test_several_lines_only_where_they_are_meant(self):
        assert load(Text(maximum=9, multiline=True), "a\n\tb\r\nc") == "a\n\tb\r\nc"
        assert refuses(Text(maximum=9, multiline=True), "a\x00b")

    def test_emoji_are_text_but_not_plain_text(self):
        assert load(Text(maximum=9), "好😀") == "好😀"
        assert refuses(PlainText(maximum=9), "好😀")
        assert load(PlainText(maximum=9), "好") == "好"

    @given(value=JUNK)
    def test_whatever_comes_in_can_be_stored_or_is_refused(self, value):
        try:
            loaded = load(PlainText(maximum=20), value)
        except ma.ValidationError:
            return
        assert 1 <= len(loaded) <= 20
        assert "\x00" not in loaded
        assert all(len(character.encode()) <= 3 for character in loaded)


class TestPattern:
    def test_matches_the_whole_text(self):
        field = Pattern("[0-9]{3}|abc", error="三位数字")

        assert load(field, "123") == "123"
        assert load(field, "abc") == "abc"
        for wrong in ("1234", "123\n", "x123", "abcd", 123, None):
            assert refuses(field, wrong)

    def test_says_what_is_wrong_in_its_own_words(self):
        assert refuses(Pattern("a", error="只能是 a"), "b") == ["只能是 a"]


class TestMoment:
    @pytest.mark.parametrize(
        "text", ["2026-11-11T12:00:00+08:00", "2026-11-11T04:00:00Z", "2026-11-11T04:00:00.000Z"]
    )
    def test_is_loaded_as_aware_utc(self, text):
        moment = load(Moment(), text)

        assert moment == datetime(2026, 11, 11, 4, tzinfo=UTC)
        assert moment.tzinfo is UTC

    @pytest.mark.parametrize(
        "value",
        [
            "2026-11-11T12:00:00", "2026-11-11", "tomorrow", "", 0, 1.5, True, None, [],
            "0001-01-01T00:00:00+08:00", "9999-12-31T23:59:59-08:00",
        ],
    )  # fmt: skip
    def test_without_an_offset_or_out_of_the_calendar_it_is_refused(self, value):
        assert refuses(Moment(), value)

    def test_is_shown_with_its_offset(self):
        schema = Schema.from_dict({"x": Moment()})

        shown = schema().dump({"x": datetime(2026, 11, 11, 4, tzinfo=UTC)})["x"]

        assert shown == "2026-11-11T04:00:00+00:00"


class TestFlag:
    def test_is_true_or_false_in_a_body(self):
        assert load(Flag(), True) is True
        assert load(Flag(), False) is False
        for wrong in ("true", "1", 1, 0, None, "yes", []):
            assert refuses(Flag(), wrong)

    def test_is_a_word_in_a_query_string(self):
        assert [load(Flag(), word, Query) for word in ("true", "1", "false", "0")] == [
            True, True, False, False,
        ]  # fmt: skip
        for wrong in ("yes", "", "True "):
            assert refuses(Flag(), wrong, Query)


class TestAlternatives:
    CAT = Schema.from_dict({"lives": WholeNumber(required=True)})
    DOG = Schema.from_dict({"tricks": WholeNumber(required=True)})

    def answer(self, body):
        pet = Schema.from_dict(
            {
                "kind": ma.fields.String(validate=ma.validate.OneOf(["cat", "dog"])),
                "pet": Alternatives({"cat": self.CAT, "dog": self.DOG}, by="kind", required=True),
            }
        )
        return pet().validate(body)

    def test_the_field_beside_it_says_which_schema_it_has(self):
        assert self.answer({"kind": "cat", "pet": {"lives": 9}}) == {}
        assert self.answer({"kind": "dog", "pet": {"lives": 9}}) == {
            "pet": {"lives": ["未知字段"], "tricks": ["必填"]}
        }

    @pytest.mark.parametrize("kind", ["bird", None, 1, [], {}])
    def test_without_a_schema_only_the_field_beside_it_is_refused(self, kind):
        assert set(self.answer({"kind": kind, "pet": {"lives": 9}})) == {"kind"}

    @pytest.mark.parametrize("pet", [None, [], "cat", 9, True])
    def test_it_is_an_object(self, pet):
        assert set(self.answer({"kind": "cat", "pet": pet})) == {"pet"}
