"""Whoever changes a binding, its log or a click behind the engine's back is found."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from distribution import team, verify
from distribution.team import clicks
from distribution.team.clicks import Shared
from distribution.team.states import BindingMode, Source
from tests.builders.distribution import (
    NOON,
    bind,
    make_binding_rules,
    make_chain,
    make_distributor,
    make_rules,
    pay,
)

DAY = timedelta(days=1)


class TestProof:
    @pytest.fixture(autouse=True)
    def traded(self, session):
        """Protected bindings, one replaced, one prolonged by an order; a click behind one."""
        make_rules(session)
        make_binding_rules(session, mode=BindingMode.PROTECTED, protect_days=7, extend_days=9)
        make_chain(session, 1, 2, 3)
        bind(session, member_id=1, upline_id=4, now=NOON + 7 * DAY)
        code = make_distributor(session, member_id=2).invite_code
        click = clicks.of_member(session, 5, Shared(code, Source.LINK), now=NOON)
        why = team.Why(click.source, click_id=click.id)
        team.bind_to(session, member_id=5, upline_id=2, why=why, now=NOON)
        team.extend(session, member_id=5, source="order:1", now=NOON + DAY)
        pay(session, buyer_id=5, now=NOON + DAY)
        pay(session, buyer_id=1, order="order:2", now=NOON + 8 * DAY)
        session.commit()

    @pytest.mark.parametrize(
        ("change", "rule"),
        [
            ("UPDATE binding SET protection_ends_at = protection_ends_at + interval '1 day'",
             "team.binding_is_the_log"),
            ("UPDATE binding SET bound_at = bound_at - interval '1 day'",
             "team.binding_is_the_log"),
            ("DELETE FROM binding WHERE member_id = 5", "team.binding_is_the_log"),
            ("DELETE FROM binding_log WHERE kind = 'bind' AND member_id = 1",
             "team.log_has_no_gaps"),
            ("UPDATE binding_log SET previous_upline_id = 9 WHERE kind = 'rebind'",
             "team.log_has_no_gaps"),
            ("UPDATE binding_log SET upline_member_id = 3 WHERE kind = 'extend'",
             "team.log_has_no_gaps"),
            ("UPDATE share_click SET upline_member_id = 3", "team.click_led_to_the_upline"),
            ("UPDATE share_click SET member_id = 77", "team.click_led_to_the_upline"),
            ("UPDATE share_click SET clicked_at = clicked_at + interval '1 day'",
             "team.click_led_to_the_upline"),
            ("UPDATE binding_log SET protection_ends_at = bound_at + interval '1 hour'",
             "commission.beneficiary_was_an_upline"),
            (("UPDATE commission SET beneficiary_id = 2, binding_log_id ="
             " (SELECT min(id) FROM binding_log WHERE member_id = 1) WHERE buyer_id = 1"),
             "commission.beneficiary_was_an_upline"),
        ],
    )  # fmt: skip
    def test_tampering_is_found(self, session, change, rule):
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(text(change))

        assert rule in {breach.rule for breach in verify.verify(session)}

        session.rollback()

    @pytest.mark.parametrize("table", ["binding_log", "share_click", "binding_rules"])
    def test_history_cannot_be_changed(self, session, table):
        key = "version" if table == "binding_rules" else "id"
        for change in (f"UPDATE {table} SET {key} = {key}", f"DELETE FROM {table}"):
            with pytest.raises(DatabaseError):
                session.execute(text(change))
            session.rollback()
