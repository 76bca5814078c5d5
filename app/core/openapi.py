"""The API reference: OpenAPI 3.1 made from the schemas, and a page that needs no network."""

import json
from pathlib import Path
from typing import Any

import marshmallow as ma
import swagger_ui
from flask import Blueprint, Flask, Response, send_from_directory
from flask_smorest import Api
from werkzeug.routing import BaseConverter

from app.core.fields import Alternatives

UI_FILES = Path(swagger_ui.__file__).parent / "static"

PAGE = """<!doctype html>
<html lang="zh-CN">
<meta charset="utf-8">
<title>私域商城 API</title>
<link rel="stylesheet" href="ui/swagger-ui.css">
<div id="reference"></div>
<script src="ui/swagger-ui-bundle.js"></script>
<script>
SwaggerUIBundle({url: "openapi.json", dom_id: "#reference", docExpansion: "none",
  persistAuthorization: true, displayRequestDuration: true, filter: true});
</script>
</html>
"""


class _Api(Api):  # type: ignore[misc]  # flask-smorest is untyped.
    """smorest's, without the failures, pages and etags of its own: only ours are documented."""

    chapters: tuple[tuple[str, str], ...] = ()
    """The tags of the reference in reading order: a name and what it is about."""

    # A `default` answer would make every undocumented one look documented.
    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_error_handlers(self) -> None:
        """Leave failures to `app.core.errors`: smorest would answer in another shape."""

    def _register_responses(self) -> None:
        """Leave them to `app.core.http`, which documents each route's own."""

    def _register_etag_headers(self) -> None:
        """No answer carries one."""

    def _register_pagination_header(self) -> None:
        """Pages carry their cursor in the body."""


def init_app(app: Flask) -> Api:
    """Serve `/docs/openapi.json` and its page at `/docs/`."""
    app.config.update(
        API_TITLE="Siyu Mall 私域商城",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX=None,
    )
    api = _Api(app, spec_kwargs={"info": {"description": DESCRIPTION}})
    for name, description in SECURITY.items():
        api.spec.components.security_scheme(
            name, {"type": "http", "scheme": "bearer", "description": description}
        )
    api.register_converter(app.url_map.converters["string"], _word)
    api.ma_plugin.converter.add_attribute_function(_alternatives)
    app.register_blueprint(_pages(api))
    return api


def _word(converter: BaseConverter) -> dict[str, str]:
    return {"type": "string", "pattern": f"^{converter.regex}$"}


def _alternatives(converter: Any, field: ma.fields.Field[Any], **_ret: Any) -> dict[str, Any]:
    """Say of an object of several possible schemas which they are."""
    if not isinstance(field, Alternatives):
        return {}
    return {"anyOf": [converter.resolve_nested_schema(each) for each in field.schemas.values()]}


def document(api: Api) -> str:
    """The OpenAPI document as stable, readable JSON."""
    written = api.spec.to_dict()
    # smorest would list the audiences, behind which nothing is filed.
    written["tags"] = [{"name": name, "description": about} for name, about in api.chapters]
    return json.dumps(written, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


SECURITY = {
    "shopper_token": "POST /api/v1/sessions 返回的 token",
    "staff_token": "POST /admin/v1/sessions 返回的 token",
}

DESCRIPTION = (
    "Amounts are integers in fen (`*_fen`), rates are basis points (`*_bp`), moments are RFC 3339. "
    "Every failure is an RFC 9457 problem document with a stable `code`."
)


def _pages(api: Api) -> Blueprint:
    pages = Blueprint("docs", __name__, url_prefix="/docs")
    rendered: list[str] = []

    @pages.get("/")
    def page() -> Response:
        return Response(PAGE, content_type="text/html; charset=utf-8")

    @pages.get("/openapi.json")
    def openapi_json() -> Response:
        if not rendered:
            rendered.append(document(api))
        return Response(rendered[0], content_type="application/json")

    @pages.get("/ui/<name>")
    def ui_file(name: str) -> Response:
        return send_from_directory(UI_FILES, name)

    return pages
