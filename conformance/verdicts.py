"""What can come of a trial, and how a check says that a session deviates.

A check raises `Deviation` with one of the closed list `CODES`. Everything else that a trial can end
in is in `STATES`: a report may hold no other word.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

CODES = {
    "wrong-value": "another value than the rule gives",
    "wrong-type": "a value of another type",
    "missing": "something that arrived was not delivered",
    "extra": "something was delivered that never arrived",
    "wrong-order": "the right items in another order",
    "wrong-exception": "another exception than the documented one",
    "no-exception": "no exception where one is documented",
    "sent-wrong": "another request on the wire",
    "sent-extra": "something on the wire that should not be there",
    "hang": "nothing came back in time",
    "leak": "something was left open",
    "crash": "an exception that the rule does not know",
}

STATES = {
    "pass": "as the rule says",
    "fail": "a MUST is broken",
    "warn": "a SHOULD is broken",
    "observed": "a MAY: what the session does was noted",
    "baselined": "a deviation that the baseline expects",
    "stale": "the baseline expects a deviation, and there is none, or another one",
    "blocked": "not tried: a rule that it rests on is broken",
    "not-claimed": "the session does not claim the profile",
    "untestable": "a loopback suite cannot judge it, or the session does not take part",
    "error": "the suite itself broke",
}


class Deviation(Exception):  # noqa: N818 - a verdict more than an error
    """The session does not do what the requirement says.

    A str as `expected` or `got` describes, and is shown as it is; other values are shown as Python
    writes them. `note` says what neither can.
    """

    def __init__(
        self, code: str, expected: object = None, got: object = None, note: str = ""
    ) -> None:
        if code not in CODES:
            raise ValueError(f"unknown code {code!r}; known: {', '.join(CODES)}")
        super().__init__(note or CODES[code])
        self.code, self.expected, self.got, self.note = code, expected, got, note


class Difference(Deviation):
    """Two values that should be the same; a str is a value here, too."""


class NotApplicable(Exception):  # noqa: N818 - a verdict more than an error
    """The requirement asks nothing of this session; the message says why."""


@dataclass
class Verdict:
    """How one trial ended; `block` is what is printed of a deviation."""

    requirement: str
    trial: str
    state: str
    code: str | None = None
    note: str = ""
    block: str = ""
    details: dict[str, Any] = field(default_factory=dict)


def compare(expected: object, got: object, note: str = "") -> None:
    """Raise the `Difference` that names the difference between two values best."""
    if type(got) is type(expected) and _same(expected, got):
        return
    if type(got) is not type(expected):
        raise Difference("wrong-type", expected, got, note)
    if isinstance(expected, list | bytes | str) and len(got) != len(expected):  # type: ignore[arg-type]
        longer = len(got) > len(expected)  # type: ignore[arg-type]
        short, long = (expected, got) if longer else (got, expected)
        if _same(long[: len(short)], short):  # type: ignore[index,arg-type]
            raise Difference("extra" if longer else "missing", expected, got, note)
    if isinstance(expected, list) and _sorted(expected) == _sorted(got):  # type: ignore[arg-type]
        raise Difference("wrong-order", expected, got, note)
    raise Difference("wrong-value", expected, got, note)


def plain(value: Any) -> Any:
    """A text or bytes without what a subclass makes of them; anything else as it is."""
    for kind in (str, bytes):
        if type(value) is not kind and isinstance(value, kind):
            return kind.__getitem__(value, slice(None))  # type: ignore[index] # it is of that kind
    return value


def _same(expected: Any, got: Any) -> bool:
    """Whether two values are equal; what the client's own `__eq__` says does not count."""
    if type(expected) is type(got) and isinstance(expected, list | tuple):
        return len(expected) == len(got) and all(map(_same, expected, got))
    if type(expected) is type(got) and isinstance(expected, dict):
        pairs = ((value, got.get(key, _same)) for key, value in expected.items())
        return len(expected) == len(got) and all(_same(*pair) for pair in pairs)
    kind: Any = type(expected)
    own = type(got).__eq__ is kind.__eq__ or type(got).__module__ == "builtins"
    return bool(expected == got) if own else kind.__eq__(expected, got) is True


def _sorted(items: list[Any]) -> list[str]:
    return sorted(map(repr, items))
