"""What is personal is unreadable at rest, cannot be altered unseen, and can be found again."""

import pytest
from cryptography.exceptions import InvalidTag
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core import crypto

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.fixture
def keyed():
    """A context with a secret key; nothing else is needed."""

    def make(secret):
        app = Flask(__name__)
        app.config["SECRET_KEY"] = secret
        return app.app_context()

    return make


@pytest.fixture
def context(keyed):
    with keyed("a secret"):
        yield


@pytest.mark.usefixtures("context")
class TestSealing:
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(text=TEXTS)
    def test_what_is_sealed_opens_to_what_it_was(self, text):
        assert crypto.open_sealed(crypto.seal(text)) == text

    def test_the_same_text_is_sealed_differently_each_time(self):
        assert crypto.seal("13812345678") != crypto.seal("13812345678")
        assert b"13812345678" not in crypto.seal("13812345678")

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(position=st.integers(0, 10_000), mask=st.integers(1, 255))
    def test_one_altered_bit_is_noticed(self, position, mask):
        sealed = bytearray(crypto.seal("13812345678"))
        sealed[position % len(sealed)] ^= mask

        with pytest.raises(InvalidTag):
            crypto.open_sealed(bytes(sealed))

    def test_another_key_opens_nothing(self, keyed):
        sealed = crypto.seal("13812345678")

        with keyed("another secret"), pytest.raises(InvalidTag):
            crypto.open_sealed(sealed)


class TestLookup:
    def test_is_the_same_for_the_same_text_and_key_only(self, keyed):
        with keyed("a secret"):
            one, same, other = map(crypto.lookup_hash, ("x", "x", "y"))
        with keyed("another secret"):
            foreign = crypto.lookup_hash("x")

        assert one == same
        assert len({one, other, foreign}) == 3
        assert len(one) == 64


@pytest.mark.parametrize(
    ("phone", "shown"),
    [
        ("13812345678", "138****5678"),
        ("12345678", "123****5678"),
        ("1234567", "****"),
        ("", "****"),
    ],
)
def test_a_masked_phone_shows_its_ends_if_it_is_long_enough(phone, shown):
    assert crypto.mask_phone(phone) == shown


@pytest.mark.parametrize(("name", "shown"), [("王小明", "王**"), ("王", "王**"), ("", "**")])
def test_a_masked_name_shows_its_first_character_and_not_its_length(name, shown):
    assert crypto.mask_name(name) == shown
