"""Grades: what staff set, and what a distributor sees of their own."""

import marshmallow as ma

from app.core.fields import Fen, Flag, Id, Moment, Query, Schema, Text, WholeNumber
from distribution.team.conditions import MOST, OWN, SOLD
from distribution.team.grades import MOST_KEEP_DAYS, MOST_RANK
from distribution.team.states import GradeCause

CONDITIONS = (*OWN, *SOLD)


class ConditionsIn(Schema):
    """Thresholds; what is left out or null is not asked for. None counts people recruited."""

    is_every = Flag(
        load_default=True, metadata={"description": "true 须全部满足，false 满足任一项"}
    )
    own_orders = WholeNumber(minimum=1, maximum=MOST, load_default=None, allow_none=True)
    own_spend_fen = Fen(minimum=1, maximum=MOST, load_default=None, allow_none=True)
    level1_orders = WholeNumber(minimum=1, maximum=MOST, load_default=None, allow_none=True)
    level1_fen = Fen(minimum=1, maximum=MOST, load_default=None, allow_none=True)
    direct_customers = WholeNumber(
        minimum=1,
        maximum=MOST,
        load_default=None,
        allow_none=True,
        metadata={"description": "买过东西的直接客户数；不按发展人数计"},
    )


class GradeIn(Schema):
    name = Text(maximum=20, required=True)
    rank = WholeNumber(
        minimum=1, maximum=MOST_RANK, required=True, metadata={"description": "越大越高"}
    )
    conditions = ma.fields.Nested(ConditionsIn, load_default=dict)
    keep_days = WholeNumber(
        minimum=1,
        maximum=MOST_KEEP_DAYS,
        load_default=None,
        allow_none=True,
        metadata={"description": "只看最近若干天，并每隔若干天复核；null 为终身累计、不降级"},
    )


class GradesQuery(Query):
    with_archived = Flag(load_default=False)


class GivenGrade(Schema):
    grade_id = Id(required=True, allow_none=True, metadata={"description": "null 为取消等级"})
    is_locked = Flag(load_default=False, metadata={"description": "锁定后不再自动升降"})
    reason = Text(maximum=200, required=True)


class ConditionsOut(ma.Schema):
    is_every = ma.fields.Boolean(required=True)
    own_orders = WholeNumber(required=True, allow_none=True)
    own_spend_fen = Fen(required=True, allow_none=True)
    level1_orders = WholeNumber(required=True, allow_none=True)
    level1_fen = Fen(required=True, allow_none=True)
    direct_customers = WholeNumber(required=True, allow_none=True)


class GradeOut(ma.Schema):
    id = Id(required=True)
    name = ma.fields.String(required=True)
    rank = WholeNumber(required=True)
    conditions = ma.fields.Nested(ConditionsOut, required=True)
    keep_days = WholeNumber(required=True, allow_none=True)
    is_archived = ma.fields.Boolean(required=True)
    text = ma.fields.String(required=True, metadata={"description": "升级条件"})
    compliance_note = ma.fields.String(required=True)


class GradesOut(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(GradeOut), required=True)


class GapOut(ma.Schema):
    text = ma.fields.String(required=True)
    needed = WholeNumber(required=True, metadata={"description": "金额为分，其余为个数"})
    reached = WholeNumber(required=True)
    is_met = ma.fields.Boolean(required=True)


class NamedGradeOut(ma.Schema):
    id = Id(required=True)
    name = ma.fields.String(required=True)
    rank = WholeNumber(required=True)


class NextGradeOut(NamedGradeOut):
    text = ma.fields.String(required=True, metadata={"description": "升级条件"})
    is_every = ma.fields.Boolean(required=True)
    keep_days = WholeNumber(required=True, allow_none=True)
    needs = ma.fields.List(ma.fields.Nested(GapOut), required=True)


class GradeChangeOut(ma.Schema):
    from_grade = ma.fields.String(required=True, allow_none=True)
    grade = ma.fields.String(required=True, allow_none=True)
    cause = ma.fields.Enum(GradeCause, by_value=True, required=True)
    text = ma.fields.String(required=True)
    changed_at = Moment(required=True)


class MyGradeOut(ma.Schema):
    grade = ma.fields.Nested(NamedGradeOut, required=True, allow_none=True)
    graded_at = Moment(required=True, allow_none=True)
    review_at = Moment(required=True, allow_none=True, metadata={"description": "下次复核"})
    is_locked = ma.fields.Boolean(required=True)
    next = ma.fields.Nested(NextGradeOut, required=True, allow_none=True)
    history = ma.fields.List(ma.fields.Nested(GradeChangeOut), required=True)


class StaffGradeChangeOut(GradeChangeOut):
    is_locked = ma.fields.Boolean(required=True)
    reason = ma.fields.String(required=True, allow_none=True)
    facts = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.Integer(),
        required=True,
        allow_none=True,
        metadata={"description": "当时的业绩"},
    )
    actor = ma.fields.String(required=True)
