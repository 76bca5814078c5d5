"""
What the control API's routes share: reading JSON, the lock, and refusing in one shape.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import datetime
from typing import Any, Concatenate, ParamSpec

from flask import Response, jsonify, make_response, request

from sandbox.errors import ControlRefusal
from sandbox.world import World, current

P = ParamSpec("P")
View = Callable[Concatenate[World, P], dict[str, object]]


def guarded(view: View[P]) -> Callable[P, Response]:
    """Answer the view's document as JSON, holding the world's lock."""

    @functools.wraps(view)
    def endpoint(*args: P.args, **kwargs: P.kwargs) -> Response:
        world = current()
        with world.lock:
            return _answer(functools.partial(view, world, *args, **kwargs))

    return endpoint


def unlocked(view: View[P]) -> Callable[P, Response]:
    """Answer the view's document as JSON; the view may wait, and takes the lock itself."""

    @functools.wraps(view)
    def endpoint(*args: P.args, **kwargs: P.kwargs) -> Response:
        return _answer(functools.partial(view, current(), *args, **kwargs))

    return endpoint


def given() -> dict[str, Any]:
    """
    Return the request's JSON object; nothing counts as an empty one.

    :raises ControlRefusal: 422 it is something else.
    """
    if not request.get_data():
        return {}
    document = request.get_json(force=True, silent=True)
    if not isinstance(document, dict):
        raise ControlRefusal(422, "the body must be a JSON object")
    return document


def checked_text(values: dict[str, Any], name: str) -> str:
    """
    Return a text that must be there.

    :raises ControlRefusal: 422 it is missing, empty or not a text.
    """
    value = values.get(name)
    if not isinstance(value, str) or not value:
        raise ControlRefusal(422, f"{name} must be a text")
    return value


def optional_text(values: dict[str, Any], name: str) -> str | None:
    """
    Return a text that may be missing.

    :raises ControlRefusal: 422 it is there and is not a text.
    """
    return None if values.get(name) is None else checked_text(values, name)


def optional_number(values: dict[str, Any], name: str, *, above: float) -> float | None:
    """
    Return a number greater than `above` that may be missing.

    :raises ControlRefusal: 422 it is there and is not such a number.
    """
    value = values.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > above:
        raise ControlRefusal(422, f"{name} must be a number above {above}")
    return float(value)


def optional_moment(values: dict[str, Any], name: str) -> datetime | None:
    """
    Return a moment that may be missing.

    :raises ControlRefusal: 422 it is there and is not RFC 3339 with an offset.
    """
    text = optional_text(values, name)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ControlRefusal(422, f"{name} must be RFC 3339") from error
    if moment.tzinfo is None:
        raise ControlRefusal(422, f"{name} must carry its offset")
    return moment


def _answer(view: Callable[[], dict[str, object]]) -> Response:
    try:
        return jsonify(view())
    except ControlRefusal as refusal:
        return make_response(jsonify(refusal.document), refusal.status)
