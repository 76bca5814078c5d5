"""How a person is recognised without being readable: one keyed hash per kind of identity."""

from collections.abc import Iterator

from app.core import crypto
from app.members.models import IdentityKind, Member


def hash_of(kind: IdentityKind, value: str) -> str:
    """The keyed hash of an identity; the kind is part of it, so kinds never collide."""
    return crypto.lookup_hash(f"{kind}:{value}")


def phone_hash(country_code: str, number: str) -> str:
    """The keyed hash of a phone number with its country code."""
    return hash_of(IdentityKind.PHONE, f"{country_code}:{number}")


def hashes_of(member: Member) -> Iterator[tuple[IdentityKind, str]]:
    """Every identity an active member has, hashed."""
    yield IdentityKind.OPENID, hash_of(IdentityKind.OPENID, member.openid)
    if member.unionid:
        yield IdentityKind.UNIONID, hash_of(IdentityKind.UNIONID, member.unionid)
    if member.phone_hash:
        yield IdentityKind.PHONE, member.phone_hash


def keys_of(member: Member) -> list[str]:
    """The hashes of an active member, as the engines know a person: opaque, and for ever."""
    return [hashed for _, hashed in hashes_of(member)]
