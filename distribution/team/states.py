"""Where a distributor stands, the ways of becoming one, and the words of binding and grades."""

from enum import StrEnum


class Joining(StrEnum):
    """How a member becomes a distributor. No way costs money."""

    EVERYONE = "everyone"
    """Every member, from the first sign-in at which they declare to be of age."""
    OPEN = "open"
    """Whoever applies is a distributor at once."""
    APPROVAL = "approval"
    """Staff approve each application."""
    SPENDING = "spending"
    """Who applies begins once they have spent enough, in one order or in all."""
    GOODS = "goods"
    """Who applies begins once they have bought one of the chosen products."""
    APPOINTED = "appointed"
    """Staff appoint; nobody applies."""


class DistributorStatus(StrEnum):
    """Whether a distributor earns and may be bound to."""

    INVITED = "invited"
    """Appointed by staff; begins with the member's own declaration. Earns nothing."""
    QUALIFYING = "qualifying"
    """Applied; begins by itself once the shop's conditions are met. Earns nothing."""
    PENDING = "pending"
    """Applied; staff have not approved yet. Earns nothing."""
    ACTIVE = "active"
    """Earns, and new members may be bound to them."""
    FROZEN = "frozen"
    """Stopped by staff: earns nothing new, keeps what was earned."""
    REFUSED = "refused"
    """Staff refused the application, with a reason; may apply again. Earns nothing."""
    LEFT = "left"
    """Went of their own accord, or closed the account."""


DISTRIBUTOR_TRANSITIONS = {
    DistributorStatus.INVITED: {DistributorStatus.ACTIVE, DistributorStatus.LEFT},
    DistributorStatus.QUALIFYING: {
        DistributorStatus.PENDING,
        DistributorStatus.ACTIVE,
        DistributorStatus.REFUSED,
        DistributorStatus.LEFT,
    },
    DistributorStatus.PENDING: {
        DistributorStatus.ACTIVE,
        DistributorStatus.REFUSED,
        DistributorStatus.LEFT,
    },
    DistributorStatus.ACTIVE: {DistributorStatus.FROZEN, DistributorStatus.LEFT},
    DistributorStatus.FROZEN: {DistributorStatus.ACTIVE, DistributorStatus.LEFT},
    DistributorStatus.REFUSED: {
        DistributorStatus.INVITED,
        DistributorStatus.PENDING,
        DistributorStatus.LEFT,
    },
    DistributorStatus.LEFT: {DistributorStatus.INVITED, DistributorStatus.PENDING},
}


class BindingMode(StrEnum):
    """For how long a binding stands, and against whom."""

    PERMANENT = "permanent"
    """The first touch counts, for good."""
    PROTECTED = "protected"
    """The first touch counts for some days, more with each order; then anybody may take over."""
    LAST_TOUCH = "last_touch"
    """The latest touch counts: whoever brought the member last."""


class Bindable(StrEnum):
    """Who may be bound by a touch. Staff may bind anybody."""

    EVERYONE = "everyone"
    NEVER_PAID = "never_paid"
    """Only who has never paid an order."""
    JUST_REGISTERED = "just_registered"
    """Only who registered some minutes ago at most."""


class OnLeaving(StrEnum):
    """What becomes of the team of a distributor who left."""

    KEEP = "keep"
    """It stays theirs: they earn nothing, with the reason on record, and so does nobody else."""
    RELEASE = "release"
    """Its people are unbound, and anybody may bind them anew."""


class BindingKind(StrEnum):
    """What a row of the binding log says happened."""

    BIND = "bind"
    EXTEND = "extend"
    """An order of the member prolonged the protection."""
    REBIND = "rebind"
    """Somebody else, or the same one anew, instead of whom it was."""
    UNBIND = "unbind"


class Source(StrEnum):
    """What bound a member, prolonged it, or ended it."""

    LINK = "link"
    """A share card or a link."""
    CODE = "code"
    """A mini-program code, by its scene."""
    INVITE_CODE = "invite_code"
    """Typed."""
    POSTER = "poster"
    COUPON = "coupon"
    CHANNEL = "channel"
    STAFF = "staff"
    ORDER = "order"
    LEAVING = "leaving"
    """The upline had left."""


TOUCHES = (
    Source.LINK, Source.CODE, Source.INVITE_CODE, Source.POSTER, Source.COUPON, Source.CHANNEL,
)  # fmt: skip
"""The sources a click may have."""


class GradeCause(StrEnum):
    """Why a distributor was given a grade, or lost one."""

    EARNED = "earned"
    """The conditions were met."""
    REVIEW = "review"
    """They were not met again within the days of the grade."""
    STAFF = "staff"
    """Given by hand, with a reason."""
    ARCHIVED = "archived"
    """The grade was abolished."""
