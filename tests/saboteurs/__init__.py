"""Sessions with one bug each: what the suite must catch, and by which requirement.

A saboteur is the correct session with one seam replaced. Most are a few lines: a subclass of
`Sabotaged` that overrides a method, or that names in `patches` what stands in for one of the
library's own parts while the session is open. `@saboteur(...)` declares the requirements that it
breaks; it may break no other. Their bugs are those that real clients had (spec/bugs.md).
"""

from __future__ import annotations

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

    def __str__(self) -> str:
        return f"{self.session.__module__.rpartition('.')[2]}.{self.session.__name__}"


SABOTEURS: list[Saboteur] = []


def saboteur(*breaks: str) -> Callable[[type[AsyncSession]], type[AsyncSession]]:
    """Declare a session class as a saboteur that breaks just these requirements."""

    def register(session: type[AsyncSession]) -> type[AsyncSession]:
        SABOTEURS.append(Saboteur(session, frozenset(breaks)))
        return session

    return register


class Sabotaged(AsyncSession):
    """A correct session; while it is open, `patches` stand in for the library's own parts."""

    patches: ClassVar[dict[str, Any]] = {}  # dotted name -> what stands in for it

    async def open(self) -> None:
        if not hasattr(self, "_patched"):
            self._patched = ExitStack()
            for name, stand_in in self.patches.items():
                self._patched.enter_context(mock.patch(name, stand_in))
        await super().open()

    async def close(self) -> None:
        await super().close()
        if hasattr(self, "_patched"):
            self._patched.close()
            del self._patched

    async def __aenter__(self) -> Self:
        await self.open()
        return self


def discover() -> list[Saboteur]:
    """Import every module of saboteurs and return all of them."""
    for module in iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
    return SABOTEURS
