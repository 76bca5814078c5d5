"""Remind me: once before each session, and nobody who did not ask."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.core import clock
from app.flash_sales import reminders
from app.flash_sales.models import FlashReminder
from app.flash_sales.reminders_jobs import remind
from app.members import service as members
from app.notices import sending
from app.notices.models import Notice
from app.settings import MessageTemplate
from app.wechat import extension
from promotions import campaigns
from promotions.models import PromotionStock
from tests.builders.members import make_member
from tests.builders.notices import deliver
from tests.builders.promotions import STAFF

HOUR = timedelta(hours=1)
KEYS = (("title", "thing1"), ("starts_at", "time2"), ("price", "amount3"), ("hint", "thing4"))


@pytest.fixture
def template(app, wechat):
    """The shop has a template, and so has WeChat."""
    from dataclasses import replace

    wechat.control("POST", "mini/templates", template_id="t1", keys=[key for _, key in KEYS])
    templates = (("sale_starts", MessageTemplate("t1", KEYS)),)
    app.extensions["wechat"] = extension.build(replace(wechat.settings, templates=templates))
    return wechat


@pytest.fixture
def somebody(session, token_for, template):
    """A member who taps "allow" so many times; their headers."""

    def make(allows=1):
        member = make_member(session)
        session.commit()
        if allows:
            template.control(
                "POST", "mini/allow", openid=member.openid, template_id="t1", times=allows
            )
        else:
            template.control("POST", "mini/codes", openid=member.openid)
        return member, token_for("shopper", member.id)

    return make


@pytest.fixture
def at(now, monkeypatch, session):
    """Run the job some time from now."""

    def run(after):
        monkeypatch.setattr(clock, "now", lambda: now + after)
        remind()
        deliver(session, now + after)

    return run


def ask(client, promotion, headers):
    return client.post(f"/api/v1/flash-sales/{promotion.id}/reminder", headers=headers)


def told(wechat):
    return wechat.control("GET", "mini/messages")["messages"]


def rows(session):
    """What became of each reminder: of its notice, once it is one."""
    session.rollback()
    notices = {row.member_id: row for row in session.scalars(select(Notice))}
    found = session.scalars(select(FlashReminder).order_by(FlashReminder.id))
    ends = [notices[row.member_id] if row.status == "told" else row for row in found]
    return [(row.status, row.reason) for row in ends]


DUE = HOUR - reminders.BEFORE


class TestAsking:
    def test_says_which_session_and_when(self, client, publish, somebody, now):
        promotion = publish(opens=HOUR)
        _, headers = somebody()

        answer = ask(client, promotion, headers)

        assert answer.status_code == 200
        assert answer.json == {
            "promotion_id": promotion.id,
            "starts_at": (now + HOUR).isoformat(),
            "remind_at": (now + DUE).isoformat(),
            "status": "waiting",
        }

    def test_again_changes_nothing(self, client, publish, somebody, session):
        promotion = publish(opens=HOUR)
        _, headers = somebody()

        first, second = (ask(client, promotion, headers).json for _ in range(2))

        assert first == second
        assert len(rows(session)) == 1

    def test_the_last_minutes_before_a_session_are_not_too_late(self, client, publish, somebody):
        promotion = publish(opens=timedelta(minutes=2))
        _, headers = somebody()

        assert ask(client, promotion, headers).status_code == 200

    def test_while_the_last_session_is_on_there_is_nothing_to_remind_of(
        self, client, publish, somebody, session
    ):
        _, headers = somebody()

        answer = ask(client, publish(), headers)

        assert (answer.status_code, answer.json["code"]) == (409, "flash_sale_no_next_session")
        assert rows(session) == []

    def test_of_a_sale_that_is_not_there(self, client, somebody, session):
        _, headers = somebody()

        answer = client.post("/api/v1/flash-sales/999/reminder", headers=headers)

        assert (answer.status_code, answer.json["code"]) == (404, "flash_sale_not_found")

    def test_needs_a_token(self, client, publish, session):
        promotion = publish(opens=HOUR)
        path = f"/api/v1/flash-sales/{promotion.id}/reminder"

        assert client.post(path).status_code == client.delete(path).status_code == 401
        assert rows(session) == []

    @pytest.mark.parametrize("has_wechat", [True, False])
    def test_a_shop_without_a_template_says_so(
        self, client, publish, me, session, request, has_wechat
    ):
        if has_wechat:
            request.getfixturevalue("wechat")

        answer = ask(client, publish(opens=HOUR), me)

        assert (answer.status_code, answer.json["code"]) == (409, "reminders_off")
        assert rows(session) == []

    def test_the_pages_say_what_to_ask_the_user_for(self, client, publish, template):
        publish(opens=HOUR)

        assert client.get("/api/v1/flash-sales").json["reminder_template_id"] == "t1"

    def test_taking_it_back_is_only_of_ones_own(self, client, publish, somebody, session):
        promotion = publish(opens=HOUR)
        (_, mine), (_, others) = somebody(), somebody()
        ask(client, promotion, mine)
        ask(client, promotion, others)
        path = f"/api/v1/flash-sales/{promotion.id}/reminder"

        answers = [client.delete(path, headers=mine).status_code for _ in range(2)]

        assert answers == [204, 204]
        assert rows(session) == [("waiting", None)]


class TestSending:
    @pytest.fixture
    def asked(self, client, publish, somebody):
        promotion = publish(opens=HOUR, title="红茶")
        member, headers = somebody()
        ask(client, promotion, headers)
        return promotion, member

    def test_a_few_minutes_before_and_not_earlier(self, asked, at, template, session):
        promotion, member = asked
        at(DUE - timedelta(seconds=1))
        assert told(template) == []

        at(DUE)

        (message,) = told(template)
        assert message["openid"] == member.openid
        assert message["page"] == f"pages/flash-sale/show?id={promotion.id}"
        assert message["data"]["thing1"] == "红茶"
        assert message["data"]["amount3"] == "9.9元"
        assert rows(session) == [("sent", None)]

    def test_once_however_often_the_job_runs(self, asked, at, template):
        template.control("POST", "mini/allow", openid=asked[1].openid, template_id="t1", times=5)

        for minutes in range(4):
            at(DUE + timedelta(minutes=minutes))

        assert len(told(template)) == 1

    def test_who_allows_none_is_left_alone_for_good(
        self, client, publish, somebody, at, template, session
    ):
        promotion = publish(opens=HOUR)
        _, headers = somebody(allows=0)
        ask(client, promotion, headers)

        at(DUE)
        at(DUE + timedelta(minutes=1))

        assert rows(session) == [("refused", "not_allowed")]
        sent = [
            call
            for call in template.control("GET", "calls")["calls"]
            if call["call"] == "subscribe_send"
        ]
        assert len(sent) == 1

    def test_a_busy_wechat_is_asked_again_a_minute_later(self, asked, at, template, session):
        template.fault("subscribe_send", "error", args={"errcode": 45011})
        at(DUE)
        assert rows(session) == [("waiting", None)]

        at(DUE + timedelta(minutes=1))

        assert (len(told(template)), rows(session)) == (1, [("sent", None)])

    def test_an_answer_that_got_lost_is_never_followed_by_a_second_message(
        self, asked, at, template, session
    ):
        template.control("POST", "mini/allow", openid=asked[1].openid, template_id="t1", times=5)
        template.fault("subscribe_send", "cut")
        at(DUE)
        at(DUE + timedelta(minutes=1))

        assert (len(told(template)), rows(session)) == (1, [("sending", "unknown")])

    def test_a_process_that_died_while_sending_leaves_it_at_that(
        self, asked, at, template, session, now
    ):
        reminder_id = session.scalar(select(FlashReminder.id))
        assert reminders.hand_over(session, reminder_id, now=now + DUE)
        assert not reminders.hand_over(session, reminder_id, now=now + DUE)
        assert sending.take(session, session.scalar(select(Notice.id)), now=now + DUE)
        session.commit()

        at(DUE + timedelta(minutes=1))

        assert (told(template), rows(session)) == ([], [("sending", None)])

    def test_another_errcode_is_final_and_on_record(self, asked, at, template, session):
        template.fault("subscribe_send", "error", args={"errcode": 40037})

        at(DUE)
        at(DUE + timedelta(minutes=1))

        assert rows(session) == [("refused", "40037")]

    def test_of_a_session_that_has_begun_nobody_is_reminded(self, asked, at, template, session):
        at(HOUR)

        assert (told(template), rows(session)) == ([], [("dropped", "gone")])

    def test_of_a_sale_that_was_ended_or_sold_out_meanwhile(
        self, asked, at, template, session, now
    ):
        row = session.query(PromotionStock).one()
        row.units_reserved = row.max_units
        session.commit()

        at(DUE)

        assert (told(template), rows(session)) == ([], [("dropped", "gone")])

    def test_of_a_sale_that_is_paused(self, asked, at, template, session, now):
        campaigns.pause(session, promotion_id=asked[0].id, staff_id=STAFF, now=now)
        session.commit()

        at(DUE)

        assert (told(template), rows(session)) == ([], [("dropped", "gone")])

    def test_who_left_is_not_reminded(self, asked, at, template, session, now):
        members.leave(session, member_id=asked[1].id, now=now)
        session.commit()

        at(DUE)

        assert (told(template), rows(session)) == ([], [("dropped", "member_left")])

    def test_without_a_template_what_waits_is_dropped_quietly(
        self, asked, at, app, wechat, session
    ):
        app.extensions["wechat"] = None

        at(DUE)

        assert rows(session) == [("dropped", "not_configured")]

    def test_more_than_a_batch_are_all_told(
        self, client, publish, somebody, at, template, monkeypatch
    ):
        monkeypatch.setattr(reminders, "BATCH", 2)
        promotion = publish(opens=HOUR)
        for _ in range(5):
            ask(client, promotion, somebody()[1])

        at(DUE)

        assert len(told(template)) == 5
