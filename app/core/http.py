"""
How routes are written: `accepts`, `returns`, `fails`, `idempotent`, on a smorest blueprint.

    @bp.post("/orders")
    @bp.accepts(PlaceOrder)
    @bp.idempotent()
    @bp.returns(OrderOut, 201)
    @bp.fails(OutOfStock, PriceChanged)
    def place_order(session, **body):
        \"\"\"Place an order for the lines in the body.\"\"\"

The decorators both do and document: what a route accepts, returns and refuses is what OpenAPI says.
The fields of bodies and queries are in `app.core.fields`.
"""

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, NoReturn, TypeVar

import marshmallow as ma
from flask import Request, current_app, request
from flask_smorest import Blueprint as SmorestBlueprint
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import UnsupportedMediaType

from app.core import idempotency, messages
from app.core.errors import TITLES, AppError, Invalid
from app.core.fields import Query, Schema

View = TypeVar("View", bound=Callable[..., Any])

PROBLEM = "application/problem+json"


class ProblemOut(ma.Schema):
    """
    An RFC 9457 problem document; `code` is stable and meant for programs.

    Some codes bring members of their own, such as `sku_id` and `available`.
    """

    class Meta:
        unknown = ma.INCLUDE

    type = ma.fields.String(required=True)
    title = ma.fields.String(required=True, metadata={"description": "给用户看的中文说明"})
    status = ma.fields.Integer(required=True)
    code = ma.fields.String(required=True)
    detail = ma.fields.String()
    request_id = ma.fields.String()
    errors = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.List(ma.fields.String()),
        metadata={"description": "The path of each wrong field and what is wrong with it."},
    )


def page_of(item: type[ma.Schema]) -> type[ma.Schema]:
    """The schema of one page of `item`: `{items, next_cursor}`; no cursor means no further page."""
    fields: dict[str, ma.fields.Field[Any]] = {
        "items": ma.fields.List(ma.fields.Nested(item), required=True),
        "next_cursor": ma.fields.String(required=True, allow_none=True),
    }
    return ma.Schema.from_dict(fields, name=f"{item.__name__.removesuffix('Out')}Page")


def refuse_unknown_query() -> None:
    """
    The `before_request` of an audience: a query field is unknown to a route that takes none.

    :raises Invalid: there is one. Routes with a `Query` schema refuse theirs by themselves.
    """
    if not request.args or request.endpoint is None:
        return
    documented = getattr(current_app.view_functions[request.endpoint], "_apidoc", {})
    parameters = documented.get("arguments", {}).get("parameters", [])
    if not any(each["in"] == "query" for each in parameters):
        raise Invalid(errors={name: [messages.UNKNOWN] for name in request.args})


class _Reader(FlaskParser):
    """Reads bodies, which are UTF-8 JSON and nothing else."""

    def _raw_load_json(self, req: Request) -> Any:
        if not req.is_json:
            raise UnsupportedMediaType
        try:
            return _DECODER.decode(req.get_data(cache=True).decode())
        except (ValueError, RecursionError) as error:  # Also thousands of digits, or of brackets.
            # With no document in it, webargs would take this for a body without fields.
            raise json.JSONDecodeError("unreadable", "…", 0) from error


def _refuse_constant(word: str) -> NoReturn:
    """Python reads NaN and Infinity; JSON has no such words."""
    raise ValueError(word)


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


