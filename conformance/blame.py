"""Whose exception it is: the suite's own, or one that came out of the client."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

from hypothesis.errors import Flaky, HypothesisException

from conformance.verdicts import Deviation

HERE = Path(__file__).parent
PEERS = HERE / "peers"
# Where what the client gives is handled: what fails there, fails on that.
HANDLING = (HERE / "checks", HERE / "case.py", HERE / "examples.py", HERE / "quiet.py")
# What a session has beside `stream()`: an adapter may well be without.
VERBS = {"get", "head", "options", "delete", "post", "put", "patch"}
METHODS = VERBS | {"request", "open", "close", "events"}
# Unless it is a mistake that no value can lead to.
MISTAKES = (NameError, ImportError, AssertionError, OSError)


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


def absent(error: object) -> Deviation | None:
    """What there is to say of an exception, if it is for a method that the session has not."""
    if not isinstance(error, AttributeError) or error.name not in METHODS:
        return None
    if not in_suite(error) or not _about_the_client(error):
        return None  # the session's own call of something else
    return Deviation("missing", note=f"the session has no {error.name}()")


def is_ours(error: BaseException) -> bool:
    """Whether an exception is a mistake of the suite, and not one that the client has led to."""
    if isinstance(error, HypothesisException):
        return True
    if isinstance(error, TimeoutError) or _about_the_client(error):
        return False
    last = _last(error)
    handling = bool({last, *last.parents} & {*HANDLING})
    if handling and not isinstance(error, MISTAKES) and not _about_the_suite(error):
        return False
    return in_suite(error)


def in_suite(error: BaseException) -> bool:
    """Whether an exception was raised by the suite's own code; an adapter is a client."""
    folders = _last(error).parents
    return PEERS not in folders and (HERE in folders or HERE.parent / "spec" in folders)


def _last(error: BaseException) -> Path:
    """The file in which an exception was raised, of those that are files."""
    frames = traceback.extract_tb(error.__traceback__)
    files = [path for frame in frames if (path := Path(frame.filename)).parent != Path()]
    return files[-1] if files else HERE / "unknown"


def _about_the_client(error: BaseException) -> bool:
    """Whether the suite's line failed because the client lacks something, or takes no such."""
    if isinstance(error, AttributeError):
        module = type(error.obj).__module__
        adapter = module.startswith("conformance.peers")
        return adapter or not module.startswith(("conformance", "spec", "builtins"))
    return isinstance(error, TypeError) and "argument" in str(error)


def _about_the_suite(error: BaseException) -> bool:
    """Whether the suite lacks something of its own."""
    if not isinstance(error, AttributeError):
        return False
    module = type(error.obj).__module__
    return module.startswith(("conformance", "spec")) and not _about_the_client(error)
