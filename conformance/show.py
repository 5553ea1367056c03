"""How a failure is shown: always in the same order, in about twenty lines, without a traceback."""

from __future__ import annotations

import re
from textwrap import fill
from typing import TYPE_CHECKING

from conformance.delivery import Delivery, Reply, script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.case import Case
    from conformance.registry import Trial
    from conformance.verdicts import Deviation
    from spec.catalogue import Requirement

WIDTH = 110
MARGIN = 12  # columns before the text of a row


def failure(
    requirement: Requirement,
    trial: Trial,
    deviation: Deviation,
    case: Case | None,
    siblings: dict[str, bool],
    state: str,
    session: str,
) -> str:
    """The block that is printed for one deviation."""
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
    rows.append(("rerun", _rerun(trial, session)))
    words = (requirement.id, requirement.level, requirement.profile, state.upper())
    title = f"{'  '.join(words)} {deviation.code}"
    return "\n".join([title, *(_row(name, text) for name, text in rows)])


def _row(name: str, text: str) -> str:
    text = re.sub(r"127\.0\.0\.1:\d+", "tape.test", text)
    first = f"  {name:<{MARGIN - 2}}"
    return fill(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=" " * MARGIN,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _values(deviation: Deviation) -> list[tuple[str, str]]:
    rows = []
    if deviation.expected is not None or deviation.got is not None:
        rows.append(("expected", _short(deviation.expected)))
        difference = _difference(deviation.expected, deviation.got)
        rows.append(("got", _short(deviation.got) + (f"   {difference}" if difference else "")))
    if deviation.note:
        rows.append(("note", deviation.note))
    return rows


def _short(value: object, most: int = 160) -> str:
    shown = value if isinstance(value, str) and "httpx" in value else repr(value)
    if len(shown) <= most:
        return shown
    size = f", {len(value)} in all" if hasattr(value, "__len__") else ""
    return f"{shown[: most // 2]} … {shown[-most // 4 :]}{size}"


def _difference(expected: object, got: object) -> str:
    """Where two values first differ."""
    if type(expected) is not type(got) or not isinstance(expected, list | bytes | str):
        return ""
    assert isinstance(got, list | bytes | str)
    pairs = enumerate(zip(expected, got, strict=False))
    at = next((n for n, (a, b) in pairs if a != b), min(len(expected), len(got)))
    unit = {list: "item", bytes: "byte", str: "character"}[type(expected)]
    return f"first difference: {unit} {at}"


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
    if len(shown) > 400:
        shown = f"{shown[:300]} … {shown[-60:]}"
    more = f" | … {len(pieces) - 12} more" if len(pieces) > 12 else ""
    return f"< {shown}{more}   ({', '.join(_manner(delivery, len(pieces), plan))})"


def _manner(delivery: Delivery, pieces: int, plan: str | None) -> Iterator[str]:
    """In what manner it was sent, in words."""
    yield f"{pieces} chunk{'s' if pieces != 1 else ''}"
    yield delivery.framing
    if delivery.end is not None:
        yield f"{delivery.end[0]} after {delivery.end[1]} bytes"
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


def _rerun(trial: Trial, session: str) -> str:
    named = "" if session == "fasthttp:AsyncSession" else f" --session {session}"
    parts = [trial.requirement, trial.name, *([trial.plan] if trial.plan else [])]
    return f'pytest conformance{named} -k "{" and ".join(parts)}"'
