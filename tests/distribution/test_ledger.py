"""The ledger: what it refuses, what the database refuses, and the shop's own accounts."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from distribution import ledger, queries, verify, withdrawals
from distribution.ledger import Overdrawn, as_of, horizon, rollup
from distribution.ledger.models import Account
from distribution.ledger.states import AccountKind, PostingKind
from distribution.ledger.states import AccountKind as Kind
from distribution.verify import APPEND_ONLY
from tests.builders.distribution import (
    NOON,
    adjust,
    make_chain,
    make_distributor,
    make_rate,
    make_rules,
    mature,
    pay,
    pay_out,
    refund,
    withdraw,
)


@pytest.fixture
def traded(session):
    """A paid order with two levels, partly refunded; every append-only table has a row."""
    make_rules(session)
    make_rate(session, "sku", 9, level1_bp=0, level2_bp=0)
    make_chain(session, 1, 2, 3)
    pay(session, buyer_id=1)
    refund(session, total_fen=5_000)
    session.commit()


@pytest.mark.usefixtures("traded")
class TestHistory:
    @pytest.mark.parametrize("table", APPEND_ONLY)
    @pytest.mark.parametrize(
        "change",
        [
            "UPDATE {} SET {key} = {key}",
            "DELETE FROM {}",
            "TRUNCATE {} CASCADE",
        ],
    )
    def test_cannot_be_changed(self, session, table, change):
        key = next(iter(Account.metadata.tables[table].primary_key.columns)).name

        with pytest.raises(DBAPIError, match="append-only"):
            session.execute(text(change.format(table, key=key)))


class TestDraft:
    def reserve(self, session, key="test:1"):
        make_distributor(session, member_id=2)
        return ledger.reserve(
            session, idem_key=key, kind=PostingKind.HOLD, source="test", payload={}, now=NOON
        )

    def test_an_account_never_falls_below_zero(self, session):
        draft = self.reserve(session)
        draft.lock([2], {AccountKind.AVAILABLE, AccountKind.WITHDRAWING})

        with pytest.raises(Overdrawn):
            draft.move(2, AccountKind.AVAILABLE, AccountKind.WITHDRAWING, 1)

    def test_the_database_keeps_balances_above_zero_by_itself(self, session):
        self.reserve(session)

        with pytest.raises(IntegrityError, match="balance_not_negative"):
            session.execute(text("UPDATE account SET debited_fen = 1 WHERE kind = 'available'"))

    def test_a_second_use_of_the_key_for_the_same_event_does_nothing(self, session):
        assert self.reserve(session) is not None
        assert self.reserve(session) is None

    def test_moving_nothing_writes_nothing(self, session):
        draft = self.reserve(session)
        draft.lock([2], {AccountKind.FROZEN})
        draft.move(2, AccountKind.EXPENSE, AccountKind.FROZEN, 0)
        draft.write()

        assert session.scalar(text("SELECT count(*) FROM entry")) == 0

    def test_accounts_that_are_missing_are_opened(self, session):
        draft = self.reserve(session)
        session.execute(text("DELETE FROM account"))
        draft.lock([2], {AccountKind.FROZEN})
        draft.move(2, AccountKind.EXPENSE, AccountKind.FROZEN, 5)
        draft.write()

        found = select(Account.balance_fen).where(Account.member_id == 2)
        assert session.scalars(found).all() == [5]


@pytest.fixture
def earned(session):
    """Distributor 2 has 1,000 fen available and bought nothing with it yet."""
    make_rules(session)
    make_chain(session, 1, 2)
    pay(session, buyer_id=1)
    mature(session)


@pytest.mark.usefixtures("earned")
class TestShopAccounts:
    def test_a_withdrawal_that_arrives_leaves_as_money_fee_and_tax(self, session):
        withdraw(session, member_id=2, amount_fen=800)
        pay_out(session, member_id=2, cash_fen=700, fee_fen=60, tax_fen=40)

        shop = rollup.balances(session)
        assert (shop[Kind.CASH], shop[Kind.FEE], shop[Kind.TAX]) == (700, 60, 40)
        found = queries.summary(session, 2)
        assert (found.available_fen, found.withdrawing_fen) == (200, 0)
        assert (found.withdrawn_fen, found.earned_fen, found.clawed_fen) == (800, 1_000, 0)
        assert list(verify.verify(session)) == []

    def test_a_withdrawal_that_does_not_happen_is_given_back(self, session):
        number = withdraw(session, member_id=2, amount_fen=800)
        refund(session, total_fen=3_000)
        withdrawals.give_back(session, no=number, by="wechat", reason="FAIL", now=NOON)

        found = queries.summary(session, 2)
        assert (found.available_fen, found.receivable_fen, found.clawed_fen) == (700, 0, 300)
        assert found.withdrawn_fen == 0
        assert list(verify.verify(session)) == []

    @pytest.mark.parametrize(("kind", "adjusted"), [("give", 300), ("take", -300)])
    def test_what_is_moved_by_hand_is_told_apart_from_what_was_earned(
        self, session, kind, adjusted
    ):
        adjust(session, member_id=2, kind=kind, amount_fen=300)

        found = queries.summary(session, 2)
        assert (found.available_fen, found.adjusted_fen) == (1_000 + adjusted, adjusted)
        assert (found.earned_fen, found.clawed_fen, found.withdrawn_fen) == (1_000, 0, 0)
        assert rollup.balances(session)[Kind.ADJUSTMENT] == -adjusted
        assert [breach.rule for breach in verify.verify(session)] == []

    def test_the_history_until_a_moment_tells_of_them_too(self, session):
        withdraw(session, member_id=2, amount_fen=800)
        pay_out(session, member_id=2, cash_fen=700, fee_fen=100)

        found = as_of.balances(session, effective=NOON, recorded=NOON)
        assert found[None] == {Kind.EXPENSE: 1_000, Kind.CASH: 700, Kind.FEE: 100}


class TestRollUp:
    def test_the_shop_spent_what_it_accrued_less_what_it_clawed_back(self, session, traded):
        assert rollup.balances(session)[AccountKind.EXPENSE] == 750

    def test_a_shop_without_commissions_spent_nothing(self, session):
        assert rollup.balances(session)[AccountKind.EXPENSE] == 0
        assert rollup.balances(session) == dict.fromkeys(ledger.SHOP_KINDS, 0)

    def test_it_reads_what_is_new_only_even_for_accounts_that_nothing_touches(
        self, session, traded
    ):
        rollup.roll_up(session)

        last = session.scalar(text("SELECT max(id) FROM entry"))
        shop = select(Account.rolled_to).where(Account.member_id.is_(None))
        session.expire_all()
        assert session.scalars(shop).all() == [last] * len(ledger.SHOP_KINDS)

    def test_every_account_of_the_shop_is_rolled_up(self, session, earned):
        withdraw(session, member_id=2, amount_fen=800)
        pay_out(session, member_id=2, cash_fen=700, fee_fen=60, tax_fen=40)
        before = rollup.balances(session)
        session.commit()

        rollup.roll_up(session)

        stored = select(Account.kind, Account.balance_fen).where(Account.member_id.is_(None))
        assert dict(session.execute(stored).all()) == before == rollup.balances(session)
        assert list(verify.verify(session)) == []

    def test_rolling_up_changes_no_balance_at_any_point(self, session, traded):
        rollup.roll_up(session)
        assert rollup.balances(session)[AccountKind.EXPENSE] == 750

        pay(session, buyer_id=1, order="order:2")
        assert rollup.balances(session)[AccountKind.EXPENSE] == 2_250
        rollup.roll_up(session)
        rollup.roll_up(session)
        assert rollup.balances(session)[AccountKind.EXPENSE] == 2_250
        assert list(verify.verify(session)) == []


def test_a_naive_moment_is_refused(session):
    with pytest.raises(Exception, match="naive"):
        make_distributor(session, member_id=2, now=NOON.replace(tzinfo=None))


class TestAccrualInOneStatement:
    def test_opens_the_accounts_that_are_missing(self, session):
        make_rules(session)
        make_chain(session, 1, 2, 3)
        session.execute(text("DELETE FROM account"))

        pay(session, buyer_id=1)

        found = select(Account.member_id, Account.credited_fen).where(Account.kind == "frozen")
        assert dict(session.execute(found).all()) == {2: 1_000, 3: 500}

    def test_uses_the_defaults_of_a_shop_that_has_set_no_rules(self, session):
        make_chain(session, 1, 2)

        pay(session, buyer_id=1)

        assert session.scalar(select(Account.credited_fen).where(Account.kind == "frozen")) == 1_000

    def test_adds_up_several_lines_of_one_earner_entry_by_entry(self, session):
        make_rules(session)
        make_chain(session, 1, 2)
        pay(session, buyer_id=1, paid_fen=(10_000, 20_000, 9))

        balances = text("SELECT credit_balance_fen FROM entry ORDER BY id")
        assert session.scalars(balances).all() == [1_000, 3_000]
        assert list(verify.verify(session)) == []


class TestHorizon:
    def test_everything_is_settled_when_nobody_writes(self, session, traded):
        assert horizon.settled(session, "posting") == session.scalar(
            text("SELECT max(id) FROM posting")
        )

    def test_is_unknown_while_somebody_has_been_writing_for_long(
        self, session, traded, monkeypatch
    ):
        monkeypatch.setattr(horizon, "PATIENCE_SECONDS", 0.05)
        with Session(session.get_bind()) as slow:
            pay(slow, buyer_id=1, order="order:2")

            assert horizon.settled(session, "posting") is None
            assert horizon.settled(session, "entry") is None

    def test_a_roll_up_leaves_it_to_the_next_one_then(self, session, traded, monkeypatch):
        monkeypatch.setattr(rollup.horizon, "settled", lambda *_: None)

        assert rollup.roll_up(session) is False
        assert session.scalar(select(Account.rolled_to).where(Account.kind == "expense")) == 0