class Blueprint(SmorestBlueprint):  # type: ignore[misc]  # flask-smorest is untyped.
    """The routes of one slice for one audience. Its name becomes the tag in the API reference."""

    ARGUMENTS_PARSER = _Reader()

    guarded: tuple[int, ...] = ()
    """Statuses the audience's guard may answer; set on the audience's parent blueprint."""
    guarded_writes: tuple[int, ...] = ()
    """Those it may answer to a write, unless the view is open to analysts."""
    security: str | None = None
    """The OpenAPI security scheme of the audience; set on the parent blueprint."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._prepare_doc_cbks.append(self._prepare_problems_doc)

    def get(self, rule: str, **options: Any) -> Callable[[View], View]:
        """Serve GET requests for `rule` with the view."""
        return self._serve("GET", rule, options)

    def post(self, rule: str, **options: Any) -> Callable[[View], View]:
        """Serve POST requests for `rule` with the view."""
        return self._serve("POST", rule, options)

    def put(self, rule: str, **options: Any) -> Callable[[View], View]:
        """Serve PUT requests for `rule` with the view."""
        return self._serve("PUT", rule, options)

    def patch(self, rule: str, **options: Any) -> Callable[[View], View]:
        """Serve PATCH requests for `rule` with the view."""
        return self._serve("PATCH", rule, options)

    def delete(self, rule: str, **options: Any) -> Callable[[View], View]:
        """Serve DELETE requests for `rule` with the view."""
        return self._serve("DELETE", rule, options)

    def _serve(self, method: str, rule: str, options: dict[str, Any]) -> Callable[[View], View]:
        decorator: Callable[[View], View] = self.route(rule, methods=[method], **options)
        return decorator

    def add_url_rule(self, rule: str, *args: Any, tags: list[str] | None = None, **kw: Any) -> None:
        super().add_url_rule(rule, *args, tags=tags or [self.name], **kw)

    def accepts(self, schema: type[Schema] | type[Query]) -> Callable[[View], View]:
        """Load the body (or, for a `Query` schema, the query string) into keyword arguments."""
        location = "query" if issubclass(schema, Query) else "json"
        decorator: Callable[[View], View] = self.arguments(
            # An instance: making one takes longer than most requests take to load.
            schema(),
            location=location,
            as_kwargs=True,
            unknown=None,
        )
        return decorator

    def returns(
        self, schema: type[ma.Schema] | ma.Schema | None, status: int = 200
    ) -> Callable[[View], View]:
        """Answer with `status` and the view's result through `schema`; None is an empty body."""
        decorator: Callable[[View], View] = self.response(status, schema)
        return decorator

    def fails(self, *errors: type[AppError]) -> Callable[[View], View]:
        """Document the anticipated failures of a route."""

        def decorator(view: View) -> View:
            doc: dict[str, Any] = view.__dict__.setdefault("_apidoc", {})
            doc["fails"] = [*doc.get("fails", []), *errors]
            return view

        return decorator

    def idempotent(self) -> Callable[[View], View]:
        """
        Require `Idempotency-Key` and run the view at most once per key, in one transaction.

        The view gets that transaction's `session` as its first argument and opens none itself. It
        stands above `returns`, because the answer is stored with the work it answers for.
        """

        def decorator(view: View) -> View:
            wrapped = idempotency.once(view)
            doc = wrapped.__dict__["_apidoc"] = dict(getattr(view, "_apidoc", {}))
            doc["idempotent"] = True
            doc["fails"] = [*doc.get("fails", []), *idempotency.FAILURES]
            return wrapped

        return decorator

    def _prepare_problems_doc(
        self, doc: dict[str, Any], info: dict[str, Any], *, method: str, **_: Any
    ) -> dict[str, Any]:
        statuses = {404, *self.guarded}
        if "requestBody" in doc:
            statuses |= {400, 415, 422}
        if method != "get":
            statuses.add(413)
            statuses.update(() if info.get("open_to_analysts") else self.guarded_writes)
        by_status = {status: [TITLES[status][0]] for status in statuses}
        for error in info.get("fails", []):
            codes = by_status.setdefault(error.status, [])
            if error.code not in codes:
                codes.append(error.code)
        responses = doc.setdefault("responses", {})
        for status, codes in sorted(by_status.items()):
            responses[str(status)] = {
                "description": f"{HTTPStatus(status).phrase}: {', '.join(codes)}",
                "content": {PROBLEM: {"schema": ProblemOut}},
            }
            responses.pop(status, None)
        if self.security:
            doc["security"] = [{self.security: []}]
        if info.get("idempotent"):
            doc.setdefault("parameters", []).append(idempotency.HEADER_DOC)
        return doc
