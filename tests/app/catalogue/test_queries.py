"""What the catalogue tells other slices."""

from dataclasses import FrozenInstanceError

import pytest

from app.catalogue import queries
from app.catalogue.models import SpuStatus
from tests.builders.catalogue import (
    make_brand,
    make_category,
    make_freight_template,
    make_sku,
    make_spu,
)


def test_a_sku_is_told_with_all_that_pricing_needs(session):
    home = make_category(session, name="家居")
    cups = make_category(session, name="杯壶", parent=home)
    brand, template = make_brand(session), make_freight_template(session)
    spu = make_spu(
        session,
        title="保温杯",
        category=cups,
        brand=brand,
        freight_template=template,
        tags=["新品"],
    )
    sku = make_sku(session, spu=spu, price_fen=5900, spec_values=["红", "500ml"], weight_g=300)

    told = queries.skus_for_pricing(session, [sku.id])

    assert told == {
        sku.id: queries.SellableSku(
            sku_id=sku.id,
            spu_id=spu.id,
            category_path=(home.id, cups.id),
            brand_id=brand.id,
            tags=("新品",),
            title="保温杯",
            spec_text="红 / 500ml",
            image_url="https://img.example.com/cup.jpg",
            price_fen=5900,
            weight_g=300,
            available=10,
            is_on_sale=True,
            freight_template_id=template.id,
            cost_price_fen=None,
        )
    }
    with pytest.raises(FrozenInstanceError):
        told[sku.id].price_fen = 1


def test_skus_off_the_shelf_or_no_longer_offered_are_told_as_not_on_sale(session):
    off = make_sku(session, status=SpuStatus.OFF_SHELF)
    inactive = make_sku(session, is_active=False)

    told = queries.skus_for_pricing(session, [off.id, inactive.id])

    assert [each.is_on_sale for each in told.values()] == [False, False]


def test_unknown_skus_are_left_out(session):
    sku = make_sku(session)

    assert queries.skus_for_pricing(session, []) == {}
    assert list(queries.skus_for_pricing(session, [sku.id, sku.id + 10**6])) == [sku.id]
