"""What a database holds before a migration that moves data is there after it, in the new shape."""

import flask_migrate
from sqlalchemy import text

from app.core.db import db
from tests.guards.test_migrations import empty_app

__all__ = ["empty_app"]

BEFORE = """
SET session_replication_role = replica;
INSERT INTO commission_rules (version, levels, level1_bp, level2_bp, cap_bp, mature_days, joining,
                              changed_by, changed_at)
SELECT n, 1, 1000, 0, 5000, 7, CASE WHEN n < 3 THEN 'open' ELSE 'approval' END, 'staff:1', now()
FROM generate_series(1, 4) AS n;
INSERT INTO distributor (member_id, status, invite_code, applied_at, status_at, status_reason)
VALUES (1, 'active', 'AAAAAAAA', now(), now(), NULL), (2, 'frozen', 'BBBBBBBB', now(), now(), 'x');
"""


def test_ways_of_joining_and_standings_are_carried_over_to_grades_and_back(empty_app):
    with empty_app.app_context():
        flask_migrate.upgrade(revision="0016")
        with db.engine.begin() as connection:
            connection.execute(text(BEFORE))
        flask_migrate.upgrade(revision="0017")
        with db.engine.connect() as connection:
            ways = connection.scalars(text("SELECT way FROM joining_rules ORDER BY version")).all()
            log = connection.execute(
                text("SELECT member_id, status, reason, actor FROM distributor_status_log"
                     " ORDER BY member_id")
            ).all()  # fmt: skip
        flask_migrate.downgrade(revision="0016")
        with db.engine.connect() as connection:
            left = connection.scalars(text("SELECT joining FROM commission_rules")).all()

    assert ways == ["open", "approval"]
    assert log == [(1, "active", None, "system"), (2, "frozen", "x", "system")]
    assert len(left) == 4
