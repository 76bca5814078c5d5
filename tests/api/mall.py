"""The mall over HTTP, as one caller meets it."""

import json
import re
import uuid

import psycopg

from tests.conftest import plain

NO_BODY = object()


class Mall:
    """The mall as its caller meets it, and whether the database changed meanwhile."""

    def __init__(self, app, database_url, headers):
        self.client, self.headers = app.test_client(), headers
        self.connection = psycopg.connect(plain(database_url), autocommit=True)

    def send(self, operation, ids, body=NO_BODY, *, pick=0, headers=None, **more):
        verb, path = operation.split()
        url = re.sub(
            r"{(\w+)}", lambda each: str(ids[each[1]][min(pick, len(ids[each[1]]) - 1)]), path
        )
        key = {"Idempotency-Key": uuid.uuid4().hex}
        if body is not NO_BODY:
            more = {"data": json.dumps(body), "content_type": "application/json", **more}
        return self.client.open(
            url + more.pop("query", ""),
            method=verb,
            headers={**key, **(self.headers if headers is None else headers)},
            **more,
        )

    def close(self):
        self.connection.close()

    def fingerprint(self):
        """How many rows each table has and when one was last written, but for who called what."""
        tables = self.connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            " AND tablename NOT IN ('audit_log', 'auth_session') ORDER BY 1"
        ).fetchall()
        each = [
            f"SELECT '{name}', count(*), max(xmin::text::bigint) FROM \"{name}\""
            for (name,) in tables
        ]
        # Said, because PostgreSQL may read the tables at once, in any order.
        return self.connection.execute(" UNION ALL ".join(each) + " ORDER BY 1").fetchall()
