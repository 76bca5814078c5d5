"""What the processes of the mall have for flash sales: a gate and a memory, one of each."""

from typing import NamedTuple

from flask import Flask, current_app

from app.flash_sales.gate import Gate
from app.flash_sales.sold_out import Memory


class Entrance(NamedTuple):
    """The way into all flash sales."""

    gate: Gate
    memory: Memory


def init_app(app: Flask) -> None:
    """Give `app` its entrance; nothing connects until the first use."""
    app.extensions["flash_sales"] = Entrance(Gate(app.extensions["redis"]), Memory())


def entrance() -> Entrance:
    """The application's entrance to flash sales."""
    found: Entrance = current_app.extensions["flash_sales"]
    return found
