"""The examples that stand in the chapters: each requirement's are one check."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from conformance.checks import refusals
from conformance.examples import cuts, perform, planned
from conformance.plans import PLANS
from conformance.registry import Play, check
from conformance.verdicts import NotApplicable
from spec import catalogue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.case import Case
    from spec.catalogue import Requirement
    from spec.examples import Example


PLAYED_FIRST = ("whole", "bytewise")  # with every framing


def _making_a_difference(chapter: str, examples: list[Example]) -> dict[str, list[Example]]:
    """For each plan the examples that it cuts as no plan before it does."""
    different: dict[str, list[Example]] = {plan: [] for plan in PLANS}
    for example in examples:
        seen = []
        for plan in sorted(PLANS, key=lambda plan: plan not in PLAYED_FIRST):
            if (cut := cuts(chapter, example, plan)) not in seen:
                seen.append(cut)
                different[plan].append(example)
    return {plan: chosen for plan, chosen in different.items() if chosen}


def _played(chapter: str, example: Example) -> Play:
    """How an example is played: one that only says "refused" has a judge of its own."""
    if example.fields.get("refused") == refusals.ANY:
        return partial(refusals.perform, example=example)
    return partial(perform, chapter=chapter, example=example)


def _each(chapter: str, examples: Mapping[Any, list[Example]]) -> Play:
    async def play(case: Case) -> None:
        reasons = []
        for example in examples[case.plan]:
            case.replay = _played(chapter, example)
            try:
                await case.replay(case)
            except NotApplicable as reason:
                reasons.append(reason)
        if len(reasons) == len(examples[case.plan]):
            raise reasons[0]

    return play


def _at_once(chapter: str, examples: list[Example]) -> Play:
    """For examples that wait: together they take no longer than the longest."""

    async def play(case: Case) -> None:
        apart = [case.apart() for _ in examples]
        played = zip(apart, examples, strict=True)
        done = await asyncio.gather(
            *(_played(chapter, example)(one) for one, example in played), return_exceptions=True
        )
        for one, error in zip(apart, done, strict=True):
            if error is not None:
                case.did, case.played = one.did, one.played
                raise error

    return play


def _register(requirement: Requirement) -> None:
    chapter = requirement.chapter
    cut = [example for example in requirement.examples if planned(example)]
    uncut = [example for example in requirement.examples if not planned(example)]
    if cut:
        plans = _making_a_difference(chapter, cut)
        play = _each(chapter, dict(plans))
        check(requirement.id, "examples", plans=plans, limit=30)(play)
    if uncut:
        play = _at_once(chapter, uncut) if chapter == "timeouts" else _each(chapter, {None: uncut})
        check(requirement.id, "cases" if cut else "examples", limit=30)(play)


for _requirement in catalogue.load().values():
    _register(_requirement)
