"""Statements and orders show what is there, and read no more of a long history than needed."""

import json
import re
from datetime import timedelta
from itertools import product

import pytest
from sqlalchemy import event, text

from distribution import commissions, queries
from distribution.figures import days, periods, ranking, rolling
from distribution.ledger.states import AccountKind, PostingKind
from distribution.proofs import ledger as proofs
from distribution.queries import LineState, orders, statements
from tests.builders.distribution import (
    NOON,
    bind,
    make_chain,
    make_rules,
    mature,
    pay,
    refund,
    withdraw,
)
from tests.distribution.history import day_of

FIRST, LATER, LAST = (NOON + timedelta(days=number) for number in (-3, -1, 0))
TODAY = day_of(NOON)
BULK = """
    WITH made AS (
        INSERT INTO posting (idem_key, kind, source, payload, payload_sha256,
                             effective_at, recorded_at)
        SELECT 'bulk:' || :member_id || ':' || n, 'accrue', 'bulk:' || n, '{}', sha256('{}'),
               CAST(:now AS timestamptz) - make_interval(mins => :count - n),
               CAST(:now AS timestamptz) FROM generate_series(1, :count) AS n
        RETURNING id)
    INSERT INTO entry (posting_id, member_id, commission_id, debit_account_id, credit_account_id,
                       amount_fen, credit_balance_fen)
    SELECT made.id, :member_id,
           (SELECT min(id) FROM commission WHERE beneficiary_id = :member_id), shop.id, own.id, 1, 1
    FROM made
    JOIN account AS shop ON shop.member_id IS NULL AND shop.kind = 'expense'
    JOIN account AS own ON own.member_id = :member_id AND own.kind = 'frozen'
    ORDER BY made.id
"""


@pytest.fixture
def history(session):
    """Three days of everything: member 2 is brought orders by 1, and 3 has their share."""
    make_rules(session)
    make_chain(session, 1, 2, 3)
    for number, now in enumerate((FIRST, FIRST, LATER, LATER, LAST)):
        pay(session, buyer_id=1, order=f"order:{number}", paid_fen=(9_000, 1_000), now=now)
    refund(session, total_fen=900, order="order:0", now=LATER)
    mature(session, order="order:0", now=LATER)
    mature(session, order="order:2", now=LATER)
    refund(session, total_fen=9_000, order="order:1", source="refund:2", now=LAST)
    refund(session, total_fen=1_000, order="order:1", seq=2, source="refund:4", now=LAST)
    withdraw(session, member_id=2, amount_fen=1_500, now=LAST)
    refund(session, total_fen=9_000, order="order:0", source="refund:3", now=LAST)
    line = "order:3/1"
    commissions.claim(session, line_sources=[line], claim_source="case:1", now=LAST)
    session.flush()
    return session


@pytest.fixture(params=[False, True], ids=["fresh", "rolled up"])
def entries(history, request):
    """All entries of member 2, rolled up or not."""
    if request.param:
        rolling.roll_up(history, now=NOON)
    return queries.statement(history, 2, limit=1_000)


KINDS = (None, PostingKind.ACCRUE, PostingKind.CLAW_BACK, PostingKind.MATURE, PostingKind.HOLD)
ACCOUNTS = (None, AccountKind.FROZEN, AccountKind.AVAILABLE, AccountKind.RECEIVABLE)


class TestStatement:
    def test_every_filter_leaves_exactly_what_it_says(self, history, entries):
        spans = ((None, None), (-1, None), (None, -1), (-1, -1), (-2, -2))
        for kind, account, span in product(KINDS, ACCOUNTS, spans):
            first, last = (None if each is None else TODAY + timedelta(days=each) for each in span)
            found = queries.statement(
                history, 2, wanted=statements.Wanted(kind, account, first, last), limit=1_000
            )
            assert found == [
                each
                for each in entries
                if kind in {None, each.kind}
                and (account is None or account in {move.account for move in each.moves})
                and (first is None or day_of(each.effective_at) >= first)
                and (last is None or day_of(each.effective_at) <= last)
            ]

    def test_an_order_shows_what_it_earned_and_what_was_taken_back(self, history, entries):
        wanted = statements.Wanted(order_source="order:0")
        found = queries.statement(history, 2, wanted=wanted)
        assert {each.line_source for each in found} == {"order:0/1", "order:0/2"}
        assert found == [each for each in entries if (each.line_source or "")[:7] == "order:0"]
        for kind, account in product(KINDS, ACCOUNTS):
            narrow = statements.Wanted(kind, account, order_source="order:0")
            assert queries.statement(history, 2, wanted=narrow) == [
                each
                for each in found
                if kind in {None, each.kind}
                and (account is None or account in {move.account for move in each.moves})
            ]

    @pytest.mark.parametrize("wanted", [statements.ALL, statements.Wanted(PostingKind.ACCRUE)])
    def test_pages_go_on_where_the_last_one_ended(self, history, wanted):
        every = queries.statement(history, 2, wanted=wanted, limit=1_000)
        seen, before = [], None
        while page := queries.statement(history, 2, wanted=wanted, before=before, limit=3):
            seen.extend(page)
            before = page[-1].entry_id
        assert seen == every

    def test_every_way_money_may_go_belongs_to_one_kind_of_event(self):
        said = next(each for each in proofs.PROOFS if each.rule == "ledger.entry_fits_posting")
        ways = {(kind, *way) for kind, some in statements.WAYS.items() for way in some}
        assert set(re.findall(r"\('(\w+)', '(\w+)', '(\w+)'\)", said.query)) == ways
        assert len({way[1:] for way in ways}) == len(ways)


