"""Quotes for carts and orders: real SKUs, campaigns and limits."""

from datetime import timedelta

import pytest
from sqlalchemy import event

from app.catalogue import queries as catalogue
from app.marketing import service
from app.marketing.service import PromotionGone, QuoteLine
from app.marketing.verify import verify
from promotions import campaigns
from promotions.models import PromotionCounter
from promotions.pricing import Code
from tests.builders.catalogue import make_category, make_sku
from tests.builders.promotions import NOON, make_published

HOUR = timedelta(hours=1)


def sellable(session, **fields):
    sku = make_sku(session, **fields)
    return catalogue.skus_for_pricing(session, [sku.id])[sku.id]


def quote(session, *skus, quantity=1, now=NOON, freight_fen=0):
    lines = [QuoteLine(number, sku, quantity) for number, sku in enumerate(skus, start=1)]
    return service.quote(session, lines=lines, member_id=1, freight_fen=freight_fen, now=now)


@pytest.fixture
def statements(session):
    """The SQL sent on the test's connection since the last `clear()`."""
    sent = []
    engine = session.get_bind()

    def note(_, __, statement, *___):
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)


class TestQuote:
    def test_prices_lines_with_what_is_running(self, session):
        cup = sellable(session, price_fen=9_900)
        make_published(session)

        priced = quote(session, cup, quantity=2, freight_fen=800)

        assert (priced.items_fen, priced.discount_fen) == (19_800, 1_000)
        assert (priced.freight_fen, priced.payable_fen) == (800, 19_600)
        assert priced.lines[0].sku_id == cup.sku_id

    def test_a_category_stands_for_all_below_it(self, session):
        home = make_category(session)
        cup = sellable(session, category=make_category(session, parent=home), price_fen=10_000)
        book = sellable(session, price_fen=10_000)
        make_published(session, includes={"category_ids": [home.id]})

        priced = quote(session, cup, book)

        assert [line.discount_fen for line in priced.lines] == [1_000, 0]

    def test_tags_and_spus_and_exclusions_are_known_to_it(self, session):
        new = sellable(session, tags=["新品"], price_fen=10_000)
        other = sellable(session, tags=["新品"], price_fen=10_000)
        make_published(session, includes={"tags": ["新品"]}, excludes={"spu_ids": [other.spu_id]})

        assert [line.discount_fen for line in quote(session, new, other).lines] == [1_000, 0]

    def test_a_limit_that_is_used_up_is_told_beforehand(self, session):
        cup = sellable(session, price_fen=10_000)
        make_published(session, max_uses=1)
        first = quote(session, cup)
        service.reserve(session, source="order:A", member_id=1, quote=first, now=NOON)

        second = quote(session, cup)

        assert (first.discount_fen, second.discount_fen) == (1_000, 0)
        assert second.trace[0].code is Code.LIMIT_REACHED

    def test_of_a_visitor_nobody_knows_whether_they_are_new(self, session):
        cup = sellable(session, price_fen=10_000)
        make_published(session, audience={"is_new": True})

        priced = service.quote(
            session, lines=[QuoteLine(1, cup, 1)], member_id=None, freight_fen=0, now=NOON
        )

        assert priced.trace[0].code is Code.NOT_FOR_YOU


class TestSnapshot:
    def test_one_row_is_read_while_nothing_changes(self, session, statements):
        make_published(session)
        before = service.snapshot(session, now=NOON)
        statements.clear()

        after = service.snapshot(session, now=NOON + HOUR)

        assert after is before
        assert len(statements) == 1

    def test_a_quote_without_limited_promotions_reads_no_more(self, session, statements):
        cup = sellable(session)
        make_published(session)
        quote(session, cup)
        statements.clear()

        quote(session, cup)

        assert len(statements) == 1

    def test_what_is_published_or_paused_counts_from_the_next_quote_on(self, session):
        cup = sellable(session, price_fen=10_000)
        discounts = [quote(session, cup).discount_fen]
        promotion = make_published(session)
        discounts.append(quote(session, cup).discount_fen)
        campaigns.pause(session, promotion_id=promotion.id, staff_id=1, now=NOON)
        discounts.append(quote(session, cup).discount_fen)

        assert discounts == [0, 1_000, 0]

    def test_windows_open_and_close_without_a_new_version(self, session):
        cup = sellable(session, price_fen=10_000)
        make_published(session, starts_at=NOON + HOUR, ends_at=NOON + 2 * HOUR)

        discounts = [
            quote(session, cup, now=NOON + hours * HOUR).discount_fen for hours in range(3)
        ]

        assert discounts == [0, 1_000, 0]


class TestHolds:
    def counter(self, session, promotion):
        counter = session.get(PromotionCounter, promotion.id, populate_existing=True)
        return (counter.uses_reserved, counter.reserved_fen, counter.uses_used, counter.used_fen)

    def test_an_order_reserves_and_payment_confirms(self, session):
        cup = sellable(session, price_fen=10_000)
        promotion = make_published(session, max_uses=5)

        agreed = quote(session, cup)
        order = {"source": "order:A", "member_id": 1, "now": NOON}
        for _ in range(2):
            service.reserve(session, quote=agreed, **order)
        held = self.counter(session, promotion)
        for _ in range(2):
            service.confirm(session, quote=agreed.to_json(), **order)

        assert held == (1, 1_000, 0, 0)
        assert self.counter(session, promotion) == (0, 0, 1, 1_000)
        assert list(verify(session)) == []

    def test_closing_gives_it_back(self, session):
        cup = sellable(session, price_fen=10_000)
        promotion = make_published(session, max_uses=5)
        service.reserve(session, source="order:A", member_id=1, quote=quote(session, cup), now=NOON)

        service.release(session, source="order:A", now=NOON)

        assert self.counter(session, promotion) == (0, 0, 0, 0)

    def test_a_price_that_no_longer_stands_is_refused(self, session):
        cup = sellable(session, price_fen=10_000)
        promotion = make_published(session)
        stale = quote(session, cup)
        campaigns.pause(session, promotion_id=promotion.id, staff_id=1, now=NOON)

        with pytest.raises(PromotionGone) as refused:
            service.reserve(session, source="order:A", member_id=1, quote=stale, now=NOON)

        assert refused.value.members == {"promotion_id": promotion.id, "reason": "not_running"}

    def test_a_breach_is_reported_in_the_words_of_the_shop(self, session):
        promotion = make_published(session)
        promotion.version = 9
        session.flush()

        (breach,) = verify(session)

        assert breach.rule == "promotions.every_version_on_record"
