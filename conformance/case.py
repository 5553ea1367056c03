"""What a check works with: the session that is judged, the tape, and a note of what was done.

A `Case` lives for one trial, on the stage. Whatever it calls and plays it keeps, so that a failure
can show the call, the wire and the difference without the check saying a word about it.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from conformance.delivery import Delivery, Reply
from conformance.plans import planned
from conformance.verdicts import Deviation, plain

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from conformance.exchange import Exchange
    from conformance.perturb import Perturbation
    from conformance.reader import Reader
    from conformance.registry import Play
    from conformance.subject import Subject
    from conformance.tape import Tape

T = TypeVar("T")

_NUMBERS = count(1)
WHOLE_TIMEOUT = (
    5.0  # seconds: what a session is given as its timeout, unless a check says otherwise
)

# mode -> how a response is read in it
MODES: dict[str, Callable[[Any], Any]] = {
    "aiter_bytes": lambda response: response.aiter_bytes(),
    "aiter_text": lambda response: response.aiter_text(),
    "aiter_lines": lambda response: response.aiter_lines(),
    "aiter_raw": lambda response: response.aiter_raw(),
    "aiter_events": lambda response: response.aiter_events(),
}


@dataclass
class Outcome:
    """What came of reading a response: the items, and the exception that ended it, if one did."""

    items: list[Any]
    error: BaseException | None
    response: Any = None

    @property
    def data(self) -> bytes:
        """The items of a bytes mode, joined."""
        return b"".join(_all_of(bytes, self.items))

    @property
    def text(self) -> str:
        """The items of a text mode, joined."""
        return "".join(_all_of(str, self.items))


def _all_of(kind: type[T], items: list[Any]) -> list[T]:
    for item in items:
        if not isinstance(item, kind):
            raise Deviation("wrong-type", kind.__name__, item)
    return items


class Case:
    """One trial's world."""

    def __init__(
        self,
        subject: Subject,
        tape: Tape,
        plan: str | None,
        accepts: str,
        perturbation: Perturbation | None = None,
        reader: Reader | None = None,
        live: Mapping[str, str] | None = None,
    ) -> None:
        self.subject = subject
        self._reader = reader
        self.tape = tape
        self.plan = plan
        self.accepts = accepts  # the Accept-Encoding that the session sends of its own accord
        self.perturbation = perturbation
        self.did = ""
        self.played: tuple[Reply, Delivery, str] | None = None
        self.live = live or {}  # name of a server that was recorded -> where it runs
        self.replay: Play | None = None  # what is under way, if it is a part of the check
        self._exchanges: list[Exchange] = []

    def apart(self) -> Case:
        """A case for something that runs beside the others of this trial."""
        case = Case(
            self.subject,
            self.tape,
            self.plan,
            self.accepts,
            self.perturbation,
            self._reader,
            self.live,
        )
        case._exchanges = self._exchanges
        return case

    # The session

    def session(self, **arguments: Any) -> Any:
        """A new session of the class that is judged, not opened yet; loopback is let through."""
        defaults = {"security": False, "timeout": WHOLE_TIMEOUT}
        return self.subject.make(**{**defaults, **arguments})

    @asynccontextmanager
    async def opened(self, **arguments: Any) -> AsyncIterator[Any]:
        """An open session."""
        async with self.session(**arguments) as session:
            yield session

    def reading(self) -> AbstractAsyncContextManager[Any]:
        """An open session that may have read other answers before: see `conformance.reader`."""
        return self.opened() if self._reader is None else self._reader.lend()

    # The tape

    def play(self, reply: Reply, delivery: Delivery | None = None, **options: Any) -> Exchange:
        """Put an answer on the tape, cut by this trial's plan."""
        delivery = delivery or Delivery()
        if self.plan and delivery.head is not None:
            delivery = planned(self.plan, reply, delivery, wire=True)
        elif self.plan and not delivery.chunks:
            delivery = self._cut(reply, delivery)
        if self.perturbation is not None:
            reply = self.perturbation.reply(reply)
            options.setdefault("path", f"{self.perturbation.path}/{id(self):x}/{next(_NUMBERS)}")
        exchange = self.tape.play(reply, delivery, **options)
        self.played = (reply, delivery, options.get("method") or "GET")
        self._exchanges.append(exchange)
        return exchange

    def _cut(self, reply: Reply, delivery: Delivery) -> Delivery:
        cut = planned(self.plan or "whole", reply, replace(delivery, held=(), end=None))
        # Cuts beyond an early end are never sent.
        limit = delivery.end[1] if delivery.end else None
        chunks = tuple(at for at in cut.chunks if limit is None or at < limit)
        return replace(delivery, chunks=tuple(sorted({*chunks, *delivery.held})))

    def tidy(self) -> None:
        """Take this trial's answers off the tape."""
        for exchange in self._exchanges:
            exchange.release_all()
            self.tape.forget(exchange)

    # Calls

    def note(self, call: str) -> None:
        """Keep what is done, as a person would write it."""
        self.did = call

    @asynccontextmanager
    async def stream(
        self, session: Any, method: str, url: str, **arguments: Any
    ) -> AsyncIterator[Any]:
        """`session.stream(...)`, noted."""
        self.note(
            f"async with session.stream({show_arguments(method, url, **arguments)}) as resp: ..."
        )
        async with session.stream(method, url, **arguments) as response:
            yield response

    async def read(
        self,
        session: Any,
        url: str,
        mode: str,
        method: str = "GET",
        size: int | None = None,
        **arguments: Any,
    ) -> Outcome:
        """Stream a response and read it in one mode to its end, or to its exception."""
        called = show_arguments(method, url, **arguments)
        self.note(f"async with session.stream({called}) as resp: {_reading(mode, size)}")
        items: list[Any] = []
        response = None
        try:
            async with session.stream(method, url, **arguments) as response:
                if mode == "aread":
                    items.append(plain(await response.aread()))
                else:
                    iterator = response.aiter_bytes(size) if size else MODES[mode](response)
                    async for item in iterator:
                        items.append(plain(item))
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as error:
            return Outcome(items, error, response)
        return Outcome(items, None, response)


def expect_error(outcome: Outcome, names: list[str], messages: tuple[str, ...] = ()) -> None:
    """The outcome's exception is one of these of httpx's, and its message has these texts."""
    wanted = " or ".join(f"httpx.{name}" for name in names)
    if outcome.error is None:
        raise Deviation("no-exception", wanted, outcome.items)
    if not is_error(outcome.error, names):
        raise Deviation("wrong-exception", wanted, outcome.error)
    expect_message(outcome.error, messages)


def expect_message(error: BaseException, messages: tuple[str, ...]) -> None:
    """Each of these stands in the exception's message, in any case."""
    for message in messages:
        if message.lower() not in str(error).lower():
            raise Deviation("wrong-value", f"a message with {message!r}", error)


def is_error(error: BaseException, names: list[str]) -> bool:
    """Whether the exception is one of these: httpx's, or Python's own."""
    known = [getattr(httpx, name, None) or getattr(__import__("builtins"), name) for name in names]
    return isinstance(error, tuple(known))


def show_arguments(*positional: Any, **named: Any) -> str:
    """A call's arguments as source text."""
    parts = [*map(repr, positional), *(f"{name}={value!r}" for name, value in named.items())]
    return ", ".join(parts)


def _reading(mode: str, size: int | None) -> str:
    if mode == "aread":
        return "await resp.aread()"
    return f"[x async for x in resp.{mode}({size or ''})]"
