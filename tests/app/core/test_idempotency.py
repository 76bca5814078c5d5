"""One key, one piece of work, one answer, whatever is repeated, raced or broken."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.core import idempotency
from app.core.auth import Audience
from app.core.idempotency import IdempotencyKey

WISH = {"name": "木马", "price_fen": 100}


def wish(toys, headers, body=WISH):
    return toys.post("/toy/wishes", json=body, headers=headers)


class TestOnce:
    def test_the_same_request_again_gets_the_same_answer_without_the_work(self, toys, toy, headers):
        first, again = wish(toys, headers()), wish(toys, headers())

        assert (first.status_code, again.status_code) == (201, 201)
        assert first.json == again.json == {"id": 1, "name": "木马"}
        assert "Idempotency-Replayed" not in first.headers
        assert again.headers["Idempotency-Replayed"] == "true"
        assert again.content_type == first.content_type
        assert toy.runs == ["木马"]

    def test_the_order_of_the_fields_makes_no_other_request(self, toys, toy, headers):
        wish(toys, headers())

        again = wish(toys, headers(), dict(reversed(WISH.items())))

        assert again.headers["Idempotency-Replayed"] == "true"

    def test_another_key_is_another_wish(self, toys, toy, headers):
        wish(toys, headers("key-00000001"))
        wish(toys, headers("key-00000002"))

        assert toy.runs == ["木马", "木马"]

    def test_another_body_under_the_same_key_is_refused(self, toys, toy, headers):
        wish(toys, headers())

        answer = wish(toys, headers(), {"name": "风筝"})

        assert (answer.status_code, answer.json["code"]) == (422, "idempotency_key_reused")
        assert toy.runs == ["木马"]

    def test_a_key_belongs_to_one_person_and_one_route(self, toys, toy, headers, token_for):
        key = {"Idempotency-Key": "key-00000001"}
        wish(toys, headers())

        other = wish(toys, {**token_for(Audience.SHOPPER, 8), **key})
        elsewhere = toys.post("/toy/empty", headers=headers())

        assert "Idempotency-Replayed" not in other.headers
        assert "Idempotency-Replayed" not in elsewhere.headers
        assert toy.runs == ["木马", "木马", ""]

    @pytest.mark.parametrize(
        "key",
        [None, "", "short", "x" * 65, "with space", "ключключ", "semi;colon", "--------", "a" * 7],
    )
    def test_without_a_usable_key_nothing_happens(self, toys, toy, headers, key):
        sent = headers(None) if key is None else headers(None) | {"Idempotency-Key": key}

        answer = wish(toys, sent)

        assert (answer.status_code, answer.json["code"]) == (400, "idempotency_key_missing")
        assert toy.runs == []

    @pytest.mark.parametrize("key", ["12345678", "a-b_c-d_", "x" * 64])
    def test_keys_of_eight_to_sixty_four_plain_characters_are_taken(self, toys, headers, key):
        assert wish(toys, headers(key)).status_code == 201

    def test_a_failure_is_forgotten_with_its_work(self, toys, toy, headers, session):
        broken = {"name": "坏的"}

        answers = [wish(toys, headers(), broken) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [409, 409]
        assert toy.runs == ["坏的", "坏的"]
        assert session.scalar(select(func.count(IdempotencyKey.id))) == 0
        assert wish(toys, headers()).status_code == 201


@pytest.mark.race
class TestAtOnce:
    def test_while_one_works_the_other_is_told_to_wait(self, toy_app, toy, headers):
        slow = {"name": "慢的"}
        answers = []

        def go():
            answers.append(wish(toy_app.test_client(), headers(), slow))

        worker = threading.Thread(target=go)
        worker.start()
        assert toy.entered.wait(10)
        meanwhile = wish(toy_app.test_client(), headers(), slow)
        toy.gate.set()
        worker.join()
        afterwards = wish(toy_app.test_client(), headers(), slow)

        assert (meanwhile.status_code, meanwhile.json["code"]) == (409, "request_in_progress")
        assert meanwhile.headers["Retry-After"] == "1"
        assert answers[0].status_code == 201
        assert afterwards.headers["Idempotency-Replayed"] == "true"
        assert toy.runs == ["慢的"]

    def test_eight_at_once_do_the_work_once(self, toy_app, toy, headers):
        sent, answers = headers(), []

        def go():
            answers.append(wish(toy_app.test_client(), sent))

        threads = [threading.Thread(target=go) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert {answer.status_code for answer in answers} <= {201, 409}
        assert 201 in {answer.status_code for answer in answers}
        assert toy.runs == ["木马"]


def test_keys_older_than_three_days_are_forgotten(toys, headers, session, now, set_clock):
    for age in (timedelta(days=3, seconds=1), timedelta(days=3), timedelta()):
        set_clock(now - age)
        wish(toys, headers(f"key-{age.total_seconds():.0f}-ago"))

    assert idempotency.purge(session, now=now) == 1
    assert session.scalar(select(func.count(IdempotencyKey.id))) == 2


class TestWhatIsKnown:
    @pytest.fixture
    def scope(self, toys, headers):
        wish(toys, headers("key-00000001"))
        wish(toys, headers("key-00000002"))
        return idempotency.scope_of("shopper", 7, "toy_shopper.toys.wish")

    def test_pairs_whose_work_is_committed_are_known(self, session, scope):
        first, none = (scope, "key-00000001"), (scope, "key-00000009")

        assert idempotency.known(session, [first, none]) == {first}
        assert idempotency.known(session, []) == set()

    def test_the_keys_of_some_scopes_since_a_moment_are_listed(self, session, scope, now):
        hour = timedelta(hours=1)
        found = idempotency.keys_of(session, [scope, "another"], since=now - hour)

        assert sorted(found) == [(scope, "key-00000001"), (scope, "key-00000002")]
        assert idempotency.keys_of(session, [scope], since=now + hour) == []
