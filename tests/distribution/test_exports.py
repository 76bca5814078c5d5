"""Files of the ledger: whole, and enough by themselves to prove the chain."""

import hashlib
import json
import tracemalloc
from datetime import timedelta

import pytest

from app.core.db import snapshot
from distribution.ledger import chain
from distribution.reports import exports
from tests.builders.distribution import make_chain, make_rules, pay
from tests.distribution.history import START, History, commissions


def chained(session, now):
    while chain.extend(session, now=now + timedelta(minutes=1)):
        session.commit()


def ledger(now):
    with snapshot() as session:
        return [json.loads(line) for line in exports.ledger(session, now=now)]


class TestLedger:
    def test_carries_every_posting_and_entry_and_says_how_many(self, session):
        history = History(session, 1).run(40)

        head, *records, end = ledger(history.now)

        postings = [record for record in records if "posting" in record]
        entries = [entry for record in postings for entry in record["entries"]]
        assert head["ledger"] == 1
        assert head["head"] is None
        assert end["end"] == {
            "postings": len(postings),
            "entries": len(entries),
            "amount_fen": sum(entry["amount_fen"] for entry in entries),
            "blocks": 0,
        }
        assert [record["posting"] for record in postings] == sorted(
            record["posting"] for record in postings
        )
        paid = [record for record in postings if record["kind"] == "accrue"]
        assert {record["source"] for record in paid} == set(history.orders)

    def test_is_enough_to_hash_every_block_again(self, session, monkeypatch):
        history = History(session, 2).run(40)
        monkeypatch.setattr(chain, "MOST", 7)
        chained(session, history.now)
        pay(session, buyer_id=1, order="order:unchained", now=history.now)
        session.commit()

        head, *records, _ = ledger(history.now)

        digest, count = hashlib.sha256(bytes(32)), 0
        blocks = []
        for record in records:
            if "posting" in record:
                digest.update("".join(line + "\n" for line in record["hashed"]).encode())
                count += 1
            elif "block" in record:
                block = record["block"]
                assert (digest.hexdigest(), count) == (block["sha256"], block["postings"])
                digest, count = hashlib.sha256(bytes.fromhex(block["sha256"])), 0
                blocks.append(block)
        assert len(blocks) > 3
        assert head["head"] == blocks[-1]
        assert count == 1

    def test_ends_with_the_block_that_holds_the_last_posting(self, session):
        history = History(session, 3).run(10)
        chained(session, history.now)

        head, *records, end = ledger(history.now)

        assert end["end"]["blocks"] == 1
        assert records[-1]["block"] == head["head"]

    def test_of_an_empty_shop_is_a_head_and_an_end(self, session):
        head, end = ledger(START)

        assert head["head"] is None
        assert end["end"] == {"postings": 0, "entries": 0, "amount_fen": 0, "blocks": 0}

    def test_is_one_moment_whatever_is_posted_meanwhile(self, session):
        make_rules(session)
        make_chain(session, 1, 2, 3)
        pay(session, buyer_id=1, now=START)
        session.commit()

        with snapshot() as reading:
            lines = exports.ledger(reading, now=START)
            next(lines)
            pay(session, buyer_id=1, order="order:2", now=START)
            session.commit()
            rest = [json.loads(line) for line in lines]

        assert rest[-1]["end"]["postings"] == 1

    @pytest.mark.slow
    def test_takes_no_more_memory_for_a_longer_ledger(self, session):
        make_rules(session)
        make_chain(session, 1, 2, 3)
        peaks = []
        for orders in (200, 1_400):
            for number in range(orders):
                pay(session, buyer_id=1, order=f"order:{orders}-{number}", now=START)
            session.commit()
            tracemalloc.start()
            with snapshot() as reading:
                for _ in exports.ledger(reading, now=START):
                    pass
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()

        assert peaks[1] < peaks[0] * 3, peaks


class TestRows:
    def test_commissions_are_those_of_the_stretch(self, session):
        history = History(session, 3).run(40)
        middle = START + (history.now - START) / 2

        with snapshot() as reading:
            found = [each.id for each in exports.commissions(reading, since=START, until=middle)]

        assert sorted(found) == [
            row["id"] for row in commissions(session) if row["accrued_at"] < middle
        ]

    def test_statements_lead_from_balance_to_balance(self, session):
        history = History(session, 4).run(60)

        with snapshot() as reading:
            until = history.now + timedelta(1)
            found = list(exports.statements(reading, since=START, until=until))

        balances = {}
        for each in found:
            for kind, balance_fen, sign in (
                (each.debit, each.debit_balance_fen, -1),
                (each.credit, each.credit_balance_fen, 1),
            ):
                if balance_fen is None:
                    continue
                grows = -sign if kind == "receivable" else sign
                before = balances.get((each.member_id, kind), 0)
                assert before + grows * each.amount_fen == balance_fen
                balances[each.member_id, kind] = balance_fen
        assert balances
