"""Sessions that give nonsense, or try to end, to change or to fool what judges them.

Each behaves where `preflight` looks: it has to come so far to do any harm.
"""

from __future__ import annotations

import asyncio
import os
import sys
import warnings
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from fasthttp import AsyncSession

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class _Later(AsyncSession):
    """Correct while it is looked at first."""

    def __init__(self, **named: Any) -> None:
        self.looked_at = "X-Preflight" in (named.get("headers") or {})
        super().__init__(**named)

    def stream(self, *positional: Any, **named: Any) -> Any:
        made = super().stream(*positional, **named)
        return made if self.looked_at else self.other(made)

    def other(self, made: Any) -> Any:
        return made


class _Nonsense(_Later):
    """Every call gives the same thing."""

    thing: Any = None

    @asynccontextmanager
    async def other(self, made: Any) -> AsyncIterator[Any]:
        async with made:
            yield self.thing

    async def request(self, *positional: Any, **named: Any) -> Any:
        return self.thing

    get = post = put = patch = delete = head = options = request


class GivesNone(_Nonsense):
    """As a verb does whose `return` was forgotten."""


class GivesText(_Nonsense):
    """The body, instead of the response."""

    thing = "body"


class GivesADict(_Nonsense):
    """JSON, instead of the response."""

    thing: Any = {"status_code": 200, "headers": {}}  # noqa: RUF012 - nobody changes it


class HasNoHeaders(_Nonsense):
    """A response of which half is missing."""

    thing = SimpleNamespace(status_code=200, content=b"", text="")


class NotACoroutine(_Nonsense):
    """Verbs that cannot be awaited."""

    thing = 3

    def request(self, *positional: Any, **named: Any) -> Any:
        return None

    get = post = put = patch = delete = head = options = request


class ConstructorRaises(AsyncSession):
    """It cannot be made again."""

    def __init__(self, **named: Any) -> None:
        if "X-Preflight" not in (named.get("headers") or {}):
            raise OSError("no more")
        super().__init__(**named)


class _Raises(_Later):
    error: Any = None

    @asynccontextmanager
    async def other(self, made: Any) -> AsyncIterator[Any]:
        async with made:
            raise self.error
            yield


def _skipped() -> BaseException:
    from _pytest.outcomes import Skipped

    return Skipped("nothing to see here")


def _exit() -> BaseException:
    from _pytest.outcomes import Exit

    return Exit("all is well", 0)


def _rejected() -> BaseException:
    from hypothesis.errors import UnsatisfiedAssumption

    return UnsatisfiedAssumption()


def _not_applicable() -> BaseException:
    from conformance.verdicts import NotApplicable

    return NotApplicable("this is not for me")


class Exits(_Raises):
    error = SystemExit(0)


class Interrupts(_Raises):
    error = KeyboardInterrupt()


class Cancels(_Raises):
    error = asyncio.CancelledError()


class Skips(_Raises):
    error = _skipped()


class EndsTheRun(_Raises):
    error = _exit()


class Rejects(_Raises):
    error = _rejected()


class SaysNotApplicable(_Raises):
    error = _not_applicable()


class ExitsOnLeaving(_Later):
    """Its block ends with the end of the program."""

    async def __aexit__(self, *error: object) -> None:
        await super().__aexit__(*error)
        if not self.looked_at:
            raise SystemExit(0)


class _Acts(_Later):
    """Does something to the process, and then what it is asked for."""

    def act(self) -> None: ...

    def other(self, made: Any) -> Any:
        self.act()
        return made


class StopsTheLoop(_Acts):
    def act(self) -> None:
        asyncio.get_running_loop().stop()


class ClosesTheLoop(_Acts):
    def act(self) -> None:
        asyncio.get_running_loop().close()


class ExitsInACallback(_Acts):
    """An exception that runs through the loop itself."""

    def act(self) -> None:
        asyncio.get_running_loop().call_soon(sys.exit, 0)


class ClosesTheOutput(_Acts):
    def act(self) -> None:
        print("printed")
        sys.stdout.close()
        sys.stderr.close()


class ReplacesTheOutput(_Acts):
    def act(self) -> None:
        sys.stdout = sys.stderr = None  # type: ignore[assignment] # what is wrong here


class MovesAway(_Acts):
    def act(self) -> None:
        os.chdir("/")


class WarnsAlways(_Acts):
    def act(self) -> None:
        warnings.warn("much", DeprecationWarning, stacklevel=2)
        warnings.warn("more", ResourceWarning, stacklevel=2)


class EndsTheProcess(_Acts):
    """The run is over, and nothing has failed."""

    def act(self) -> None:
        os._exit(0)


class _Equal:
    """Is whatever one would like it to be."""

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    def __hash__(self) -> int:
        return 0

    def __len__(self) -> int:
        return 0

    def __contains__(self, item: object) -> bool:
        return True

    def __repr__(self) -> str:
        return "'what was expected'"


class EqualText(str):
    __slots__ = ()
    __eq__ = _Equal.__eq__
    __ne__ = _Equal.__ne__
    __hash__ = str.__hash__


class EqualBytes(bytes):
    __eq__ = _Equal.__eq__
    __ne__ = _Equal.__ne__
    __hash__ = bytes.__hash__


class Unshowable:
    """It cannot be printed."""

    def __repr__(self) -> str:
        raise ZeroDivisionError("no repr")


class _Items(_Later):
    """Gives one item, whatever was sent."""

    item: Any = None

    @asynccontextmanager
    async def other(self, made: Any) -> AsyncIterator[Any]:
        async def items(*_: Any) -> AsyncIterator[Any]:
            yield self.item

        async def whole() -> Any:
            return self.item

        async with made as response:
            names = ("aiter_bytes", "aiter_text", "aiter_lines", "aiter_raw", "aiter_events")
            vars(response).update(dict.fromkeys(names, items), aread=whole)
            yield response


class GivesEqualObjects(_Items):
    item = _Equal()


class GivesEqualText(_Items):
    item = EqualText("other")


class GivesEqualBytes(_Items):
    item = EqualBytes(b"other")


class GivesTheUnshowable(_Items):
    item = Unshowable()


class EndsItsEvents(AsyncSession):
    """Connects once, whatever is asked of it."""

    def events(self, *positional: Any, **named: Any) -> Any:
        return super().events(*positional, **{**named, "reconnect": False})
