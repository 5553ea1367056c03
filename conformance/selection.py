"""What a name in `-k` selects: pytest looks for a part of a name, and many names hold others.

A requirement, a plan or a trial that is named whole is that one, and none whose name it is a part
of; with any other word, `-k` is what it is everywhere.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from conformance.registry import Trial

WORD = re.compile(r"[\w:+\-.\[\]\\/]+")  # as pytest reads an expression


def keywords(trial: Trial) -> set[str]:
    """The names that a trial has whole, marked so that none is a part of another."""
    return {_whole(name) for name in (trial.requirement, str(trial), trial.plan) if name}


def exact(expression: str, names: Collection[str]) -> str:
    """The expression with each of these names marked as a whole one."""

    def marked(found: re.Match[str]) -> str:
        name = found[0].lower()  # as pytest compares them
        return _whole(name) if name in names else found[0]

    return WORD.sub(marked, expression)


def _whole(name: str) -> str:
    return f"[/{name}/]"
