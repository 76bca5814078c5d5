"""Clicks: recorded once, and leading to a binding."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from distribution import team, verify
from distribution.team import clicks, joining
from distribution.team.clicks import Shared
from distribution.team.models import BindingLog, ShareClick
from distribution.team.states import BindingMode, Source
from tests.builders.distribution import (
    NOON,
    make_binding_rules,
    make_distributor,
)

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def proven(session):
    """Whatever a test did, the proof holds afterwards."""
    yield
    assert list(verify.verify(session)) == []


class TestClicks:
    @pytest.fixture
    def shared(self, session):
        code = make_distributor(session, member_id=2).invite_code
        return Shared(code, Source.POSTER, scene=f"i={code}&s=7", spu_id=7)

    def test_a_click_says_who_when_by_what_and_leads_to_the_binding(self, session, shared):
        click = clicks.of_member(session, 1, shared, now=NOON)
        why = team.Why(click.source, click_id=click.id)
        team.bind_to(session, member_id=1, upline_id=2, why=why, now=NOON)

        row = session.scalars(select(ShareClick)).one()
        assert (row.member_id, row.visitor_key, row.upline_member_id) == (1, None, 2)
        assert (row.source, row.spu_id, row.clicked_at) == ("poster", 7, NOON)
        logged = session.scalars(select(BindingLog)).one()
        assert (logged.click_id, logged.origin) == (row.id, "poster")

    def test_the_same_click_again_within_a_minute_is_one(self, session, shared):
        first = clicks.of_visitor(session, "v", shared, now=NOON)
        again = clicks.of_visitor(session, "v", shared, now=NOON + MINUTE / 2)
        other = clicks.of_visitor(session, "w", shared, now=NOON)
        later = clicks.of_visitor(session, "v", shared, now=NOON + MINUTE)

        assert first.id == again.id
        assert len({first.id, other.id, later.id}) == 3

    def test_nobody_clicks_on_their_own_link_or_on_nobodys(self, session, shared):
        with pytest.raises(team.SelfBinding):
            clicks.of_member(session, 2, shared, now=NOON)
        with pytest.raises(team.UnknownInviteCode):
            clicks.of_visitor(session, "v", Shared("ZZZZZZZZ", Source.LINK), now=NOON)

        assert session.scalars(select(ShareClick)).all() == []

    @pytest.mark.parametrize(
        ("mode", "expected"),
        [(BindingMode.PERMANENT, 3), (BindingMode.PROTECTED, 3), (BindingMode.LAST_TOUCH, 4)],
    )
    def test_the_first_click_of_a_visitor_counts_or_the_latest_where_that_is_the_rule(
        self, session, shared, mode, expected
    ):
        make_binding_rules(session, mode=mode, click_days=5)
        for index, upline_id in enumerate((2, 3, 9, 4)):
            code = make_distributor(session, member_id=upline_id).invite_code
            at = NOON + index * DAY
            clicks.of_visitor(session, "v", Shared(code, Source.LINK), now=at)
        joining.freeze(session, member_id=2, reason="刷单", now=NOON)

        found = clicks.waiting(session, "v", member_id=9, now=NOON + 3 * DAY)
        late = clicks.waiting(session, "v", member_id=9, now=NOON + 20 * DAY)

        assert found.upline_member_id == expected
        assert late is None
