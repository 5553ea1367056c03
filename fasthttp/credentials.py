"""Which headers count as credentials (security-credentials, B85)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .headers import Pairs

# A header whose name has one of these anywhere, in any case, counts as a credential. Rather one
# too many: what is held back is missed, what is given away is gone.
PARTS = (
    "authentic",
    "authoriz",
    "cookie",
    "credential",
    "csrf",
    "jwt",
    "key",
    "passw",
    "secret",
    "session",
    "signature",
    "token",
)
WORDS = ("auth", "bearer", "otp", "pin", "sid")  # or one of these as a word of its own

_WORD = re.compile(r"[a-z]+")


def is_credential(name: str) -> bool:
    """Whether the value of a header of this name is a secret between the caller and one origin."""
    lower = name.lower()
    return any(part in lower for part in PARTS) or not set(WORDS).isdisjoint(_WORD.findall(lower))


def without(headers: Pairs) -> Pairs:
    """Return the headers that are no credentials."""
    return tuple(pair for pair in headers if not is_credential(pair[0]))
