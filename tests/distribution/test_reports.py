"""Commission by order, product and distributor, and what is owed, against plain sums."""

from collections import defaultdict
from datetime import timedelta

import pytest
from sqlalchemy import text

from distribution.reports import earned, liabilities
from distribution.reports.earned import By, Stretch
from distribution.reports.liabilities import Age
from tests.builders.distribution import make_chain, make_rules, pay, refund
from tests.distribution.history import START, History, commissions, day_of

ALWAYS = Stretch(START, START + timedelta(days=1000))
ZONE = "Asia/Shanghai"


def sums(rows):
    """What some commissions come to, in plain Python."""
    net = dict.fromkeys(("frozen", "matured", "clawed", "unearned"), 0)
    for row in rows:
        net[row["state"]] += row["amount_fen"] - row["clawed_fen"]
    return {
        "commissions": len(rows),
        "lines": len({row["line_source"] for row in rows}),
        "level1_fen": sum(row["amount_fen"] for row in rows if row["level"] == 1),
        "level2_fen": sum(row["amount_fen"] for row in rows if row["level"] == 2),
        "earned_fen": sum(row["amount_fen"] for row in rows),
        "clawed_fen": sum(row["clawed_fen"] for row in rows),
        "frozen_fen": net["frozen"],
        "matured_fen": net["matured"],
    }


def plain(found):
    """An answer as `sums` writes it."""
    return {name: getattr(found, name) for name in sums([])}


def grouped(rows, key):
    groups = defaultdict(list)
    for row in rows:
        groups[row[key]].append(row)
    return groups


def pages(read, position, limit=3):
    """Every row, page by page."""
    found, before = [], None
    while page := read(before=before, limit=limit):
        found += page
        before = position(page[-1])
    return found


@pytest.fixture(params=[1, 2, 3])
def history(session, request):
    return History(session, request.param).run(60)


@pytest.fixture(params=["all", "half", "one member", "one product"])
def asked(request, history):
    """A stretch, and which rows are in it."""
    middle = START + (history.now - START) / 2
    return {
        "all": (ALWAYS, lambda row: True),
        "half": (Stretch(START, middle), lambda row: row["accrued_at"] < middle),
        "one member": (
            Stretch(START, ALWAYS.until, beneficiary_id=11),
            lambda row: row["beneficiary_id"] == 11,
        ),
        "one product": (Stretch(START, ALWAYS.until, spu_id=7), lambda row: row["spu_id"] == 7),
    }[request.param]


class TestEarned:
    def test_in_all(self, session, asked):
        stretch, is_in = asked
        rows = [row for row in commissions(session) if is_in(row)]

        assert plain(earned.total(session, stretch)) == sums(rows)

    def test_by_order_the_latest_first(self, session, asked):
        stretch, is_in = asked
        rows = [row for row in commissions(session) if is_in(row)]

        found = pages(
            lambda **page: earned.by_order(session, stretch, **page),
            lambda last: (last.accrued_at, last.posting_id),
        )

        orders = grouped(rows, "order_source")
        assert {each.order_source: plain(each) for each in found} == {
            order: sums(own) for order, own in orders.items()
        }
        moments = [(each.accrued_at, each.posting_id) for each in found]
        assert moments == sorted(moments, reverse=True)
        for each in found:
            assert {row["buyer_id"] for row in orders[each.order_source]} == {each.buyer_id}

    @pytest.mark.parametrize(
        ("by", "key"), [(By.PRODUCT, "spu_id"), (By.DISTRIBUTOR, "beneficiary_id")]
    )
    def test_by_subject_the_most_first(self, session, asked, by, key):
        stretch, is_in = asked
        rows = [row for row in commissions(session) if is_in(row)]

        found = pages(
            lambda **page: earned.by_subject(session, by, stretch, **page),
            lambda last: (last.earned_fen, last.subject_id),
            limit=1,
        )

        groups = grouped(rows, key)
        assert {each.subject_id: plain(each) for each in found} == {
            subject: sums(own) for subject, own in groups.items()
        }
        for each in found:
            own = groups[each.subject_id]
            assert each.orders == len({row["order_source"] for row in own})
        ranks = [(each.earned_fen, each.subject_id) for each in found]
        assert ranks == sorted(ranks, reverse=True)

    def test_an_empty_shop_has_earned_nobody_anything(self, session):
        assert plain(earned.total(session, ALWAYS)) == sums([])
        assert earned.by_order(session, ALWAYS) == []
        assert earned.by_subject(session, By.PRODUCT, ALWAYS) == []

    def test_the_end_of_the_stretch_does_not_belong_to_it(self, session):
        make_rules(session)
        make_chain(session, 1, 2, 3)
        pay(session, buyer_id=1, now=START)

        assert earned.total(session, Stretch(START, START + timedelta(1))).commissions == 2
        assert earned.total(session, Stretch(START - timedelta(1), START)).commissions == 0


class TestLiabilities:
    def test_are_what_the_accounts_hold_and_the_commissions_wait_for(self, session, history):
        now = history.now
        session.execute(
            text("UPDATE commission SET mature_at = :at WHERE state = 'frozen' AND id % 3 = 0"),
            {"at": now + timedelta(days=2)},
        )
        session.execute(text("UPDATE commission SET claims = 1 WHERE id % 5 = 0"))

        found = liabilities.read(session, now=now, zone=ZONE)

        ages, days = defaultdict(list), defaultdict(list)
        for row in commissions(session):
            if row["state"] != "frozen":
                continue
            fen, due = row["amount_fen"] - row["clawed_fen"], row["mature_at"]
            age = Age.UNSCHEDULED if due is None else Age.OVERDUE if due <= now else Age.SCHEDULED
            age = Age.POSTPONED if row["claims"] else age
            ages[age].append(fen)
            if age is Age.SCHEDULED:
                days[day_of(due)].append(fen)
        assert {age: (due.fen, due.commissions) for age, due in found.ages.items()} == {
            age: (sum(ages[age]), len(ages[age])) for age in Age
        }
        assert {day: (due.fen, due.commissions) for day, due in found.days.items()} == {
            day: (sum(fen), len(fen)) for day, fen in days.items()
        }
        rows = session.execute(text("SELECT kind, balance_fen FROM account WHERE member_id > 0"))
        held = defaultdict(list)
        for kind, fen in rows:
            held[kind].append(fen)
        assert {kind: (each.fen, each.people) for kind, each in found.held.items()} == {
            kind: (sum(held[kind]), sum(fen > 0 for fen in held[kind])) for kind in found.held
        }
        assert sum(due.fen for due in found.ages.values()) == found.held["frozen"].fen
        assert found.owed_fen == sum(
            found.held[kind].fen for kind in ("frozen", "available", "withdrawing")
        )

    def test_of_an_empty_shop_are_nothing(self, session):
        found = liabilities.read(session, now=START, zone=ZONE)

        assert (found.owed_fen, found.days) == (0, {})
        assert all(due.fen == 0 for due in found.ages.values())

    def test_what_is_clawed_back_is_no_longer_owed(self, session):
        make_rules(session)
        make_chain(session, 1, 2, 3)
        pay(session, buyer_id=1, now=START)
        refund(session, total_fen=5_000, now=START)

        found = liabilities.read(session, now=START, zone=ZONE)

        assert found.ages[Age.UNSCHEDULED].fen == found.owed_fen == 750
