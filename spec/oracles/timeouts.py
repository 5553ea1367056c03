"""The timeout that is in force for one call (chapter timeouts)."""

import math
from typing import Any

from spec.oracles import Refused


def effective_timeout(session: float | None, request: float | None) -> float | None:
    """Seconds allowed to each wait, or None for no limit.

    In a call, None is the session's timeout; in the session, none; infinity is none in both.
    """
    _check(session)
    _check(request)
    chosen = session if request is None else request
    return None if chosen == math.inf else chosen


def _check(seconds: Any) -> None:
    number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if seconds is not None and not (number and seconds > 0):
        raise Refused("ValueError", f"timeout {seconds!r}")
