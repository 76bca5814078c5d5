"""Prometheus figures. With `PROMETHEUS_MULTIPROC_DIR` set they are summed over all processes."""

from flask import Flask, Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    values,
)
from prometheus_client.multiprocess import MultiProcessCollector

requests = Histogram(
    "siyu_request_seconds", "Time to answer, by route and status.", ["method", "route", "status"]
)
jobs = Counter("siyu_jobs_total", "Background jobs run, by task and outcome.", ["task", "outcome"])
orders = Counter("siyu_orders_total", "Orders, by what happened to them.", ["event"])
payments = Counter("siyu_payments_total", "Payment facts, by what became of them.", ["outcome"])
waiting = Gauge(
    "siyu_waiting_for_staff",
    "Facts about money set aside, and refunds that are stuck.",
    ["kind"],
    multiprocess_mode="mostrecent",
)
waiting_seconds = Gauge(
    "siyu_waiting_for_staff_seconds",
    "For how long the oldest of them has been waiting.",
    ["kind"],
    multiprocess_mode="mostrecent",
)
withdrawals = Counter("siyu_withdrawals_total", "Withdrawals, by what happened to them.", ["event"])
bill_breaks = Counter(
    "siyu_bill_breaks_total", "Differences between WeChat's bills and our books.", ["verdict"]
)
flash_sale_attempts = Counter(
    "siyu_flash_sale_attempts_total", "Attempts at flash sales, by the word of the gate.", ["word"]
)
team_seats = Counter(
    "siyu_team_seats_total", "Paid seats in teams of buyers, by what became of them.", ["outcome"]
)
notices = Counter(
    "siyu_notices_total", "Subscribe messages, by what became of them.", ["event", "outcome"]
)
stock_refusals = Counter("siyu_stock_refusals_total", "Orders refused for want of stock.")

campaigns_skipped = Counter(
    "siyu_campaigns_skipped_total", "Campaigns left out of prices: a newer release wrote them."
)


def init_app(app: Flask) -> None:
    """Serve the figures at `/metrics`."""
    app.add_url_rule("/metrics", "metrics", _answer)


def _answer() -> Response:
    return Response(generate_latest(_registry()), content_type=CONTENT_TYPE_LATEST)


def _registry() -> CollectorRegistry:
    if values.ValueClass.__name__ == "MutexValue":
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # The library leaves it untyped.
    return registry
