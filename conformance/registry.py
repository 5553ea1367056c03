"""Which checks there are, and the trials that they make.

A check is an async function that takes a `Case` and raises `Deviation`; `@check(id)` ties it to
its requirement. With `plans=True` it makes one trial for each chunk plan. A property, tied by
`@searched(id)`, is a plain function that takes the `Court` and lets Hypothesis choose.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from conformance.plans import PLANS

if TYPE_CHECKING:
    from conformance.case import Case
    from conformance.court import Court

Play = Callable[["Case"], Coroutine[Any, Any, None]]
Search = Callable[["Court"], None]


@dataclass(frozen=True)
class Trial:
    """One check of one requirement under one plan: what pytest shows as a test."""

    requirement: str
    name: str
    play: Play | None = None
    search: Search | None = None
    plan: str | None = None
    limit: float = 10.0  # seconds before the suite cuts it off
    live: bool = False  # asks the servers that were recorded, where they run
    heavy: bool = False  # takes a processor for a while

    def __str__(self) -> str:
        return "-".join(part for part in (self.requirement, self.name, self.plan) if part)

    def under(self, plan: str) -> Trial:
        """The same trial under another plan."""
        return replace(self, plan=plan)


TRIALS: list[Trial] = []


def check(
    requirement: str,
    name: str = "",
    *,
    plans: bool | Iterable[str] = False,
    limit: float = 10.0,
    live: bool = False,
    heavy: bool = False,
) -> Callable[[Play], Play]:
    """Tie an async check to its requirement; `plans` may name those that make a difference."""

    def register(play: Play) -> Play:
        title = name or play.__name__.replace("_", "-")
        trial = Trial(requirement, title, play=play, limit=limit, live=live, heavy=heavy)
        if plans is False:
            TRIALS.append(trial)
        else:
            TRIALS.extend(map(trial.under, PLANS if plans is True else plans))
        return play

    return register


def searched(
    requirement: str, name: str = "drawn", *, limit: float = 10.0
) -> Callable[[Search], Search]:
    """Tie a property to its requirement."""

    def register(search: Search) -> Search:
        TRIALS.append(Trial(requirement, name, search=search, limit=limit))
        return search

    return register
