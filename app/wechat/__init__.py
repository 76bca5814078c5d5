"""
The only code that talks to WeChat: Pay v3 and the mini-program's server API.

Thin clients over the documented protocol. They know no table, no order and no test environment:
base URLs, keys and the clock are given to them. `clients()` returns the application's own.
"""

from app.wechat.extension import Clients, clients, init_app, template_of

__all__ = ["Clients", "clients", "init_app", "template_of"]