class TestPromoted:
    def lines(self, session, **wanted):
        found = queries.promoted(session, 2, wanted=orders.Wanted(**wanted), limit=100)
        return [each.order_source for each in found]

    def test_lists_orders_by_state_level_and_day(self, history):
        names = [f"order:{number}" for number in (4, 3, 2, 1, 0)]
        assert self.lines(history) == names
        assert self.lines(history, level=1) == names
        assert self.lines(history, level=2) == []
        assert self.lines(history, state=LineState.MATURED) == ["order:2", "order:0"]
        assert self.lines(history, state=LineState.FROZEN) == ["order:4", "order:3"]
        assert self.lines(history, state=LineState.CLAWED) == ["order:1"]
        assert self.lines(history, state=LineState.REFUNDED) == ["order:1", "order:0"]
        assert self.lines(history, state=LineState.HELD) == ["order:3"]
        assert self.lines(history, state=LineState.UNEARNED) == []
        yesterday = TODAY - timedelta(days=1)
        assert self.lines(history, first_day=yesterday, last_day=yesterday) == names[1:3]
        assert self.lines(history, order_source="order:2") == ["order:2"]
        assert self.lines(history, order_source="order:9") == []

    def test_pages_go_on_where_the_last_one_ended(self, history):
        seen, before = [], None
        while page := queries.promoted(history, 2, before=before, limit=2):
            seen.extend(each.order_source for each in page)
            before = page[-1].posting_id
        assert seen == self.lines(history)

    def test_foretells_what_matures_in_the_next_days(self, history):
        commissions.schedule_maturity(
            history, order_source="order:3", mature_at=NOON + timedelta(days=2)
        )
        commissions.schedule_maturity(
            history, order_source="order:4", mature_at=NOON - timedelta(days=2)
        )

        found = queries.maturing(history, 2, today=TODAY)

        assert len(found) == orders.AHEAD
        assert [(each.day - TODAY).days for each in found] == list(range(orders.AHEAD))
        # Of order 3 the first line is held by an after-sale; what is overdue comes today.
        assert [each.amount_fen for each in found[:3]] == [1_000, 0, 100]


def read_by(session, ask):
    """How many blocks of the database the statements of `ask` touch."""
    seen, engine = [], session.get_bind()

    def note(_connection, _cursor, statement, parameters, *_):
        seen.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    try:
        ask()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    cursor = session.connection().connection.cursor()
    return sum(_blocks(cursor, *each) for each in seen)


def _blocks(cursor, statement, parameters):
    cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", parameters)
    (found,) = cursor.fetchone()
    plan = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


WANTED = {
    "all": statements.ALL,
    "claw-backs": statements.Wanted(PostingKind.CLAW_BACK),
    "accruals": statements.Wanted(PostingKind.ACCRUE),
    "available": statements.Wanted(account=AccountKind.AVAILABLE),
    "one old day": statements.Wanted(first_day=TODAY - timedelta(5), last_day=TODAY - timedelta(5)),
    "an order": statements.Wanted(order_source="order:1"),
}


@pytest.fixture
def long(session):
    """Two distributors: 2 with a dozen entries, 5 with 20,000, both with a claw-back before."""
    make_rules(session, levels=1)
    for buyer_id, upline_id, order in ((1, 2, "order:1"), (4, 5, "order:4")):
        bind(session, member_id=buyer_id, upline_id=upline_id)
        pay(session, buyer_id=buyer_id, order=order, now=NOON - timedelta(days=40))
        source = f"refund:{order}"
        refund(session, total_fen=1_000, order=order, source=source, now=NOON - timedelta(days=40))
    for member_id, count in ((2, 10), (5, 20_000)):
        session.execute(text(BULK), {"member_id": member_id, "count": count, "now": NOON})
    session.commit()
    rolling.roll_up(session, now=NOON)
    session.execute(text("ANALYZE"))
    session.commit()
    return session


@pytest.mark.parametrize("name", WANTED)
def test_a_page_reads_as_much_of_a_long_history_as_of_a_short_one(long, name):
    def blocks(member_id):
        return read_by(long, lambda: queries.statement(long, member_id, wanted=WANTED[name]))

    assert blocks(5) <= blocks(2) + 600  # A page, or a day of it; the whole history is 2,800.


def test_figures_team_and_ranks_read_no_more_of_a_long_history(long):
    def blocks(member_id):
        return read_by(
            long,
            lambda: (
                queries.summary(long, member_id),
                periods.current(long, member_id, today=TODAY),
                queries.team_page(long, member_id),
                queries.promoted(long, member_id),
                ranking.own(long, days.Unit.MONTH, member_id, today=TODAY),
            ),
        )

    assert blocks(5) <= blocks(2) + 60
