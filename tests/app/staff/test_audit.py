"""The audit log: every write of staff is on record, masked, and nobody can edit it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.staff import audit, service
from app.staff.models import AuditLog, Role
from tests.builders.staff import PASSWORD


def entries(session):
    session.rollback()
    return list(session.scalars(select(AuditLog).order_by(AuditLog.id)))


class TestWatching:
    def test_a_write_is_on_record_with_who_what_and_how_it_ended(self, client, as_staff, session):
        staff, headers = as_staff()
        body = {
            "username": "lin",
            "password": "a long password",
            "display_name": "找 13812345678",
        }

        answer = client.post("/admin/v1/staff", json=body, headers=headers)

        (entry,) = entries(session)
        assert (entry.staff_id, entry.method, entry.path) == (staff.id, "POST", "/admin/v1/staff")
        assert entry.endpoint.endswith("staff.create_staff")
        assert entry.status == 201
        assert entry.request_id == answer.headers["X-Request-ID"]
        assert entry.body == {
            "username": "lin",
            "password": "***",
            "display_name": "找 138****5678",
        }

    def test_passwords_never_reach_the_record(self, client, as_staff, session):
        _, headers = as_staff()
        body = {"present_password": PASSWORD, "new_password": "a long password"}

        client.put("/admin/v1/me/password", json=body, headers=headers)

        (entry,) = entries(session)
        assert "a long password" not in str(entry.body)
        assert PASSWORD not in str(entry.body)

    def test_what_was_refused_is_on_record_too(self, client, as_staff, session):
        _, headers = as_staff(role=Role.MERCHANT)

        client.post("/admin/v1/staff", json={}, headers=headers)
        client.post("/admin/v1/staff/1/deactivate", headers=headers)

        assert [(entry.status, entry.body) for entry in entries(session)] == [
            (403, {}),
            (403, None),
        ]

    def test_reading_and_strangers_leave_no_record(self, client, as_staff, session):
        _, headers = as_staff()

        client.get("/admin/v1/me", headers=headers)
        client.post("/admin/v1/staff", json={})

        assert entries(session) == []

    @pytest.mark.parametrize(
        "body",
        [
            b'{"username": "a\\u0000b", "x": "\\ud83d"}',
            b'{"x": NaN, "y": 1e999, "z": -1e999}',
            b'{"x": ' + b"[" * 200 + b"]" * 200 + b"}",
            b"[" * 100_000,
            b'{"x": 1' + b"0" * 5000 + b"}",
            b"not json",
            b"\xff\xfe",
        ],
    )
    def test_hostile_bodies_are_recorded_without_harm(self, client, as_staff, session, body):
        _, headers = as_staff()

        answer = client.post(
            "/admin/v1/staff", data=body, content_type="application/json", headers=headers
        )

        assert answer.status_code in {400, 422}
        assert [entry.status for entry in entries(session)] == [answer.status_code]

    def test_the_attempt_is_on_record_before_it_is_made(self, app, as_staff, session, monkeypatch):
        _, headers = as_staff()
        seen = []
        monkeypatch.setattr(
            service, "reactivate", lambda *_, **__: seen.extend(statuses_so_far(app))
        )

        app.test_client().post("/admin/v1/staff/1/reactivate", headers=headers)

        assert seen == [None]


def statuses_so_far(app):
    with app.extensions["sqlalchemy"].engine.connect() as connection:
        return list(connection.scalars(select(AuditLog.status)))


def an_entry(staff, **fields):
    given_fields = {
        "staff_id": staff.id,
        "tried_at": staff.created_at,
        "method": "POST",
        "endpoint": "x",
        "path": "/x",
        "body": None,
        "request_id": "r",
        "ip": "",
    }
    return AuditLog(**{**given_fields, **fields})


class TestAppendOnly:
    def test_an_outcome_is_recorded_once_and_nothing_else_changes(self, as_staff, session):
        staff, _ = as_staff()
        entry = an_entry(staff)
        session.add(entry)
        session.commit()
        entry.status = 200
        session.commit()

        for change in (
            update(AuditLog).values(status=500),
            update(AuditLog).values(path="/y"),
            delete(AuditLog),
            text("TRUNCATE audit_log"),
        ):
            with pytest.raises(IntegrityError):
                session.execute(change)
            session.rollback()

        assert [(one.status, one.path) for one in entries(session)] == [(200, "/x")]

    def test_an_open_entry_learns_its_outcome_and_nothing_besides(self, as_staff, session):
        staff, _ = as_staff()
        session.add(an_entry(staff))
        session.commit()

        with pytest.raises(DBAPIError):
            session.execute(update(AuditLog).values(status=200, path="/y"))
        session.rollback()

        assert session.scalar(select(func.count()).where(AuditLog.status.is_(None))) == 1


class TestReading:
    def test_pages_through_everything_the_latest_first(self, client, as_staff, session):
        staff, headers = as_staff()
        session.add_all(an_entry(staff, path=f"/{number}") for number in range(5))
        session.commit()

        seen, cursor = [], None
        while True:
            query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
            page = client.get("/admin/v1/audit-log", query_string=query, headers=headers).json
            seen += [each["path"] for each in page["items"]]
            cursor = page["next_cursor"]
            if not cursor:
                break

        assert seen == ["/4", "/3", "/2", "/1", "/0"]

    def test_shows_one_account_only_when_asked(self, client, as_staff, session):
        staff, headers = as_staff()
        other, _ = as_staff()
        session.add_all([an_entry(staff, path="/mine"), an_entry(other, path="/theirs")])
        session.commit()

        page = client.get(f"/admin/v1/audit-log?staff_id={other.id}", headers=headers).json

        assert [each["path"] for each in page["items"]] == ["/theirs"]

    @pytest.mark.parametrize(
        "query", ["limit=0", "limit=101", "limit=x", "cursor=x", "staff_id=0", "who=me"]
    )
    def test_a_wrong_query_is_refused(self, client, as_staff, query):
        _, headers = as_staff()

        answer = client.get(f"/admin/v1/audit-log?{query}", headers=headers)

        assert answer.status_code == 422


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(value=json_values)
def test_any_json_becomes_something_postgresql_stores(value):
    kept = audit.storable(value)

    encoded = json.dumps(kept, allow_nan=False, ensure_ascii=False)
    assert "\\u0000" not in encoded.replace("\\\\", "")
    assert encoded.encode()


def test_long_and_deep_values_are_cut():
    deep = leaf = []
    for _ in range(20):
        leaf.append([])
        leaf = leaf[0]

    assert audit.storable("x" * 5000) == "x" * 2000 + "…"
    assert len(audit.storable(list(range(1000)))) == 200
    assert len(audit.storable({str(n): n for n in range(1000)})) == 200
    assert str(audit.storable(deep)).count("[") == audit.DEPTH_MAX
