"""Which goods a promotion is about."""

import pytest

from promotions.pricing import NOTHING, EmptyScope, Scope, Targets
from promotions.pricing.money import NotWhole
from tests.builders.promotions import make_line

CUP = make_line(1, sku_id=11, spu_id=21, category_path=(1, 2, 3), tags=frozenset({"新品"}))


@pytest.mark.parametrize(
    ("targets", "covers"),
    [
        (Targets(sku_ids=frozenset({11})), True),
        (Targets(sku_ids=frozenset({1})), False),
        (Targets(spu_ids=frozenset({21})), True),
        (Targets(spu_ids=frozenset({11})), False),
        (Targets(category_ids=frozenset({1})), True),
        (Targets(category_ids=frozenset({2})), True),
        (Targets(category_ids=frozenset({23})), False),
        (Targets(tags=frozenset({"新品"})), True),
        (Targets(tags=frozenset({"新"})), False),
        (NOTHING, False),
    ],
)
def test_goods_are_named_by_sku_spu_category_subtree_or_tag(targets, covers):
    assert targets.covers(CUP) is covers
    if targets:
        assert Scope(include=targets).covers(CUP) is covers
    assert Scope(exclude=targets).covers(CUP) is not covers


def test_category_1_is_not_category_12():
    # A scope kept as text and searched with "contains" takes 12 for 1.
    scope = Scope(include=Targets(category_ids=frozenset({1})))

    assert not scope.covers(make_line(1, category_path=(12, 21)))


def test_an_exclusion_wins_over_an_inclusion():
    scope = Scope(
        include=Targets(category_ids=frozenset({1})), exclude=Targets(sku_ids=frozenset({11}))
    )

    assert not scope.covers(CUP)
    assert scope.covers(make_line(2, category_path=(1,)))


@pytest.mark.parametrize(
    "exclude", [NOTHING, Targets(sku_ids=frozenset({1})), Targets(sku_ids=frozenset({1, 2}))]
)
def test_a_scope_that_names_nothing_is_refused(exclude):
    with pytest.raises(EmptyScope):
        Scope(include=Targets(sku_ids=exclude.sku_ids & {1}), exclude=exclude)


@pytest.mark.parametrize("field", ["category_ids", "spu_ids", "sku_ids"])
def test_targets_are_ints(field):
    with pytest.raises(NotWhole):
        Targets(**{field: frozenset({"1"})})


def test_a_scope_is_filed_under_what_it_names():
    targets = Targets(
        category_ids=frozenset({3}),
        spu_ids=frozenset({2}),
        sku_ids=frozenset({4, 1}),
        tags=frozenset({"新品"}),
    )

    assert list(Scope().index_keys()) == [("all", 0)]
    assert list(Scope(include=targets).index_keys()) == [
        ("category", 3),
        ("spu", 2),
        ("sku", 1),
        ("sku", 4),
        ("tag", "新品"),
    ]
