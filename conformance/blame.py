"""Whose exception it is: the suite's own, or one that came out of the client."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

from hypothesis.errors import Flaky, HypothesisException

from conformance.verdicts import Deviation

HERE = Path(__file__).parent
PEERS = HERE / "peers"


def first(several: BaseExceptionGroup[Any]) -> BaseException:
    """What Hypothesis found, if it was more than one thing, or came and went."""
    found: BaseException = several
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    if isinstance(several, Flaky) and isinstance(found, Deviation):
        found.note = f"{found.note}; it comes and goes with the same input".removeprefix("; ")
    return found


def raised(error: BaseException) -> str:
    """Where an exception was raised, for somebody who wants to look there."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return ""
    return (
        f"raised in {Path(frames[-1].filename).name}, line {frames[-1].lineno}, {frames[-1].name}()"
    )


def is_ours(error: BaseException) -> bool:
    """Whether an exception comes from the suite's own code, and not out of the client's."""
    if isinstance(error, HypothesisException):
        return True
    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame for frame in frames if Path(frame.filename).parent != Path()]
    if isinstance(error, TimeoutError) or _about_the_client(error):
        return False
    last = Path(inside[-1].filename) if inside else HERE
    if PEERS in last.parents:  # an adapter is a client
        return False
    return HERE in last.parents or (HERE.parent / "spec") in last.parents


def _about_the_client(error: BaseException) -> bool:
    """Whether the suite's line failed because the client lacks something, or takes no such."""
    if isinstance(error, AttributeError):
        module = type(error.obj).__module__
        adapter = module.startswith("conformance.peers")
        return adapter or not module.startswith(("conformance", "spec", "builtins"))
    return isinstance(error, TypeError) and "argument" in str(error)
