"""Passwords: argon2id, and the same time for a name that exists and one that does not."""

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

_HASHER = PasswordHasher()

NOBODYS = (
    "$argon2id$v=19$m=65536,t=3,p=4$n3ERhtZ4+c9Hw4uX3BcYHA"
    "$QR32EiB6vd2waK5Qb8UWtYgblshMcuvoCMzftVthCp0"
)
"""A hash of a forgotten password with today's cost: what an unknown username is checked against."""


def hashed(password: str) -> str:
    """The argon2id hash of a password, with its own salt and cost in it."""
    return _HASHER.hash(password)


def matches(password_hash: str | None, password: str) -> bool:
    """Whether the password is right; None takes as long as a wrong one and never matches."""
    try:
        _HASHER.verify(password_hash or NOBODYS, password)
    except VerifyMismatchError:
        return False
    return password_hash is not None


def is_outdated(password_hash: str) -> bool:
    """Whether the hash was made at another cost than today's."""
    return _HASHER.check_needs_rehash(password_hash)
