"""The shop: its HTTP API, its background work, and everything a shop is, one folder per noun."""

from typing import Any

from flask import Flask, Request
from flask.json.provider import DefaultJSONProvider
from flask.sessions import NullSession, SecureCookieSession, SessionInterface
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import IntegerConverter, UnicodeConverter

from app import settings as settings_module

BODY_MAX = 1024 * 1024


class _Number(IntegerConverter):
    """An integer in a path that fits a BIGINT; a longer one is simply not found."""

    # By its digits: for a value the converter refuses, another method's rule would answer 405.
    regex = r"[0-9]{1,18}"

    def __init__(self, map: object, *args: int, **kwargs: int) -> None:  # Werkzeug's name.
        super().__init__(map, *args, **{"max": 10**18 - 1, **kwargs})  # type: ignore[arg-type]


class _Word(UnicodeConverter):
    """A path segment of visible ASCII: every number of ours is."""

    def __init__(self, map: object, *args: int, **kwargs: int) -> None:
        super().__init__(map, *args, **kwargs)  # type: ignore[arg-type]  # Werkzeug's own arguments.
        self.regex = r"[A-Za-z0-9_.-]{1,64}"


class _NoSessions(SessionInterface):
    """No cookies: who calls is said by a token, so there is no session to open or save."""

    def open_session(self, _app: Flask, _request: Request) -> SecureCookieSession:
        return NullSession()

    def save_session(self, *_: object) -> None:
        pass


class _Json(DefaultJSONProvider):
    ensure_ascii = False
    sort_keys = False
    compact = True

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Refuse nesting that exhausts the interpreter as what it is, unreadable JSON."""
        try:
            return super().loads(s, **kwargs)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error


def create_app(settings: settings_module.Settings) -> Flask:
    """Build the mall for `settings`: importing has no effect, this joins everything."""
    from app import api, commands, jobs
    from app.core import db, errors, health, logs, metrics, pages, redis
    from app.flash_sales import extension as flash_sales
    from app.marketing import snapshot
    from app.wechat import extension as wechat

    app = Flask(__name__, static_folder=None)
    app.json = _Json(app)
    app.session_interface = _NoSessions()
    app.url_map.merge_slashes = False  # `/orders//pay` names no order: not found, not moved.
    app.url_map.converters.update({"int": _Number, "string": _Word, "default": _Word})
    app.config.update(
        SETTINGS=settings,
        SECRET_KEY=settings.secret_key,
        TESTING=settings.testing,
        MAX_CONTENT_LENGTH=BODY_MAX,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=_engine_options(settings),
    )
    if proxies := settings.trusted_proxies:
        # Only who calls, for limits and the audit log: nothing of ours is built from the host.
        fixed = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=0)
        app.wsgi_app = fixed  # type: ignore[method-assign]  # As Flask documents.
    logs.configure(settings.log_level)
    db.init_app(app)
    redis.init_app(app, settings.redis_url)
    pages.init_app(app, settings.page_cache_seconds)
    snapshot.init_app(app)
    flash_sales.init_app(app)
    wechat.init_app(app, settings.wechat)
    errors.init_app(app)
    logs.init_app(app)
    metrics.init_app(app)
    health.init_app(app)
    api.init_app(app)
    jobs.load()
    commands.init_app(app)
    return app


def _engine_options(settings: settings_module.Settings) -> dict[str, object]:
    return {
        # The values of a statement that fails are personal data; a log is no place for them.
        "hide_parameters": True,
        "pool_size": settings.pool_size,
        # In a race of the tests every thread wants a connection, but only while it lasts.
        "max_overflow": 60 if settings.testing else 2,
        "pool_timeout": 5,
    }
