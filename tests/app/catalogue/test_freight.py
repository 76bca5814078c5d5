"""What shipping costs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalogue import freight
from app.catalogue.freight import Charge, FreightLine
from app.catalogue.models import ChargeBy
from tests.builders.catalogue import make_freight_template

WUHAN = "420106"


def line(template=None, *, quantity=1, weight_g=500, amount_fen=10_000):
    return FreightLine(template and template.id, quantity, weight_g, amount_fen)


def test_goods_without_a_template_ship_free(session):
    assert freight.freight_fen(session, region_code=WUHAN, parcels=[line(), line()]) == 0


def test_pieces_of_one_template_are_counted_together(session):
    template = make_freight_template(session)
    parcels = [line(template, quantity=2), line(template), line()]

    assert freight.freight_fen(session, region_code=WUHAN, parcels=parcels) == 800 + 2 * 200


def test_weight_is_charged_by_units_begun(session):
    rule = {"first_units": 1000, "first_fen": 1000, "next_units": 500, "next_fen": 300}
    template = make_freight_template(session, charge_by=ChargeBy.WEIGHT, rules=[rule])
    parcels = [line(template, quantity=3, weight_g=367)]

    assert freight.freight_fen(session, region_code=WUHAN, parcels=parcels) == 1000 + 300


def test_templates_are_summed(session):
    one, other = make_freight_template(session), make_freight_template(session)

    assert freight.freight_fen(session, region_code=WUHAN, parcels=[line(one), line(other)]) == 1600


@pytest.mark.parametrize(
    ("region_code", "fen"),
    [("420106", 100), ("420102", 200), ("421000", 300), ("110101", 400)],
)
def test_the_longest_region_prefix_wins(session, region_code, fen):
    template = make_freight_template(
        session,
        rules=[
            {"region_prefix": "", "first_fen": 400},
            {"region_prefix": "420106", "first_fen": 100},
            {"region_prefix": "42", "first_fen": 300},
            {"region_prefix": "4201", "first_fen": 200},
        ],
    )

    assert freight.freight_fen(session, region_code=region_code, parcels=[line(template)]) == fen


def test_free_from_the_stated_amount_on_and_not_a_fen_below(session):
    template = make_freight_template(session, rules=[{"free_over_fen": 9900}])

    for amount_fen, fen in ((9899, 800), (9900, 0)):
        parcels = [line(template, amount_fen=amount_fen)]
        assert freight.freight_fen(session, region_code=WUHAN, parcels=parcels) == fen


def test_a_region_excluded_or_without_a_rule_is_not_served(session):
    excluded = make_freight_template(
        session, rules=[{}, {"region_prefix": "65", "is_served": False}]
    )
    elsewhere = make_freight_template(session, rules=[{"region_prefix": "42"}])

    with pytest.raises(freight.RegionNotServed) as caught:
        freight.freight_fen(
            session, region_code="650102", parcels=[line(excluded), line(elsewhere), line()]
        )

    assert caught.value.members == {"template_ids": [excluded.id, elsewhere.id]}
    assert freight.freight_fen(session, region_code=WUHAN, parcels=[line(excluded)]) == 800


@given(
    units=st.integers(1, 500),
    first=st.integers(1, 50),
    step=st.integers(1, 50),
    first_fen=st.integers(0, 2000),
    next_fen=st.integers(0, 900),
)
def test_one_more_piece_never_ships_cheaper(units, first, step, first_fen, next_fen):
    charge = Charge(ChargeBy.PIECE, True, first, first_fen, step, next_fen, None)

    now, more = (freight.charge_fen(charge, [line(quantity=n)]) for n in (units, units + 1))

    assert first_fen <= now <= more <= now + next_fen
