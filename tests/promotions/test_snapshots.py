"""Snapshots loaded one after another: only what is new is read and compiled again."""

from dataclasses import replace
from datetime import timedelta

import pytest

from promotions import campaigns, snapshots
from promotions.definitions import Campaign, Unreadable
from tests.builders.promotions import NOON, STAFF, make_campaign, make_promotion, make_published

DAY = timedelta(days=1)


@pytest.fixture
def compiled(monkeypatch):
    """The titles of the campaigns compiled since the last `clear()`."""
    titles = []
    compile_ = Campaign.compiled

    def noted(self, promotion_id):
        titles.append(self.title)
        return compile_(self, promotion_id)

    monkeypatch.setattr(Campaign, "compiled", noted)
    return titles


def ids(snapshot):
    return set(snapshot.promotions)


def test_a_loader_compiles_each_version_of_a_campaign_once(session, compiled):
    make_published(session, title="一")
    loader = snapshots.Loader()
    first = loader.load(session, now=NOON)
    second = make_published(session, title="二")
    compiled.clear()

    both = loader.load(session, now=NOON)

    assert compiled == ["二"]
    assert ids(both) == ids(first) | {second.id}
    assert all(both.promotions[known] is first.promotions[known] for known in ids(first))


def test_what_it_kept_is_what_it_would_load_anew(session):
    paused, running, ended = (make_published(session) for _ in range(3))
    loader = snapshots.Loader()
    loader.load(session, now=NOON)
    campaigns.pause(session, promotion_id=paused.id, staff_id=STAFF, now=NOON)
    campaigns.end(session, promotion_id=ended.id, staff_id=STAFF, now=NOON)
    make_published(session, max_uses=3)

    again, anew = loader.load(session, now=NOON), snapshots.load(session, now=NOON)

    assert (again.version, again.promotions) == (anew.version, anew.promotions)
    assert running.id in ids(again)
    assert {paused.id, ended.id}.isdisjoint(ids(again))


def test_a_campaign_resumed_after_a_pause_is_back(session):
    promotion = make_published(session)
    loader = snapshots.Loader()
    seen = []
    for move in (None, campaigns.pause, campaigns.resume):
        if move:
            move(session, promotion_id=promotion.id, staff_id=STAFF, now=NOON)
        seen.append(ids(loader.load(session, now=NOON)))

    assert seen == [{promotion.id}, set(), {promotion.id}]


STRANGE = {
    "a kind": {"kind": "lottery"},
    "a term": {"definition": {"terms": {"tiers": [{"threshold": 1, "off_stars": 5}]}}},
    "a manner": {"definition": {"group_mode": "second_best"}},
    "a field": {"definition": {"colour": "red"}},
}


@pytest.mark.parametrize("unknown", STRANGE)
def test_what_a_newer_release_has_written_is_left_out_and_nothing_else(session, unknown):
    running, strange = make_published(session), make_published(session)
    loader = snapshots.Loader()
    assert ids(loader.load(session, now=NOON)) == {running.id, strange.id}
    assert loader.unreadable == {}
    known = {"kind": strange.kind, "definition": strange.definition}
    more = STRANGE[unknown]
    strange.kind = more.get("kind", strange.kind)
    strange.definition = strange.definition | more.get("definition", {})
    strange.version += 1
    session.flush()

    assert ids(loader.load(session, now=NOON)) == {running.id}
    ((left_out, skipped),) = loader.unreadable.items()
    assert (left_out, skipped.version) == (strange.id, strange.version)
    assert skipped.why.startswith(f"a {strange.kind}: ")
    strange.group_name = "g"
    session.flush()
    of_its_group = replace(make_promotion(), group="g", lane=running.lane)
    with pytest.raises(Unreadable):
        snapshots.grouped_with(session, of_its_group, now=NOON)

    strange.kind, strange.definition = known["kind"], known["definition"]
    session.flush()
    assert ids(loader.load(session, now=NOON)) == {running.id, strange.id}
    assert loader.unreadable == {}


def test_drafts_and_what_is_over_are_left_out(session):
    campaigns.create(session, campaign=make_campaign(), staff_id=STAFF, now=NOON)
    make_published(session, ends_at=NOON + DAY)
    loader = snapshots.Loader()

    assert len(loader.load(session, now=NOON).promotions) == 1
    assert loader.load(session, now=NOON + DAY).promotions == {}


def test_the_group_of_a_promotion_is_what_is_published_in_it_and_its_lane(session):
    mine = make_published(session, group="g")
    make_published(session, group="g", ends_at=NOON + DAY)
    make_published(session, group="other")
    make_published(session)
    make_published(session, group="g", kind="limited_time", terms={"off_bp": 100})
    paused = make_published(session, group="g")
    campaigns.pause(session, promotion_id=paused.id, staff_id=STAFF, now=NOON)
    one = snapshots.load(session, now=NOON).promotions[mine.id]

    found = snapshots.grouped_with(session, one, now=NOON + DAY)

    assert [each.promotion_id for each in found] == [mine.id]
    assert snapshots.grouped_with(session, make_promotion(), now=NOON) == []
