"""A plugin that breaks the suite: a check of a requirement that there is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.registry import check

if TYPE_CHECKING:
    from conformance.case import Case


@check("session-nonsense")
async def _nonsense(case: Case) -> None:
    """Judge nothing."""
