"""
The limits: what Flask, Granian and PostgreSQL do for the same answer with none of our code.

Served as an application of its own beside the mall, on the mall's database; what to answer and
which rows to write comes from a file that the benches put there (`BARE_FOLDER`).
"""

import base64
import itertools
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import redis
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from flask import Flask, Response, request
from psycopg import sql
from psycopg.types.json import Jsonb
from ulid import ULID

SCHEMA = """
CREATE SCHEMA IF NOT EXISTS bare;
DROP TABLE IF EXISTS bare.inbox;
CREATE TABLE bare.inbox (id bigserial PRIMARY KEY, event_id text UNIQUE, raw bytea, fact jsonb);
"""


GATE = """
local gate = redis.call('HMGET', KEYS[1], 'epoch', 'left', 'limit')
local taken = redis.call('HGET', KEYS[2], ARGV[1])
if tonumber(taken or 1) >= tonumber(gate[3] or 1) then return 'limit' end
return 'maybe'
"""


def create_app() -> Flask:
    """A Flask application that answers stored bytes and writes stored rows."""
    app = Flask(__name__, static_folder=None)
    folder = Path(os.environ["BARE_FOLDER"])
    bodies: dict[str, bytes] = {}
    local = threading.local()

    def connection() -> psycopg.Connection[Any]:
        if not hasattr(local, "connection"):
            local.connection = psycopg.connect(os.environ["BARE_DATABASE"])
            local.connection.prepare_threshold = 1
        opened: psycopg.Connection[Any] = local.connection
        return opened

    @app.route("/same/<name>", methods=["GET", "POST"])
    def same(name: str) -> Response:
        request.get_json(silent=True)
        if name not in bodies:
            bodies[name] = (folder / f"{name}.json").read_bytes()
        return Response(bodies[name], content_type="application/json")

    _refuse(app, same)
    rows = _Rows(folder / "rows.json")

    @app.post("/rows")
    def write_rows() -> Response:
        request.get_json()
        rows.write(connection())
        return Response(rows.answer, status=201, content_type="application/json")

    verify = _Verify(folder / "platform.json")

    @app.post("/notified")
    def notified() -> Response:
        raw = request.get_data()
        event = verify.opened(raw)
        bound = connection()
        with bound.transaction():
            bound.execute(
                "INSERT INTO bare.inbox (event_id, raw, fact) VALUES (%s, %s, %s)"
                " ON CONFLICT DO NOTHING",
                [event["id"], raw, Jsonb(event["resource"])],
            )
        return Response(status=204)

    return app


TAKE_FROM_SHELF = (
    "UPDATE sku SET available = available - 1, held = held + 1 WHERE id = %s AND available >= 1"
)


def _refuse(app: Flask, same: Callable[[str], Response]) -> None:
    """Refuse as a flash sale does: with stored bytes, or after one script in Redis."""
    gate = redis.Redis.from_url(os.environ["BARE_REDIS"]).register_script(GATE)

    @app.post("/refused/<name>")
    def refused(name: str) -> Response:
        answer = same(name)
        answer.status_code = 409
        return answer

    @app.post("/gate")
    def ask_gate() -> Response:
        request.get_json()
        word = gate(keys=["bare:gate", "bare:members"], args=[1])
        return Response(b'{"code":"%s"}' % word, status=409, content_type="application/json")


class _Rows:
    """The rows of one placed order, written again under fresh keys."""

    def __init__(self, path: Path) -> None:
        given = json.loads(path.read_text()) if path.exists() else {"rows": [], "answer": {}}
        self.answer = json.dumps(given["answer"])
        self.sku_ids = given.get("sku_ids", [])
        self.update = given.get("update", TAKE_FROM_SHELF)
        self.numbers = itertools.count()
        self.statements = [(self._insert(table, row), row) for table, row in given["rows"]]

    def write(self, connection: psycopg.Connection[Any]) -> None:
        """One transaction: the guarded stock update and every row."""
        fresh = f"O{ULID()}"
        sku_id = self.sku_ids[next(self.numbers) % len(self.sku_ids)]
        order_id = None
        with connection.transaction():
            for statement, row in self.statements:
                values = {name: self._value(value, fresh, order_id) for name, value in row.items()}
                found = connection.execute(statement, values).fetchone()
                order_id = order_id or (found[0] if found else None)
            connection.execute(self.update, [sku_id])

    @staticmethod
    def _insert(table: str, row: dict[str, Any]) -> sql.Composed:
        return sql.SQL("INSERT INTO {} ({}) VALUES ({}) RETURNING id").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join(map(sql.Placeholder, row)),
        )

    @staticmethod
    def _value(value: Any, fresh: str, order_id: int | None) -> Any:
        if isinstance(value, dict):
            kind, given = next(iter(value.items()))
            if kind == "bytes":
                return bytes.fromhex(given)
            return {"fresh": fresh, "order_id": order_id, "json": Jsonb(given)}[kind]
        return value


class _Verify:
    """RSA verify and AES-GCM open, and nothing else a webhook should do."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            return
        given = json.loads(path.read_text())
        key = load_pem_public_key(given["public_key"].encode())
        assert isinstance(key, rsa.RSAPublicKey)
        self.key = key
        self.gcm = AESGCM(given["apiv3_key"].encode())

    def opened(self, raw: bytes) -> dict[str, Any]:
        """The event with its resource decrypted; raises if the signature is wrong."""
        headers = request.headers
        stamp = f"{headers['Wechatpay-Timestamp']}\n{headers['Wechatpay-Nonce']}\n"
        self.key.verify(
            base64.b64decode(headers["Wechatpay-Signature"]),
            stamp.encode() + raw + b"\n",
            padding.PKCS1v15(),
            SHA256(),
        )
        event: dict[str, Any] = json.loads(raw)
        sealed = event["resource"]
        event["resource"] = json.loads(
            self.gcm.decrypt(
                sealed["nonce"].encode(),
                base64.b64decode(sealed["ciphertext"]),
                sealed["associated_data"].encode(),
            )
        )
        return event
