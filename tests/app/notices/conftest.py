"""A shop with a template for each event, and members who allow messages of it."""

from dataclasses import replace

import pytest

from app.notices.models import Event
from app.settings import MessageTemplate
from app.wechat import extension
from tests.builders.members import make_member
from tests.builders.staff import make_staff

KEYS = {
    "paid": (
        ("order_no", "character_string1"),
        ("goods", "thing2"),
        ("amount", "amount3"),
        ("paid_at", "time4"),
    ),
    "shipped": (("goods", "thing1"), ("company", "phrase2"), ("tracking_no", "character_string3")),
    "sale_starts": (("title", "thing1"),),
}


@pytest.fixture
def templates(app, wechat):
    """Each event has the template `t-<event>`."""
    for event, keys in KEYS.items():
        made = {"template_id": f"t-{event}", "keys": [key for _, key in keys]}
        wechat.control("POST", "mini/templates", **made)
    known = tuple((event, MessageTemplate(f"t-{event}", keys)) for event, keys in KEYS.items())
    app.extensions["wechat"] = extension.build(replace(wechat.settings, templates=known))
    assert set(KEYS) == set(Event)
    return wechat


@pytest.fixture
def allow(templates):
    """Tap "allow" so often for an event."""

    def tap(member, event, times=1):
        told = {"openid": member.openid, "template_id": f"t-{event}", "times": times}
        templates.control("POST", "mini/allow", **told)

    return tap


@pytest.fixture
def member(session, templates):
    made = make_member(session)
    session.commit()
    templates.control("POST", "mini/codes", openid=made.openid)
    return made


@pytest.fixture
def sign_in_staff(session, token_for):
    """Make somebody of the staff; return their headers."""

    def make():
        somebody = make_staff(session)
        session.commit()
        return token_for("staff", somebody.id)

    return make
