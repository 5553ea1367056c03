"""How long one step of an exchange may take (chapter timeouts).

A timeout is the number of seconds allowed to each of: getting a connection from the pool,
connecting, one write, one read. It is no deadline: a stream that keeps coming may last for ever.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import httpx

_GREATEST = sys.float_info.max  # seconds that a float can hold; math.inf is more


class Timeouts(NamedTuple):
    """Seconds for one step of each kind; None: no limit."""

    pool: float | None = None
    connect: float | None = None
    write: float | None = None
    read: float | None = None

    @classmethod
    def of(cls, request: httpx.Request) -> Timeouts:
        """Read the `timeout` extension of a request."""
        given = request.extensions.get("timeout", {}).get
        return cls(given("pool"), given("connect"), given("write"), given("read"))


def check(timeout: float | None) -> float | None:
    """Return a session's timeout in seconds, None for none; raise for what makes no sense.

    Raises `TypeError` for what is no number and `ValueError` for 0, negatives, nan and bool.
    """
    if timeout is None:
        return None
    if isinstance(timeout, bool):
        raise ValueError(f"timeout is {timeout!r}: give seconds, or None")  # noqa: TRY004 - chapter timeouts
    if not isinstance(timeout, int | float):
        raise TypeError(f"timeout must be a number of seconds or None, not {timeout!r}")
    if not timeout > 0:
        raise ValueError(f"timeout is {timeout!r}: give more than 0 seconds; math.inf means none")
    return None if timeout > _GREATEST else float(timeout)


def effective(session: float | None, call: float | None) -> float | None:
    """Return the seconds for one call: its own timeout, or with None the session's."""
    return session if call is None else check(call)


def extension(timeout: float | None) -> dict[str, float | None]:
    """Return the `timeout` extension by which httpx's transports are told."""
    return {"connect": timeout, "read": timeout, "write": timeout, "pool": timeout}
