"""A plugin that breaks the suite: a check with a mistake of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.registry import check

if TYPE_CHECKING:
    from conformance.case import Case


@check("session-context", "mistaken")
async def _mistaken(case: Case) -> None:
    case.play(None)  # type: ignore[arg-type] # what is wrong here
