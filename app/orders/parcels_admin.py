"""What staff do with parcels: bring them, put their numbers right, ship by file."""

from typing import Any

from flask import g
from sqlalchemy.orm import Session

from app.core import clock
from app.core.db import read, transaction
from app.core.http import Blueprint
from app.orders import batches, express, leaving, parcel_schemas, parcels, queries, schemas
from app.orders.batches import BadFile, RowOutcome
from app.orders.leaving import Carrier
from app.orders.models import Order
from app.orders.parcels import ShipmentNotFound, ShipmentNotTracked, TrackingTaken
from app.orders.queries import OrderNotFound
from app.orders.service import OrderStateForbids

bp = Blueprint("parcels_admin", __name__, description="发货")


@bp.get("/express-companies")
@bp.returns(parcel_schemas.ExpressCompaniesOut)
def list_express_companies() -> dict[str, Any]:
    """List the express companies by WeChat's codes, which files to ship by may name."""
    return {"items": [{"code": code, "name": name} for code, name in express.COMPANIES.items()]}


@bp.post("/orders/<order_no>/deliver")
@bp.accepts(parcel_schemas.CourierDelivery)
@bp.idempotent()
@bp.returns(schemas.StaffOrderDetailOut)
@bp.fails(OrderNotFound, OrderStateForbids, *leaving.REFUSALS)
def deliver_order(session: Session, order_no: str, **parcel: Any) -> Order:
    """Let somebody of the shop bring all that is still to leave, or only these pieces."""
    parcels.deliver(session, order_no=order_no, now=clock.now(), **parcel)
    return queries.get(session, order_no=order_no)


@bp.put("/orders/<order_no>/shipments/<int:shipment_id>")
@bp.accepts(parcel_schemas.Correction)
@bp.returns(schemas.StaffOrderDetailOut)
@bp.fails(OrderNotFound, ShipmentNotFound, ShipmentNotTracked, TrackingTaken)
def correct_shipment(
    order_no: str,
    shipment_id: int,
    company_code: str,
    company_name: str,
    tracking_no: str,
    reason: str,
) -> Order:
    """Put the number of a parcel right; what was wrong is kept, with who and why."""
    with transaction() as session:
        parcels.correct(
            session,
            order_no=order_no,
            shipment_id=shipment_id,
            right=Carrier(company_code, company_name, tracking_no),
            staff_id=g.staff_id,
            reason=reason,
            now=clock.now(),
        )
        return queries.get(session, order_no=order_no)


@bp.get("/orders/<order_no>/shipments/<int:shipment_id>/corrections")
@bp.returns(parcel_schemas.CorrectionsOut)
@bp.fails(OrderNotFound, ShipmentNotFound)
def list_corrections(order_no: str, shipment_id: int) -> dict[str, Any]:
    """List what was wrong with the number of a parcel, the oldest first."""
    found = parcels.corrections(read(), order_no=order_no, shipment_id=shipment_id)
    return {"items": found}


@bp.post("/shipments/batches")
@bp.accepts(parcel_schemas.ShippingFile)
@bp.returns(parcel_schemas.BatchOut)
@bp.fails(BadFile)
def ship_by_file(content: str) -> dict[str, Any]:
    """Ship by a CSV file, at most 1,000 rows; each parcel succeeds or fails alone."""
    rows = batches.read(content)
    batches.ship(rows, opened=transaction, now=clock.now())
    counted = {each.value: sum(row.outcome == each for row in rows) for each in RowOutcome}
    return {**counted, "rows": rows, "report": "".join(batches.report(rows))}
