"""Sessions with one bug each: what the suite must catch, and by which requirement.

A saboteur is the correct session with one seam replaced. Most are a few lines: a subclass of
`Sabotaged` that overrides a method, or that names in `patches` what stands in for one of the
library's own parts while the session is open. `@saboteur(...)` declares the requirements that it
breaks; it may break no other. Their bugs are those that real clients had (spec/bugs.md).
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any, ClassVar, Self
from unittest import mock

from fasthttp import AsyncSession

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Saboteur:
    """A session class with one bug, and the ids of the requirements that it breaks."""

    session: type[AsyncSession]
    breaks: frozenset[str]
    perhaps: frozenset[str]  # where chance decides, such as the jitter of a wait

    def __str__(self) -> str:
        return f"{self.session.__module__.rpartition('.')[2]}.{self.session.__name__}"


SABOTEURS: list[Saboteur] = []


def saboteur(
    *breaks: str, perhaps: tuple[str, ...] = ()
) -> Callable[[type[AsyncSession]], type[AsyncSession]]:
    """Declare a session class as a saboteur that breaks just these requirements."""

    def register(session: type[AsyncSession]) -> type[AsyncSession]:
        SABOTEURS.append(Saboteur(session, frozenset(breaks), frozenset(perhaps)))
        return session

    return register


class Sabotaged(AsyncSession):
    """A correct session; while it is open, `patches` stand in for the library's own parts."""

    patches: ClassVar[dict[str, Any]] = {}  # dotted name -> what stands in for it
    _patching = False

    async def open(self) -> None:
        if not self._patching:
            self._patching = True
            _patch(type(self))
        await super().open()

    async def close(self) -> None:
        await super().close()
        if self._patching:
            self._patching = False
            _restore(type(self))

    async def __aenter__(self) -> Self:
        await self.open()
        return self


_open: dict[type[Sabotaged], tuple[int, ExitStack]] = {}  # how many sessions, and their patches


def _patch(session: type[Sabotaged]) -> None:
    """Of sessions that overlap, the first puts the stand-ins in place."""
    count, patched = _open.get(session, (0, ExitStack()))
    if not count:
        for name, stand_in in session.patches.items():
            patched.enter_context(mock.patch(name, stand_in))
    _open[session] = (count + 1, patched)


def _restore(session: type[Sabotaged]) -> None:
    """The last one takes them away."""
    count, patched = _open.pop(session, (0, ExitStack()))
    if count > 1:
        _open[session] = (count - 1, patched)
    else:
        patched.close()


def restore_all() -> None:
    """Take every stand-in away, also those of sessions that were never closed."""
    while _open:
        _open.popitem()[1][1].close()
    forget()


def forget() -> None:
    """Empty the library's caches: what a stand-in computed must not be another session's answer."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "fasthttp":
            for value in list(vars(module).values()):
                if hasattr(value, "cache_clear"):
                    value.cache_clear()


def discover() -> list[Saboteur]:
    """Import every module of saboteurs and return all of them."""
    for module in iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
    return SABOTEURS
