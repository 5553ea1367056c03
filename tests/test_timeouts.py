"""Timeouts: which number counts, and which are none. What they do is in test_exchange."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.delivery import Reply
from conformance.tape import Tape
from fasthttp import AsyncSession, timeouts
from spec import oracles
from spec.oracles.timeouts import effective_timeout
from tests.support import PATIENT

pytest_plugins = ["tests.fixtures"]

seconds = st.one_of(st.none(), st.floats(), st.integers(-2, 3), st.booleans(), st.just(math.inf))


def in_force(session: Any, call: Any) -> float | None:
    return timeouts.effective(timeouts.check(session), call)


@PATIENT
@given(seconds, seconds)
def test_the_oracle_agrees(session: Any, call: Any) -> None:
    """Whatever the session and the call say, the oracle finds the same number, or no sense."""
    try:
        wanted = effective_timeout(session, call)
    except oracles.Refused:
        with pytest.raises(ValueError, match=r"^timeout is "):
            in_force(session, call)
    else:
        assert in_force(session, call) == wanted


@pytest.mark.parametrize(
    ("timeout", "message"),
    [
        (0, "timeout is 0: give more than 0 seconds; math.inf means none"),
        (math.nan, "timeout is nan: give more than 0 seconds; math.inf means none"),
        (True, "timeout is True: give seconds, or None"),
    ],
)
async def test_no_sense(tape: Tape, session: AsyncSession, timeout: Any, message: str) -> None:
    """What is no timeout is refused by the constructor and by a call, unsent."""
    with pytest.raises(ValueError, match="timeout") as caught:
        AsyncSession(timeout=timeout, security=False)
    assert str(caught.value) == message

    with pytest.raises(ValueError, match="timeout") as caught:
        await session.get("/", timeout=timeout)
    assert str(caught.value) == message
    assert tape.connections == 0


def test_beyond_all_clocks() -> None:
    """Of more seconds than a float can hold none is ever reached."""
    assert timeouts.check(10**400) is None


async def test_types(session: AsyncSession) -> None:
    """A timeout that is no number is a TypeError."""
    message = "timeout must be a number of seconds or None, not '1'"
    with pytest.raises(TypeError, match=message):
        await session.get("/", timeout="1")  # type: ignore[arg-type] # that is the test


async def test_how_transports_are_told(tape: Tape, session: AsyncSession) -> None:
    """Each step has the number, in httpx's own extension, for this call only."""
    played = tape.play(Reply())
    found = []

    for timeout in (2, None, math.inf):
        response = await session.get(played.path, timeout=timeout)
        found.append(response.request.extensions["timeout"])

    assert found == [
        dict.fromkeys(["connect", "read", "write", "pool"], number) for number in (2.0, 10.0, None)
    ]
