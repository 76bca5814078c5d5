"""A toy slice on the real core: routes that do what the tests of the core need."""

import threading

import marshmallow as ma
import pytest
from flask import g

from app import create_app
from app.core import auth, clock, logs, redis
from app.core.auth import Audience
from app.core.db import db, read, transaction
from app.core.errors import Conflict, Invalid
from app.core.fields import Fen, Flag, Id, Moment, Quantity, Query, Schema, Text
from app.core.http import Blueprint, page_of, refuse_unknown_query
from tests.conftest import IsolatedClient


class Broken(Conflict):
    """The toy is broken."""

    code, title = "toy_broken", "玩具坏了"


class Item(Schema):
    quantity = Quantity(required=True)


class Wish(Schema):
    name = Text(maximum=5, required=True)
    price_fen = Fen()
    lines = ma.fields.List(ma.fields.Nested(Item))


class Search(Query):
    limit = Quantity(maximum=50, load_default=10)
    is_new = Flag()


class WishOut(ma.Schema):
    id = Id(required=True)
    name = ma.fields.String(required=True)
    at = Moment()


class Toy:
    """What the toy's views remember, and the gate that `slow` waits at."""

    def __init__(self):
        self.forget()

    def refuse(self, number):
        if number == 13:
            raise Broken("gone", pieces=0)

    def forget(self):
        self.runs = []
        self.gate = threading.Event()
        self.entered = threading.Event()


def shopper_routes(toy):  # noqa: C901  # One function per route, each trivial.
    bp = Blueprint("toys", __name__, description="玩具")

    @bp.post("/wishes")
    @bp.accepts(Wish)
    @bp.idempotent()
    @bp.returns(WishOut, 201)
    @bp.fails(Broken)
    def wish(session, name, price_fen=0, lines=()):
        """Wish for a toy."""
        toy.runs.append(name)
        if name == "坏的":
            raise Broken("it fell", pieces=3)
        if name == "慢的":
            toy.entered.set()
            toy.gate.wait(10)
        return {"id": len(toy.runs), "name": name}

    @bp.post("/empty")
    @bp.idempotent()
    @bp.returns(WishOut, 201)
    def empty(session):
        """Wish for nothing in particular."""
        toy.runs.append("")
        return {"id": len(toy.runs), "name": ""}

    @bp.get("/wishes")
    @bp.accepts(Search)
    @bp.returns(page_of(WishOut))
    def search(**query):
        """Search for toys."""
        toy.runs.append(query)
        return {"items": [], "next_cursor": None}

    @bp.put("/wishes/<int:wish_id>")
    @bp.returns(None, 204)
    def keep(wish_id):
        """Keep a wish."""

    @bp.patch("/words/<name>")
    @bp.returns(WishOut)
    def rename(name):
        """Rename a wish."""
        return {"id": 1, "name": name}

    @bp.delete("/session")
    @bp.returns(None, 204)
    def leave():
        """End this session."""
        with transaction() as session:
            auth.revoke_this(session, now=clock.now())

    @bp.get("/me")
    @bp.returns(WishOut)
    def me():
        """Say who I am."""
        return {"id": g.member_id, "name": g.audience}

    return bp


def stormed_routes(toy):
    bp = Blueprint("stormed_toys", __name__)

    @bp.post("/stormed/<int:number>")
    @auth.refuses_first(toy.refuse)
    @auth.presumes
    @bp.idempotent()
    @bp.returns(WishOut, 201)
    def stormed(session, number):
        """Wish for what everybody wants."""
        toy.runs.append(number)
        return {"id": number, "name": g.audience}

    @bp.get("/stormed")
    @auth.presumes
    @bp.returns(WishOut)
    def presumed():
        """Say who I am presumed to be."""
        return {"id": g.member_id, "name": g.audience}

    return bp


def public_routes():
    bp = Blueprint("open_toys", __name__)

    @bp.get("/bug")
    @bp.returns(None, 204)
    def bug():
        """Stumble over a bug."""
        raise KeyError("secret detail")

    @bp.get("/crowded")
    @bp.returns(None, 204)
    def crowded():
        """Refuse one of thousands."""
        logs.count_only()
        raise Broken

    @bp.get("/invalid")
    @bp.returns(None, 204)
    def invalid():
        """Refuse a field by hand."""
        raise Invalid(errors={"toy": ["太旧"]})

    @bp.get("/limited")
    @bp.returns(None, 204)
    def limited():
        """Allow two in a minute."""
        redis.rate_limit("toy", limit=2, seconds=60)

    @bp.get("/database")
    @bp.returns(None, 204)
    def database():
        """Ask the database."""
        read().connection()

    @bp.get("/who")
    @bp.returns(WishOut)
    def who():
        """Say for whom this is."""
        return {"id": 1, "name": g.audience}

    return bp


def build(settings, toy):
    """An application with the toy's routes behind the real guards, under `/toy` and `/open`."""
    app = create_app(settings)
    app.test_client_class = IsolatedClient
    api = app.extensions["flask-smorest"]["apis"][""]["ext_obj"]
    for audience, prefix, routes in (
        (Audience.SHOPPER, "/toy", (shopper_routes(toy), stormed_routes(toy))),
        (Audience.PUBLIC, "/open", (public_routes(),)),
    ):
        parent = Blueprint(f"toy_{audience}", __name__)
        parent.before_request(auth.guard(audience))
        parent.before_request(refuse_unknown_query)
        if audience is Audience.SHOPPER:
            parent.guarded, parent.security = (401,), "shopper_token"
        for each in routes:
            parent.register_blueprint(each)
        api.register_blueprint(parent, url_prefix=prefix)
    return app


@pytest.fixture(scope="session")
def build_another():
    """Build further applications; what they connected to is hung up in the end."""
    built = []

    def another(settings, toy):
        built.append(build(settings, toy))
        return built[-1]

    yield another
    for app in built:
        with app.app_context():
            db.engine.dispose()


@pytest.fixture(scope="session")
def built(settings, build_another):
    toy = Toy()
    return toy, build_another(settings, toy)


@pytest.fixture
def toy(built):
    built[0].forget()
    return built[0]


@pytest.fixture
def toy_app(app, built, toy):
    """The toy on the tables of this test."""
    return built[1]


@pytest.fixture
def toys(toy_app):
    return toy_app.test_client()


@pytest.fixture
def headers(token_for):
    """The headers of member 7, with a key of their own on each call."""
    token = token_for(Audience.SHOPPER, 7)

    def make(key="key-00000001"):
        return {**token, "Idempotency-Key": key} if key else token

    return make
