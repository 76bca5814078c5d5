"""The figures Prometheus reads: of this process, or of all of them together."""

import os
import subprocess
import sys

from app.core import metrics


def test_requests_are_counted_by_route_and_status(client):
    client.get("/healthz")
    client.get("/nowhere")

    figures = client.get("/metrics")

    assert figures.content_type.startswith("text/plain")
    for line in (
        'siyu_request_seconds_count{method="GET",route="/healthz",status="200"}',
        'siyu_request_seconds_count{method="GET",route="(none)",status="404"}',
    ):
        assert line in figures.text


def test_what_happens_to_orders_payments_jobs_and_stock_has_a_figure(client):
    metrics.orders.labels("placed").inc()
    metrics.payments.labels("paid").inc()
    metrics.jobs.labels("x", "done").inc()

    text = client.get("/metrics").text

    for name in ("siyu_orders_total", "siyu_payments_total", "siyu_jobs_total"):
        assert f"{name}{{" in text
    assert "siyu_stock_refusals_total" in text


SUM = """
import os
from app.core import metrics
metrics.orders.labels("placed").inc(2)
if not os.fork():
    metrics.orders.labels("placed").inc(3)
    os._exit(0)
os.wait()
from flask import Flask
app = Flask("x")
metrics.init_app(app)
print(app.test_client().get("/metrics").text)
"""


def test_with_a_shared_folder_the_figures_of_all_processes_are_summed(tmp_path):
    shared = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}

    done = subprocess.run(
        [sys.executable, "-c", SUM], env=shared, capture_output=True, text=True, check=True
    )

    assert 'siyu_orders_total{event="placed"} 5.0' in done.stdout
