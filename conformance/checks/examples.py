"""The examples that stand in the chapters: each requirement's are one check."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from conformance.examples import perform, planned
from conformance.registry import Play, check
from conformance.verdicts import NotApplicable
from spec import catalogue

if TYPE_CHECKING:
    from conformance.case import Case
    from spec.examples import Example


def _all(chapter: str, examples: list[Example]) -> Play:
    async def play(case: Case) -> None:
        reasons = []
        for example in examples:
            try:
                await perform(case, chapter, example)
            except NotApplicable as reason:
                reasons.append(reason)
        if len(reasons) == len(examples):
            raise reasons[0]

    async def play_at_once(case: Case) -> None:
        """For examples that wait: together they take no longer than the longest."""
        apart = [case.apart() for _ in examples]
        played = zip(apart, examples, strict=True)
        done = await asyncio.gather(
            *(perform(one, chapter, example) for one, example in played), return_exceptions=True
        )
        for one, error in zip(apart, done, strict=True):
            if error is not None:
                case.did, case.played = one.did, one.played
                raise error

    return play_at_once if chapter == "timeouts" else play


for _requirement in catalogue.load().values():
    _cut = [example for example in _requirement.examples if planned(example)]
    _uncut = [example for example in _requirement.examples if not planned(example)]
    if _cut:
        check(_requirement.id, "examples", plans=True, limit=30)(_all(_requirement.chapter, _cut))
    if _uncut:
        check(_requirement.id, "cases" if _cut else "examples", limit=30)(
            _all(_requirement.chapter, _uncut)
        )
