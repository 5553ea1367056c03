"""The examples that stand in the chapters: each requirement's are one check."""

from __future__ import annotations

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

    return play


for _requirement in catalogue.load().values():
    _cut = [example for example in _requirement.examples if planned(example)]
    _uncut = [example for example in _requirement.examples if not planned(example)]
    if _cut:
        check(_requirement.id, "examples", plans=True, limit=30)(_all(_requirement.chapter, _cut))
    if _uncut:
        check(_requirement.id, "cases" if _cut else "examples", limit=30)(
            _all(_requirement.chapter, _uncut)
        )
