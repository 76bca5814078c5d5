"""What staff see of what WeChat knows of parcels."""

import marshmallow as ma

from app.core.fields import Flag, Moment, Query, Text
from app.core.http import page_of
from app.shipping.models import UploadStatus

STATUSES = ma.validate.OneOf([*UploadStatus])


class UploadsQuery(Query):
    """Which uploads; those that wait for staff by default."""

    status = ma.fields.String(load_default=UploadStatus.REFUSED, validate=STATUSES)
    cursor = Text(maximum=200)


class ToShipQuery(Query):
    """Where the last page ended."""

    cursor = Text(maximum=200)


class UploadOut(ma.Schema):
    """What WeChat knows of an order's parcels."""

    order_no = ma.fields.String(required=True)
    status = ma.fields.String(attribute="upload.status", required=True, validate=STATUSES)
    attempts = ma.fields.Integer(attribute="upload.attempts", required=True)
    next_at = Moment(attribute="upload.next_at", required=True, allow_none=True)
    last_error = ma.fields.String(attribute="upload.last_error", required=True, allow_none=True)
    late_at = Moment(attribute="upload.late_at", required=True, allow_none=True)
    settled_at = Moment(attribute="upload.settled_at", required=True, allow_none=True)
    receipt_asked_at = Moment(attribute="upload.receipt_asked_at", required=True, allow_none=True)


class ToShipOut(ma.Schema):
    """A paid order of which something is still to leave."""

    order_no = ma.fields.String(required=True)
    paid_at = Moment(required=True)
    ship_by = Moment(required=True)
    is_late = Flag(required=True)
    reminded_at = Moment(required=True, allow_none=True)


UploadPage = page_of(UploadOut)
ToShipPage = page_of(ToShipOut)
