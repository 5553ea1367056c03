"""Saboteurs that only compute, asked what they would have computed.

Some of what saboteurs override does nothing but compute: a request out of a call's arguments, say.
`Asking` is the correct session; while a trial is played with it, every saboteur that overrides
nothing else is asked for its answer to the same question, on a copy of the session. Those that
give another answer are kept by name. A trial in which a saboteur gives none but the right answers
is played alike with it and with the correct session.
"""

from __future__ import annotations

import inspect
from contextlib import contextmanager
from functools import cache, partial
from typing import TYPE_CHECKING, Any
from unittest import mock

import httpx

from fasthttp import AsyncSession
from tests.saboteurs import Sabotaged, discover
from tests.saboteurs.errors import Failing
from tests.saboteurs.security import Slipping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COMPUTING = frozenset({"__init__", "_build", "_following", "_resolve"})
_INIT = AsyncSession.__init__
_TAKES = inspect.signature(AsyncSession)

Answer = tuple[object, ...]


class Healthy(Slipping, Failing):
    """The correct session, with the harmless parts that saboteurs have in common."""

    def failed(self, error: httpx.RequestError, request: httpx.Request) -> Any:
        raise error


class _Bare(Sabotaged):
    """Has what every class has."""


_ORDINARY = vars(_Bare).keys() | {"patches"}


def overridden(session: type) -> set[str]:
    """The attributes that a session has in place of the correct session's, or besides them."""
    kinds = set(session.__mro__) - set(Healthy.__mro__)
    return {name for kind in kinds for name in vars(kind).keys() - _ORDINARY}


def replacing(session: type) -> set[str]:
    """Of these, those that stand in for something: the rest is the saboteur's own."""
    names = overridden(session)
    return {name for name in names if hasattr(Healthy, name) or name.startswith("__")}


@cache
def rivals() -> dict[str, type[AsyncSession]]:
    """By name, the saboteurs that only compute."""
    return {
        str(known): known.session
        for known in discover()
        if not getattr(known.session, "patches", {})
        if replacing(known.session) <= COMPUTING
    }


@cache
def _overriding(name: str) -> tuple[str, ...]:
    return tuple(rival for rival, kind in rivals().items() if name in replacing(kind))


class Asking(Healthy):
    """The correct session, whose answers are compared with those of its rivals."""

    apart: set[str]  # the names of those that have given another; None has begun

    def __init__(self, **arguments: Any) -> None:
        right = _made(_Bare, arguments)
        for rival in self._undecided("__init__"):
            if _made(rivals()[rival], arguments) != right:
                self.apart.add(rival)
        super().__init__(**arguments)

    def _resolve(self, url: Any) -> httpx.URL:
        return self._compared("_resolve", super()._resolve, url)

    def _build(self, *arguments: Any) -> httpx.Request:
        return self._compared("_build", super()._build, *arguments)

    async def _following(self, response: Any) -> httpx.Request | None:
        if response.has_redirect_location:  # what rivals do to a redirect cannot be undone
            self.apart.update(self._undecided("_following"))
        for rival in self._undecided("_following"):
            if await _copy(self, rivals()[rival])._following(response) is not None:
                self.apart.add(rival)
        return await super()._following(response)

    def _compared(self, name: str, right: Callable[..., Any], *arguments: Any) -> Any:
        def ask(rival: str) -> Answer:
            copy = _copy(self, rivals()[rival])
            before = dict(vars(copy))
            return *_answer(getattr(copy, name), *arguments), _same(before, vars(copy))

        expected = *_answer(right, *arguments), True
        self.apart.update(rival for rival in self._undecided(name) if ask(rival) != expected)
        return right(*arguments)

    def _undecided(self, name: str) -> list[str]:
        return [rival for rival in _overriding(name) if rival not in self.apart]


@contextmanager
def asking() -> Iterator[Callable[[], frozenset[str]]]:
    """Compare; give the names of those that were found to be apart since last asked."""
    Asking.apart = set()

    def taken() -> frozenset[str]:
        found, Asking.apart = frozenset(Asking.apart), set()
        return found

    yield taken


def _copy(session: AsyncSession, kind: type[AsyncSession]) -> Any:
    copy = object.__new__(kind)
    vars(copy).update(vars(session))
    return copy


def _same(before: dict[str, object], after: dict[str, object]) -> bool:
    return before.keys() == after.keys() and all(before[name] is after[name] for name in before)


def _answer(function: Callable[..., Any], *arguments: Any) -> Answer:
    try:
        given = function(*arguments)
    except Exception as error:  # noqa: BLE001 - to refuse is an answer
        return type(error), str(error)
    if isinstance(given, httpx.Request):
        parts = (given.method, given.headers.raw, given.content, given.extensions)
        return *parts, str(given.url), given.url.userinfo
    return (str(given), given.userinfo) if isinstance(given, httpx.URL) else (given,)


def _made(kind: type[AsyncSession], arguments: dict[str, Any]) -> Answer:
    """What a constructor asks of the library's, how it ends, and which attributes it sets."""
    asked: list[object] = []

    def init(session: AsyncSession, **given: Any) -> None:
        asked.append(_bound(given))
        _INIT(session, **given)

    made = object.__new__(kind)
    with mock.patch.object(AsyncSession, "__init__", init):
        answer = _answer(partial(kind.__init__, made, **arguments))
    return asked, answer, vars(made).keys()


def _bound(arguments: dict[str, Any]) -> object:
    bound = _TAKES.bind_partial(**arguments)
    bound.apply_defaults()
    return bound.arguments
