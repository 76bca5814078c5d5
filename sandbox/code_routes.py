"""
Mini-program codes over HTTP, and the pages a mini-program has released in the control API.
"""

from __future__ import annotations

from flask import Blueprint

from sandbox import codes
from sandbox.codes import Codes
from sandbox.control import given, guarded, optional_text
from sandbox.errors import ControlRefusal
from sandbox.exchange import Answer, call
from sandbox.mini_routes import MiniGate, json_object
from sandbox.world import Merchant, World

api = Blueprint("codes", __name__)
control = Blueprint("control_codes", __name__, url_prefix="/control/mini")
blueprints = (api, control)


@api.post("/wxa/getwxacodeunlimit")
@call(MiniGate(), "wxacode")
def get_unlimited(world: World, merchant: Merchant) -> Answer:
    """Draw a code for a scene and a page: the bytes of a PNG, or an error in JSON."""
    store = world.store(Codes)
    store.count_call(merchant)
    values = json_object()
    code = codes.read(merchant, values)
    store.check_page(merchant, code.page, is_checked=values.get("check_path", True))
    return Answer(picture=codes.picture(code))


@control.post("/pages")
@guarded
def release_pages(world: World) -> dict[str, object]:
    """Say which pages are released: {mchid?, pages: [...]}; null: all of them."""
    values = given()
    merchant = world.merchant_of(optional_text(values, "mchid"))
    pages = values.get("pages", "")
    released = world.store(Codes).released
    if pages is None:
        released.pop(merchant.appid, None)
    elif isinstance(pages, list) and all(isinstance(page, str) for page in pages):
        released[merchant.appid] = set(pages)
    else:
        raise ControlRefusal(422, "pages must be a list of texts, or null")
    return {"appid": merchant.appid, "pages": pages}
