"""Chinese is found by any two characters of it, and no input is an error."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.catalogue import indexing, search, shelf
from tests.builders.catalogue import make_brand, make_category, make_sku

HAN = st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF)
IN_ONE_DATABASE = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def found(session, q):
    return [each["title"] for each in shelf.list_products(session, q=q)["items"]]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("保温杯", ["保", "保温", "杯", "温", "温杯"]),
        ("新款 iPhone15 手机", ["iphone15", "手", "手机", "新", "新款", "机", "款"]),
        ("ＡＢＣ　１２", ["12", "abc"]),
        ("50%OFF!!!", ["50", "off"]),
        ("😀 ' & | ! ( ) : * <->", []),
    ],
)
def test_text_becomes_characters_bigrams_and_words(text, tokens):
    assert search.tokens([text]) == sorted(tokens)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("保温杯", "'保温' & '温杯'"),
        ("杯", "'杯'"),
        ("红 iPhone", "'红' & 'iphone':*"),
        ("杯杯杯杯", "'杯杯'"),
        ("'); DROP TABLE spu; --", "'drop':* & 'table':* & 'spu':*"),
        ("😀 !", None),
        ("", None),
    ],
)
def test_a_query_asks_for_all_of_its_bigrams(text, terms):
    assert search.query(text) == terms


@pytest.mark.parametrize("q", ["保温", "温杯", "杯", "iphone", "IPHONE", "ｉＰhone", "手机 保温杯"])
def test_a_title_is_found_by_its_parts(session, q):
    make_sku(session, title="保温杯（配 iPhone15 手机支架）")
    make_sku(session, title="陶瓷碗", category=make_category(session, name="餐具"))

    assert found(session, q) == ["保温杯（配 iPhone15 手机支架）"]


@pytest.mark.parametrize("q", ["温保", "杯子", "hone", "保温杯 陶瓷"])
def test_what_is_not_in_a_title_does_not_find_it(session, q):
    make_sku(session, title="保温杯 iPhone")

    assert found(session, q) == []


def test_brand_category_subtitle_and_keywords_are_found_too(session):
    category = make_category(session, name="杯壶", parent=make_category(session, name="家居"))
    sku = make_sku(
        session,
        title="随行杯",
        subtitle="礼盒装",
        keywords="tumbler 水杯",
        category=category,
        brand=make_brand(session, name="山川"),
    )
    indexing.reindex_spu(session, spu_id=sku.spu_id)

    for q in ("家居", "杯壶", "礼盒", "tumbl", "山川", "山川 随行"):
        assert found(session, q) == ["随行杯"]


@IN_ONE_DATABASE
@given(title=st.text(HAN, min_size=2, max_size=20), data=st.data())
def test_every_part_of_two_or_more_characters_of_a_title_finds_it(session, title, data):
    start = data.draw(st.integers(0, len(title) - 2))
    end = data.draw(st.integers(start + 2, len(title)))

    matches = session.scalar(
        text("SELECT array_to_tsvector(CAST(:tokens AS text[])) @@ CAST(:terms AS tsquery)"),
        {"tokens": search.tokens([title]), "terms": search.query(title[start:end])},
    )

    assert matches


@IN_ONE_DATABASE
@given(q=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=50))
def test_no_query_is_an_error(session, q):
    make_sku(session, title=f"{q}保温杯")

    shelf.list_products(session, q=q)
    session.rollback()


@given(st.text(max_size=300))
def test_no_text_makes_a_token_the_database_refuses(text):
    assert all(token and len(token) <= search.WORD_MAX for token in search.tokens([text]))
