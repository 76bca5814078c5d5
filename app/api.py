"""The table of contents of the HTTP API: audience, prefix, guard, and the blueprints behind it."""

from collections.abc import Iterator
from typing import NamedTuple

from flask import Flask

from app.accounting import admin as accounting_admin
from app.aftersales import admin as aftersales_admin
from app.aftersales import routes as aftersales
from app.bulk_buys import admin as bulk_buys_admin
from app.bulk_buys import routes as bulk_buys
from app.carts import routes as carts
from app.catalogue import admin as catalogue_admin
from app.core import auth, openapi
from app.core.auth import Audience
from app.core.http import Blueprint, refuse_unknown_query
from app.coupons import admin as coupons_admin
from app.coupons import routes as coupons
from app.distributors import (
    adjustments_admin,
    grades_admin,
    joining_admin,
    joining_routes,
    rates_admin,
    tree_admin,
)
from app.distributors import admin as distributors_admin
from app.distributors import routes as distributors
from app.distributors.binding import admin as binding_admin
from app.distributors.binding import routes as binding
from app.flash_sales import board_admin as flash_board
from app.flash_sales import buying_routes as flash_sale_orders
from app.flash_sales import pages_routes as flash_pages
from app.group_buys import admin as group_buys_admin
from app.group_buys import routes as group_buys
from app.marketing import admin as marketing_admin
from app.marketing import explaining_admin
from app.materials import routes as materials
from app.members import routes as members
from app.notices import admin as notices_admin
from app.notices import routes as notices
from app.orders import admin as orders_admin
from app.orders import parcels_admin
from app.orders import routes as orders
from app.packs import admin as packs_admin
from app.packs import routes as packs
from app.payments import admin as payments_admin
from app.payments import deciding_admin
from app.payments import routes as payments
from app.payments import webhooks as payments_webhooks
from app.pushes import webhooks as pushes_webhooks
from app.reconciliation import admin as reconciliation_admin
from app.reports import admin as reports_admin
from app.shipping import admin as shipping_admin
from app.shop import admin as shop_admin
from app.staff import admin as staff
from app.staff import audit, roles
from app.storefront import routes as storefront
from app.withdrawals import admin as withdrawals_admin
from app.withdrawals import routes as withdrawals


class Group(NamedTuple):
    """One audience and what it may call."""

    audience: Audience
    prefix: str
    blueprints: tuple[Blueprint, ...]


def groups() -> tuple[Group, ...]:
    """Every endpoint of the mall is in one of these groups; a guard test walks the URL map."""
    return (
        Group(
            Audience.PUBLIC,
            "/api/v1",
            (
                members.sign_in_bp,
                storefront.bp,
                flash_pages.bp,
                bulk_buys.public_bp,
                binding.visits_bp,
                materials.public_bp,
                group_buys.bp,
            ),
        ),
        Group(
            Audience.SHOPPER,
            "/api/v1",
            (
                members.bp,
                packs.bp,
                packs.points_bp,
                carts.bp,
                orders.bp,
                flash_sale_orders.bp,
                payments.bp,
                aftersales.bp,
                group_buys.own_bp,
                distributors.bp,
                withdrawals.bp,
                binding.bp,
                joining_routes.bp,
                coupons.bp,
                materials.bp,
                storefront.own_bp,
                bulk_buys.bp,
                flash_pages.own_bp,
                notices.bp,
            ),
        ),
        Group(Audience.PUBLIC, "/admin/v1", (staff.sign_in_bp,)),
        Group(
            Audience.STAFF,
            "/admin/v1",
            _for_staff(),
        ),
        Group(Audience.WECHAT, "/webhooks/wechat", (payments_webhooks.bp, pushes_webhooks.bp)),
    )


def _for_staff() -> tuple[Blueprint, ...]:
    return (
        staff.bp,
        shop_admin.bp,
        catalogue_admin.bp,
        marketing_admin.bp,
        explaining_admin.bp,
        packs_admin.bp,
        coupons_admin.bp,
        flash_board.bp,
        orders_admin.bp,
        parcels_admin.bp,
        shipping_admin.bp,
        payments_admin.bp,
        deciding_admin.bp,
        aftersales_admin.bp,
        group_buys_admin.bp,
        distributors_admin.bp,
        withdrawals_admin.bp,
        adjustments_admin.bp,
        binding_admin.bp,
        tree_admin.bp,
        joining_admin.bp,
        rates_admin.bp,
        grades_admin.bp,
        reports_admin.bp,
        accounting_admin.bp,
        reconciliation_admin.bp,
        bulk_buys_admin.bp,
        notices_admin.bp,
    )


def init_app(app: Flask) -> None:
    """Register every group behind its guard and serve the API reference."""
    api = openapi.init_app(app)
    for parent, prefix in _parents():
        api.register_blueprint(parent, url_prefix=prefix)
    api.chapters = tuple(
        (blueprint.name, blueprint.description or "")
        for group in groups()
        for blueprint in group.blueprints
    )


def _parents() -> Iterator[tuple[Blueprint, str]]:
    # A fresh parent per application: Flask refuses new guards on a blueprint once registered.
    for group in groups():
        side = "admin" if group.prefix.startswith("/admin") else "mall"
        parent = Blueprint(f"{side}_{group.audience}", __name__)
        parent.before_request(auth.guard(group.audience))
        if group.audience is Audience.STAFF:
            audit.watch(parent)
            roles.watch(parent)  # After the log: what an analyst tried is on record.
            parent.guarded_writes = (403,)
        if group.audience is not Audience.WECHAT:
            parent.before_request(refuse_unknown_query)
            parent.guarded = (422,)
        if group.audience in {Audience.SHOPPER, Audience.STAFF}:
            parent.guarded, parent.security = (401, 422), f"{group.audience}_token"
        for blueprint in group.blueprints:
            parent.register_blueprint(blueprint)
        yield parent, group.prefix
