"""One plain exchange before the first trial: whether there is anything to judge at all.

Of an adapter that is broken, one message with the step at which it failed says more than three
hundred failures.
"""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from conformance.delivery import Delivery, Reply
from conformance.show import visible
from conformance.verdicts import Deviation

if TYPE_CHECKING:
    from conformance.case import Case


class PreflightError(Exception):
    """The session cannot be judged at all: the adapter is broken, not the client."""


def failed(name: str, step: str, error: Exception) -> PreflightError:
    """What is told of a session that failed at a step."""
    reason = visible("".join(traceback.format_exception_only(error)).strip())
    if isinstance(error, Deviation):
        reason = f"expected {error.expected!r}, got {error.got!r}"
    return PreflightError(f"{name} failed at: {step}\n{reason}")


async def exchange(case: Case, steps: list[str]) -> str:
    """Make it, noting the steps; give the Accept-Encoding that the session sends on its own."""
    steps.append("constructor(base_url=..., headers=..., timeout=..., security=False)")
    session = case.session(base_url=case.tape.url, headers={"X-Preflight": "1"}, timeout=5.0)
    steps.append("async with the session")
    async with session:
        played = case.tape.play(Reply(body=b"preflight"), Delivery("content-length"))
        steps.append('async with session.stream("GET", path)')
        async with session.stream("GET", played.path) as response:
            steps.append("response.status_code")
            if response.status_code != 200:
                raise Deviation("wrong-value", 200, response.status_code)
            steps.append("await response.aread()")
            if (body := await response.aread()) != b"preflight":
                raise Deviation("wrong-value", b"preflight", body)
    return b", ".join(played.requests[0].values("accept-encoding")).decode("latin-1")
