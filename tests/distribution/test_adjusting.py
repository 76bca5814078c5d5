"""Adjustments: two people, a reason, one posting; never twice, never by the one who asked."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from distribution import queries, verify
from distribution.ledger import adjusting
from distribution.ledger.states import AdjustmentKind, AdjustmentState
from distribution.queries import Move
from tests.builders.distribution import (
    NOON,
    adjust,
    make_chain,
    make_rules,
    mature,
    pay,
    refund,
    withdraw,
)

MAKER, CHECKER, OTHER = "staff:1", "staff:2", "staff:3"


@pytest.fixture(autouse=True)
def earned(session):
    """Distributor 2 has 1,000 fen available."""
    make_rules(session)
    make_chain(session, 1, 2)
    pay(session, buyer_id=1)
    mature(session)
    session.commit()
    yield
    assert list(verify.verify(session)) == []


@pytest.fixture
def indebted(session):
    """Distributor 2 withdrew everything and then lost 400 fen of it to a refund."""
    withdraw(session, member_id=2, amount_fen=1_000)
    refund(session, total_fen=4_000)
    session.commit()


def asked(session, *, kind=AdjustmentKind.GIVE, amount_fen=300, reason="活动补发", no="J1"):
    return adjusting.request(
        session,
        no=no,
        member_id=2,
        kind=kind,
        amount_fen=amount_fen,
        reason=reason,
        requested_by=MAKER,
        now=NOON,
    )


def approve(session, by=CHECKER, no="J1"):
    return adjusting.approve(session, no=no, approved_by=by, now=NOON)


def refuse(session, by=CHECKER, no="J1"):
    return adjusting.refuse(session, no=no, refused_by=by, answer="金额有误", now=NOON)


def balances(session):
    found = queries.summary(session, 2)
    return found.available_fen, found.receivable_fen


class TestTwoPeople:
    def test_nothing_moves_before_the_second_person_agrees(self, session):
        asked(session)
        assert balances(session) == (1_000, 0)

        done = approve(session)

        assert balances(session) == (1_300, 0)
        assert (done.state, done.decided_by, done.decided_at) == ("approved", CHECKER, NOON)

    def test_who_asked_may_not_agree(self, session):
        asked(session)

        with pytest.raises(adjusting.SamePerson):
            approve(session, by=MAKER)

        assert adjusting.get(session, "J1").state == AdjustmentState.REQUESTED
        assert balances(session) == (1_000, 0)

    def test_the_database_itself_refuses_one_person_in_both_parts(self, session):
        asked(session)

        with pytest.raises(IntegrityError, match="two_people"):
            session.execute(
                text(
                    "UPDATE ledger_adjustment SET state = 'approved', decided_by = requested_by,"
                    " decided_at = requested_at"
                )
            )
        session.rollback()

    def test_agreeing_again_changes_nothing(self, session):
        asked(session)

        for _ in range(3):
            assert approve(session).state == AdjustmentState.APPROVED

        assert balances(session) == (1_300, 0)

    def test_a_third_person_comes_too_late(self, session):
        asked(session)
        approve(session)

        with pytest.raises(adjusting.AlreadyDecided):
            approve(session, by=OTHER)
        with pytest.raises(adjusting.AlreadyDecided):
            refuse(session)
        assert balances(session) == (1_300, 0)

    def test_what_was_refused_moves_nothing_and_stays_refused(self, session):
        asked(session)
        for _ in range(2):
            assert refuse(session).answer == "金额有误"

        with pytest.raises(adjusting.AlreadyDecided):
            approve(session)
        with pytest.raises(adjusting.AlreadyDecided):
            refuse(session, by=OTHER)
        assert balances(session) == (1_000, 0)

    def test_who_asked_may_take_it_back(self, session):
        asked(session)

        assert refuse(session, by=MAKER).state == AdjustmentState.REFUSED

    def test_an_unknown_number_is_refused(self, session):
        for act in (approve, refuse):
            with pytest.raises(adjusting.UnknownAdjustment):
                act(session, no="J9")

    @pytest.mark.race
    def test_of_many_who_decide_at_once_one_does(self, session):
        asked(session)
        session.commit()
        bind = session.get_bind()

        def decide(number):
            with Session(bind) as own:
                try:
                    approve(own, by=f"staff:{number}") if number % 2 else refuse(own)
                    own.commit()
                except adjusting.AlreadyDecided:
                    return None
                return number

        with ThreadPoolExecutor(8) as pool:
            decided = list(pool.map(decide, range(3, 11)))

        session.rollback()
        state = adjusting.get(session, "J1").state
        approvals = [each for each in decided if each is not None and each % 2]
        assert len(approvals) == (state == AdjustmentState.APPROVED)
        assert balances(session) == (1_300 if approvals else 1_000, 0)


class TestMoney:
    def test_what_is_given_repays_a_debt_first(self, session, indebted):
        adjust(session, member_id=2, kind=AdjustmentKind.GIVE, amount_fen=500)

        assert balances(session) == (100, 0)

    def test_what_is_taken_beyond_what_is_available_becomes_a_debt(self, session):
        adjust(session, member_id=2, kind=AdjustmentKind.TAKE, amount_fen=1_250)

        assert balances(session) == (0, 250)

    @pytest.mark.parametrize("fen", [400, 1])
    def test_a_debt_is_written_off(self, session, indebted, fen):
        adjust(session, member_id=2, kind=AdjustmentKind.WRITE_OFF, amount_fen=fen)

        assert balances(session) == (0, 400 - fen)

    def test_more_than_the_debt_is_not_written_off(self, session, indebted):
        asked(session, kind=AdjustmentKind.WRITE_OFF, amount_fen=401)
        session.commit()

        with pytest.raises(adjusting.DebtIsLess) as refusal:
            approve(session)
        session.rollback()

        assert refusal.value.debt_fen == 400
        assert balances(session) == (0, 400)
        assert adjusting.get(session, "J1").state == AdjustmentState.REQUESTED

    @pytest.mark.parametrize(
        "wrong", [{"amount_fen": 0}, {"amount_fen": -1}, {"reason": ""}, {"reason": "  "}]
    )
    def test_no_amount_or_no_reason_is_refused_by_the_database(self, session, wrong):
        with pytest.raises(IntegrityError):
            asked(session, **wrong)
        session.rollback()

    def test_a_member_who_is_no_distributor_has_no_money_to_move(self, session):
        with pytest.raises(IntegrityError, match="member_id"):
            adjust(session, member_id=99)
        session.rollback()

    def test_the_statement_shows_it_and_why_is_known_by_its_source(self, session):
        adjust(session, member_id=2, reason="活动补发")

        line = queries.statement(session, 2)[0]

        assert (line.kind, line.source) == ("adjust", "adjustment:J1")
        assert line.moves == (Move("available", 300, 1_300),)
        sources = {line.source, "order:1"}
        assert adjusting.reasons(session, sources) == {"adjustment:J1": "活动补发"}
        assert adjusting.reasons(session, {"order:1"}) == {}


def test_a_page_is_of_one_state_or_member_the_latest_first(session):
    make_chain(session, 3, 4)
    asked(session, no="J1")
    asked(session, no="J2")
    adjust(session, member_id=4, no="J3")
    first = asked(session, no="J4")

    def numbers(**which):
        return [each.no for each in adjusting.page(session, **which)]

    assert numbers() == ["J4", "J3", "J2", "J1"]
    assert numbers(limit=2) == ["J4", "J3"]
    assert numbers(before=first.id) == ["J3", "J2", "J1"]
    assert numbers(state=AdjustmentState.APPROVED) == ["J3"]
    assert numbers(member_id=2) == ["J4", "J2", "J1"]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ledger_adjustment SET reason = '别的'",
        "UPDATE ledger_adjustment SET amount_fen = amount_fen + 1",
        "UPDATE ledger_adjustment SET decided_by = 'staff:9'",
        "UPDATE ledger_adjustment SET kind = 'take'",
        "DELETE FROM ledger_adjustment",
        "DELETE FROM posting WHERE kind = 'adjust'",
        "DELETE FROM entry WHERE commission_id IS NULL AND debit_balance_fen IS NULL",
    ],
)
def test_the_proof_finds_what_nobody_agreed_to(session, change):
    adjust(session, member_id=2)

    session.execute(text("SET LOCAL session_replication_role = replica"))
    session.execute(text(change))

    assert "ledger.adjustments_are_agreed" in {each.rule for each in verify.verify(session)}
    session.rollback()
