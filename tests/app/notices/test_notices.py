"""Members are told once of what happened, never more often than they allow, or quietly not."""

from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.core import clock
from app.members import service as members
from app.notices import service as notices
from app.notices.models import Event, Notice, NoticeTemplateStop
from app.orders import service as orders
from app.orders.models import OrderStatus
from tests.builders.members import make_member
from tests.builders.notices import deliver
from tests.builders.orders import make_order

MINUTE = timedelta(minutes=1)


def told(wechat):
    return wechat.control("GET", "mini/messages")["messages"]


def rows(session):
    session.rollback()
    found = session.scalars(select(Notice).order_by(Notice.id))
    return [(row.event, row.status, row.reason) for row in found]


def tell(session, member, now, key="1"):
    asked = {"event": Event.SALE_STARTS, "member_id": member.id, "key": key, "page": "pages/x"}
    values = {"title": "红茶", "starts_at": "明天", "price": "9元", "hint": "开抢"}
    is_new = notices.tell(session, values=values, now=now, **asked)
    session.commit()
    return is_new


def test_the_buyer_hears_of_the_payment_and_of_each_parcel(
    session, member, allow, templates, now, monkeypatch
):
    monkeypatch.setattr(clock, "now", lambda: now)
    allow(member, "paid", 3)
    allow(member, "shipped", 3)
    order = make_order(session, now=now, buyer=member, status=OrderStatus.PAID)
    parcel = {"company_code": "SF", "company_name": "顺丰速运", "tracking_no": "SF1001"}
    for _ in range(2):
        orders.ship(session, order_no=order.order_no, now=now, **parcel)

    assert len(deliver(session, now)) == 2
    assert deliver(session, now + MINUTE) == []

    paid, shipped = told(templates)
    page = f"pages/order/show?no={order.order_no}"
    assert (paid["openid"], paid["page"], shipped["page"]) == (member.openid, page, page)
    assert paid["data"]["character_string1"] == order.order_no
    assert paid["data"]["amount3"].endswith("元")
    assert shipped["data"]["phrase2"] == "顺丰速运"
    assert shipped["data"]["character_string3"] == "SF1001"
    assert rows(session) == [("paid", "sent", None), ("shipped", "sent", None)]


def test_a_shop_without_templates_tells_nothing_and_writes_nothing(session, wechat, now):
    order = make_order(session, now=now, status=OrderStatus.PAID)

    assert not tell(session, make_member(session), now)
    assert (order.status, rows(session), deliver(session, now)) == ("paid", [], [])


def test_what_is_rolled_back_is_told_to_nobody(session, member, templates, now):
    make_order(session, now=now, buyer=member, status=OrderStatus.PAID)
    session.rollback()

    assert (rows(session), deliver(session, now)) == ([], [])


def test_busy_is_tried_again_and_given_up_after_six_times(
    session, member, allow, templates, now, monkeypatch
):
    allow(member, "sale_starts")
    templates.fault("subscribe_send", "error", times=20, args={"errcode": 45011})
    tell(session, member, now)

    tries = 0
    for minutes in range(120):
        monkeypatch.setattr(clock, "now", lambda at=now + minutes * MINUTE: at)
        tries += len(deliver(session, clock.now()))

    assert tries == 6
    assert (told(templates), rows(session)) == ([], [("sale_starts", "refused", "busy")])


def test_what_is_too_late_or_has_nobody_left_to_read_it_is_dropped(
    session, member, allow, templates, now, monkeypatch
):
    allow(member, "sale_starts", 3)
    tell(session, member, now)
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=1))
    deliver(session, clock.now())
    tell(session, member, clock.now(), key="2")
    members.leave(session, member_id=member.id, now=clock.now())
    deliver(session, clock.now())

    assert told(templates) == []
    reasons = [("sale_starts", "dropped", "too_late"), ("sale_starts", "dropped", "member_left")]
    assert rows(session) == reasons


