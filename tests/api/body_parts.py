"""What the requests that succeed are made of, where more than one kind of them needs it."""

from collections.abc import Callable
from typing import Any, NamedTuple

IMAGE = "https://img.example.com/a.jpg"


class Request(NamedTuple):
    """A body made of the world's ids and of WeChat; `pick` says which id goes into the path."""

    body: Callable[[Any, Any], dict[str, Any]]
    pick: int = 0


def fixed(**body: Any) -> Request:
    return Request(lambda ids, wechat: body)
