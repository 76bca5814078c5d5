"""What WeChat pushes is kept once and handed on; what proves nothing leaves no trace."""

from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select, text

from app import jobs as all_jobs
from app.core import queue
from app.pushes import events, jobs, queries, service
from app.pushes.models import PushMessage
from app.wechat import extension
from tests.wechat_sandbox import MALL

EVENT = "wxa_media_check"
BODY = {"trace_id": "t1", "version": 2, "detail": [{"prob": 90}, {"prob": 1}], "label": "好 <1>"}


@pytest.fixture(autouse=True)
def _heard(monkeypatch):
    monkeypatch.setattr(events, "HANDLED_BY", {EVENT: "tests.heard"})


def kept(session):
    session.rollback()
    return session.scalars(select(PushMessage).order_by(PushMessage.id)).all()


def handed_on(session):
    session.rollback()
    told = "SELECT args FROM procrastinate_jobs WHERE task_name = 'tests.heard' ORDER BY id"
    return list(session.scalars(text(told)))


@pytest.mark.parametrize("form", ["json", "xml"])
@pytest.mark.parametrize("mode", ["safe", "plain"])
def test_a_message_is_kept_once_and_handed_on_once(app, client, session, wechat, mode, form):
    wechat.control("POST", "settings", push_mode=mode, push_format=form)
    if mode == "plain":
        app.extensions["wechat"] = extension.build(_without_aes_key(wechat.settings))
    wechat.push("o-1", EVENT, **BODY)

    answers = wechat.deliver(client) + wechat.deliver(client)

    assert [(each.status_code, each.text) for each in answers] == [(200, "success")] * 2
    (message,) = kept(session)
    assert (message.event, message.openid) == (EVENT, "o-1")
    assert message.body["label"] == BODY["label"]
    assert [int(each["prob"]) for each in message.body["detail"]] == [90, 1]
    assert handed_on(session) == [{"message_id": message.id}]
    assert queries.message(session, message.id) is message


def test_two_messages_of_one_second_are_two(client, session, wechat):
    wechat.push("o-1", EVENT, trace_id="t1")
    wechat.push("o-1", EVENT, trace_id="t2")

    wechat.deliver(client)

    assert [message.body["trace_id"] for message in kept(session)] == ["t1", "t2"]


@pytest.mark.parametrize("form", ["json", "xml"])
@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("bad_signature", "signature"),
        ("unsigned", "signature"),
        ("stale_timestamp", "timestamp"),
        ("wrong_appid", "InvalidAppIdException"),
        ("malformed_json", "unreadable"),
    ],
)
def test_what_proves_nothing_is_refused_and_leaves_no_trace(
    client, session, wechat, kind, why, form
):
    wechat.control("POST", "settings", push_format=form)
    wechat.push("o-1", EVENT, **BODY)

    (answer,) = wechat.deliver(client, kind=kind)

    assert (answer.status_code, answer.text) == (401, why)
    assert kept(session) == []
    assert handed_on(session) == []


@pytest.mark.parametrize("kind", ["bad_signature", "unsigned", "stale_timestamp"])
def test_in_clear_the_signature_and_the_time_are_asked_for(app, client, session, wechat, kind):
    app.extensions["wechat"] = extension.build(_without_aes_key(wechat.settings))
    wechat.control("POST", "settings", push_mode="plain")
    wechat.push("o-1", EVENT, **BODY)

    (answer,) = wechat.deliver(client, kind=kind)

    assert answer.status_code == 401
    assert kept(session) == []


def test_in_safe_mode_the_plain_signature_proves_nothing(client, session, wechat):
    wechat.control("POST", "settings", push_mode="plain")
    wechat.push("o-1", EVENT, **BODY)

    (answer,) = wechat.deliver(client)

    assert (answer.status_code, answer.text) == (401, "not sealed")
    assert kept(session) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[1]",
        b"7",
        b"\xff\xfe",
        b"[" * 100_000,
        b"<xml>",
        b"<a/>",
        b"<xml>text</xml>",
        b'<!DOCTYPE xml [<!ENTITY a "b">]><xml><Encrypt>&a;</Encrypt></xml>',
        b'{"Encrypt": 1}',
    ],
)
def test_what_cannot_be_read_is_refused(client, wechat, body):
    wechat.push("o-1", EVENT)
    (told,) = wechat.control("GET", "notifications")["notifications"]
    url = wechat.control("POST", f"notifications/{told['id']}/take")["url"].removeprefix(MALL)

    assert client.post(url, data=body).status_code == 401


def test_a_time_that_is_none_is_refused(client, wechat):
    for stamp in ("", "now", "1e9", "9" * 30, "٣"):
        answer = client.post("/webhooks/wechat/push", query_string={"timestamp": stamp})
        assert (answer.status_code, answer.text) == (401, "timestamp")


def test_what_concerns_nobody_is_acknowledged_and_not_kept(client, session, wechat):
    wechat.push("o-1", "user_enter_tempsession", SessionFrom="x")

    (answer,) = wechat.deliver(client)

    assert (answer.status_code, answer.text) == (200, "success")
    assert kept(session) == []


def test_the_console_hears_its_own_word_when_the_address_is_set(client, wechat):
    wechat.push("o-1", EVENT)
    (told,) = wechat.control("GET", "notifications")["notifications"]
    url = wechat.control("POST", f"notifications/{told['id']}/take")["url"]
    query = {name: value[0] for name, value in parse_qs(urlsplit(url).query).items()}

    good = client.get("/webhooks/wechat/push", query_string=query | {"echostr": "5577"})
    bad = client.get(
        "/webhooks/wechat/push", query_string=query | {"echostr": "5577", "signature": "é"}
    )

    assert (good.status_code, good.text) == (200, "5577")
    assert (bad.status_code, bad.text) == (401, "signature")


def test_a_mall_without_a_token_says_that_nothing_is_pushed_to_it(app, client, wechat):
    settings = _without_aes_key(wechat.settings, push_token=None)
    app.extensions["wechat"] = extension.build(settings)

    assert client.post("/webhooks/wechat/push").status_code == 503
    assert client.get("/webhooks/wechat/push").status_code == 503


def test_a_failure_before_the_commit_leaves_wechat_to_tell_again(
    client, session, wechat, monkeypatch
):
    wechat.push("o-1", EVENT, **BODY)
    with monkeypatch.context() as broken:
        broken.setattr(queue, "defer", lambda *_, **__: 1 / 0)
        (answer,) = wechat.deliver(client)
    assert answer.status_code == 500
    assert kept(session) == []

    wechat.deliver(client)

    assert len(kept(session)) == len(handed_on(session)) == 1


def test_messages_are_forgotten_after_ninety_days(client, session, wechat, set_clock, now):
    set_clock(now)
    for age, name in ((91, "old"), (89, "young")):
        service.keep(session, {"Event": EVENT, "trace_id": name}, now=now - timedelta(days=age))
    session.commit()

    jobs.forget()

    assert [message.body["trace_id"] for message in kept(session)] == ["young"]


def test_every_event_is_heard_by_a_job_there_is(monkeypatch):
    monkeypatch.undo()
    all_jobs.load()

    assert set(events.HANDLED_BY.values()) <= set(queue.procrastinate.tasks)
    assert all(event == event.lower() for event in events.HANDLED_BY)


def _without_aes_key(settings, **changes):
    return replace(settings, push_aes_key=None, **changes)