def test_a_template_wechat_does_not_know_is_stopped_for_all_until_staff_resume_it(
    session, member, allow, templates, now, client, sign_in_staff, monkeypatch
):
    monkeypatch.setattr(clock, "now", lambda: now)
    headers = sign_in_staff()
    allow(member, "sale_starts", 3)
    templates.fault("subscribe_send", "error", args={"errcode": 40037})
    for key in ("1", "2"):
        tell(session, member, now, key=key)
        deliver(session, now)

    assert [row[2] for row in rows(session)] == ["40037", "template_stopped"]
    seen = client.get("/admin/v1/notice-templates", headers=headers).json["items"]
    assert [each["event"] for each in seen if each["stop_reason"] == "40037"] == ["sale_starts"]
    path = "/admin/v1/notice-templates/{}/resume"
    assert client.post(path.format("weather"), headers=headers).status_code == 404
    assert client.post(path.format("sale_starts"), headers=headers).status_code == 200
    session.rollback()
    assert session.scalars(select(NoticeTemplateStop)).all() == []
    tell(session, member, now, key="3")
    deliver(session, now)
    assert len(told(templates)) == 1


def test_members_see_their_own_count_and_staff_page_through_what_was_told(
    session, member, allow, now, client, token_for, sign_in_staff, monkeypatch
):
    monkeypatch.setattr(clock, "now", lambda: now)
    mine, path = token_for("shopper", member.id), "/api/v1/notices/permissions"
    answers = [("t-sale_starts", "accept"), ("t-paid", "reject"), ("not-ours", "accept")]
    results = [{"template_id": id_, "result": result} for id_, result in answers]

    seen = client.post(path, headers=mine, json={"results": results}).json["items"]

    assert {each["event"]: each["credits"] for each in seen} == {
        "paid": 0,
        "shipped": 0,
        "sale_starts": 1,
    }
    allow(member, "sale_starts", 1)
    for key in range(22):
        tell(session, member, now, key=str(key))
    deliver(session, now)
    seen = client.get(path, headers=mine).json["items"]
    assert [each["credits"] for each in seen] == [0, 0, 0]
    staff = sign_in_staff()
    first = client.get(
        f"/admin/v1/notices?member_id={member.id}&event=sale_starts", headers=staff
    ).json
    rest = client.get(f"/admin/v1/notices?cursor={first['next_cursor']}", headers=staff).json
    refused = client.get("/admin/v1/notices?status=refused", headers=staff).json
    assert (len(first["items"]), len(rest["items"]), rest["next_cursor"]) == (20, 2, None)
    assert {each["reason"] for each in refused["items"]} == {"not_allowed"}
    assert client.get("/admin/v1/notices", headers=mine).status_code in {401, 403}


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("tell"), st.integers(0, 3)),
        st.tuples(st.just("allow"), st.integers(1, 2)),
        st.tuples(st.just("deliver"), st.integers(0, 5)),
        st.tuples(st.sampled_from(["busy", "cut"]), st.just(1)),
    ),
    max_size=14,
)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_in_any_order_nobody_gets_one_event_twice_or_more_than_they_allowed(
    session, templates, now, monkeypatch, steps
):
    member = make_member(session)
    session.commit()
    templates.control("POST", "mini/codes", openid=member.openid)
    moment, keys, taps = now, set(), 0
    for what, count in [*steps, ("deliver", 500)]:
        if what == "tell":
            assert tell(session, member, moment, key=str(count)) == (count not in keys)
            keys.add(count)
        elif what == "allow":
            tapped = {"openid": member.openid, "template_id": "t-sale_starts", "times": count}
            templates.control("POST", "mini/allow", **tapped)
            taps += count
        elif what == "deliver":
            moment += count * MINUTE
            monkeypatch.setattr(clock, "now", lambda at=moment: at)
            deliver(session, moment)
        else:
            args = {"errcode": 45011} if what == "busy" else None
            templates.fault("subscribe_send", "error" if args else "cut", args=args or {})
    session.rollback()
    mine = session.scalars(select(Notice).where(Notice.member_id == member.id)).all()
    got = [each for each in told(templates) if each["openid"] == member.openid]
    sent = [each for each in mine if each.status == "sent"]
    unknown = [each for each in mine if each.status == "sending"]
    assert {each.key for each in mine} == {str(key) for key in keys}
    assert len(sent) <= len(got) <= min(len(sent) + len(unknown), taps)
