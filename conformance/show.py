"""How a failure is shown: always in the same order, in about twenty lines, without a traceback."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

from conformance.delivery import Delivery, Reply, script
from conformance.subject import CLAIMS, DEFAULT
from conformance.verdicts import Deviation, Difference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.case import Case
    from conformance.registry import Trial
    from spec.catalogue import Requirement

WIDTH = 110
LONGEST = 160  # characters of a value
MARGIN = 12  # columns before the text of a row
INSTALLED = Path(__file__).parent.parent.name == "fasthttp_conformance"


def failure(
    requirement: Requirement,
    trial: Trial,
    deviation: Deviation,
    case: Case | None,
    siblings: dict[str, bool],
    state: str,
    session: str,
    options: str = "",
) -> str:
    """The block that is printed for one deviation; `options` are those it was found with."""
    rows = [("rule", requirement.sentence)]
    if case is not None and case.did:
        rows.append(("you did", case.did))
    if case is not None and (wire := _wire(case, trial.plan)):
        rows.append(("wire", wire))
    rows += _values(deviation)
    if contrast := _contrast(trial, siblings):
        rows.append(("contrast", contrast))
    if requirement.likely:
        rows.append(("likely", requirement.likely))
    words = (requirement.id, requirement.level, requirement.profile, state.upper())
    title = f"{'  '.join(words)} {deviation.code}"
    # Not wrapped: it is there to be copied.
    last = f"  {'rerun':<{MARGIN - 2}}{_rerun(requirement, trial, session, options)}"
    return "\n".join([title, *(_row(name, text) for name, text in _settled(rows)), last])


def _settled(rows: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The rows without what each run has otherwise: the tape's port, and its running numbers."""
    numbers: dict[str, int] = {}

    def renumbered(found: re.Match[str]) -> str:
        return f"/t/{numbers.setdefault(found[1], len(numbers) + 1)}"

    for name, text in rows:
        hosts = re.sub(r"127\.0\.0\.1:\d+", "tape.test", text)
        yield name, re.sub(r"/t/(\d+)\b", renumbered, hosts)


def visible(text: str) -> str:
    """The text with everything escaped that a terminal, UTF-8 or XML would choke on."""
    return "".join(
        char if char.isprintable() or char == "\n" else char.encode("unicode_escape").decode()
        for char in text
    )


def _row(name: str, text: str) -> str:
    first = f"  {name:<{MARGIN - 2}}"
    return fill(
        visible(text),
        WIDTH,
        initial_indent=first,
        subsequent_indent=" " * MARGIN,
        break_on_hyphens=False,
    )


def _values(deviation: Deviation) -> list[tuple[str, str]]:
    rows = []
    expected, got = deviation.expected, deviation.got
    if expected is not None or got is not None:
        literal = isinstance(deviation, Difference)
        at = _difference(expected, got, literal=literal)
        if expected is not None or not isinstance(got, BaseException):
            rows.append(("expected", _short(expected, got, literal=literal)))
        given = literal or deviation.code == "no-exception"  # what the client gave instead
        shown = _short(got, expected, literal=given)
        rows.append(("got", shown + (f"   first difference: {at}" if at else "")))
    if deviation.note:
        rows.append(("note", deviation.note))
    return rows


def _short(value: object, other: object, *, literal: bool = True) -> str:
    """A value, or what of it lies around the first difference from the other one."""
    if isinstance(value, str) and not literal:
        return value if len(value) <= 2 * LONGEST else f"{value[: 2 * LONGEST]} …"
    shown = repr(value)
    alike = type(value) is type(other) and isinstance(value, list | bytes | str)
    if max(len(shown), alike * len(repr(other))) <= LONGEST:
        return shown
    if not alike:
        return f"{shown[:LONGEST]} …"
    assert isinstance(value, list | bytes | str)
    assert isinstance(other, list | bytes | str)
    at = _first_difference(value, other)
    if isinstance(value, list):
        item, its = (both[at] if at < len(both) else None for both in (value, other))
        return f"{len(value)} items, item {at}: {_short(item, its)}"
    part = value[max(at - 40, 0) : at + 60]
    return f"{'… ' * (at > 40)}{part!r}{' …' * (at + 60 < len(value))}"


def _difference(expected: object, got: object, *, literal: bool) -> str:
    """Where two values of a kind first differ, in words."""
    kinds = {list: "item", bytes: "byte"} | ({str: "character"} if literal else {})
    if type(expected) is not type(got) or type(expected) not in kinds:
        return ""
    assert isinstance(expected, list | bytes | str)
    assert isinstance(got, list | bytes | str)
    return f"{kinds[type(expected)]} {_first_difference(expected, got)}"


def _first_difference(one: list[Any] | bytes | str, other: list[Any] | bytes | str) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(one), len(other)))


def _wire(case: Case, plan: str | None) -> str:
    """The answer as it was cut, and under what plan."""
    if case.played is None:
        return ""
    reply, delivery, method = case.played
    return drawn(reply, delivery, method, plan)


def drawn(reply: Reply, delivery: Delivery, method: str = "GET", plan: str | None = None) -> str:
    """An answer's body, or its whole wire if that is what matters, with its cuts."""
    played = script(reply, delivery, method)
    pieces = played.pieces if played.body else played.segments
    shown = " | ".join(repr(piece)[2:-1] for piece in pieces[:12])
    if len(shown) > 300:
        shown = f"{shown[:220]} … {shown[-60:]}"
    more = f" | … {len(pieces) - 12} more" if len(pieces) > 12 else ""
    return f"< {shown}{more}   ({', '.join(_manner(delivery, len(pieces), plan))})"


def _manner(delivery: Delivery, pieces: int, plan: str | None) -> Iterator[str]:
    """In what manner it was sent, in words."""
    yield f"{pieces} chunk{'s' if pieces != 1 else ''}"
    yield delivery.framing
    if delivery.end is not None:
        yield f"{delivery.end[0]} after {delivery.end[1]} bytes"
    if delivery.end_wire is not None:
        yield f"{delivery.end_wire[0]} after {delivery.end_wire[1]} bytes of the message"
    if plan:
        yield f"plan {plan}"


def _contrast(trial: Trial, siblings: dict[str, bool]) -> str:
    passing = [plan for plan, passed in siblings.items() if passed]
    failing = [plan for plan, passed in siblings.items() if not passed]
    if not siblings:
        return ""
    if not passing:
        return "fails under every plan: it is not a matter of chunk boundaries"
    verdict = f"passes {', '.join(passing)}; fails {', '.join([trial.plan or '', *failing])}"
    if "whole" in passing:
        verdict += ": what you make of the bytes is right, what you do at a chunk boundary is not"
    return verdict


def _rerun(requirement: Requirement, trial: Trial, session: str, options: str) -> str:
    """The command that makes just this trial again."""
    words = ["fasthttp-conformance"] if INSTALLED else ["pytest conformance"]
    if session != DEFAULT:
        words.append(session if INSTALLED else f"--session {session}")
        if requirement.profile not in CLAIMS:
            words.append(f"--claims {requirement.profile}")
    return " ".join([*words, *filter(None, [options]), f"-k {trial}"])
