"""Users: who has a library of their own here, who may come in, and what the operator lets each of them take up."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase

from lib.errors import NotLetIn

GIGABYTE = 1_000_000_000


@dataclass(frozen=True, slots=True)
class User:
    """A person, as the identity provider names them. ``id`` is a hash, safe as the name of a folder and of a schema:
    it stays the same when the e-mail changes, and says nothing about anybody."""

    id: str
    name: str
    email: str

    def __post_init__(self) -> None:
        check_user_id(self.id)

    @classmethod
    def of_claims(cls, claims: Mapping[str, object]) -> User:
        """Who an ID token is about (OpenID Connect Core 1.0, section 2). Raises NotLetIn when it does not say."""
        issuer, subject = claims.get("iss"), claims.get("sub")
        if not (isinstance(issuer, str) and issuer and isinstance(subject, str) and subject):
            raise NotLetIn("The login did not say who you are.")
        # Some providers say it as text. One that says nothing of it, as those of companies, vouches for its people.
        is_verified = str(claims.get("email_verified", True)).lower() == "true"
        email = str(claims.get("email") or "").strip().lower() if is_verified else ""
        name = " ".join(str(claims.get("name") or claims.get("preferred_username") or email or "Signed in").split())
        return cls(hashlib.sha256(f"{issuer}\n{subject}".encode()).hexdigest()[:32], name[:100], email[:254])


def check_user_id(user_id: str) -> None:
    """Raises ValueError for what could be the name of any other folder or schema."""
    if len(user_id) != 32 or not set(user_id) <= set("0123456789abcdef"):
        raise ValueError(f"a user's id is 32 hexadecimal digits, not {user_id!r}")


def check_let_in(user: User, allowed: Sequence[str]) -> None:
    """Raises NotLetIn unless the user's e-mail fits one of the patterns, such as ``*@example.org``; without any, all
    whom the provider lets in may come in."""
    if allowed and not any(user.email and fnmatchcase(user.email, pattern) for pattern in allowed):
        whom = f"as {user.email}" if user.email else "without a confirmed e-mail address"
        raise NotLetIn(f"You are signed in {whom}, and that does not open this Cuewise.")


@dataclass(frozen=True, slots=True)
class Departure:
    """What goes with a user: ``size_bytes`` on this machine, ``stored_bytes`` in the media store; ``going_on`` is how
    much work is not over."""

    user: User
    videos: int
    runs: int
    going_on: int
    size_bytes: int
    stored_bytes: int


@dataclass(frozen=True, slots=True)
class UserLimits:
    """What the operator lets each user have: dollars a calendar month, None for no limit; runs that are worked on at
    once; bytes of media, None for no limit."""

    month_usd: Decimal | None = None
    runs_at_once: int = 4
    storage_bytes: int | None = None

    def environment(self) -> dict[str, str]:
        """The variables that say the same, for another process."""
        gigabytes = "" if self.storage_bytes is None else str(self.storage_bytes / GIGABYTE)
        return {
            "CUEWISE_USER_MONTH_USD": "" if self.month_usd is None else str(self.month_usd),
            "CUEWISE_USER_RUNS": str(self.runs_at_once),
            "CUEWISE_USER_STORAGE_GB": gigabytes,
        }
