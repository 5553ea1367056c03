"""What counts as a refusal where a rule names no exception.

Clients call theirs by many names. A rule that only says "refused" is kept by an exception that is
meant, whatever its type, after which no request is on the wire; a connection may have been made.
One that says that the client fell over, or that it has asked the network, is not meant.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import httpx

from conformance.case import show_arguments
from conformance.verdicts import Deviation
from spec.vocabulary import raw

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from conformance.case import Case
    from spec.examples import Example

ANY = "Exception"  # how an example writes it: `refused: Exception`
FELL_OVER = (ArithmeticError, AssertionError, AttributeError, LookupError, NameError, MemoryError)
ASKED = (httpx.NetworkError, httpx.TimeoutException)
MEANT = "an exception that refuses"
SETTLED = 0.5  # seconds for a connection to be closed and what it brought to be read


async def refuses(case: Case, act: Callable[[], Awaitable[object]]) -> None:
    """The act raises what is meant, and sends no request to a path that is not on the tape."""
    known, open_before = len(case.tape.unexpected), case.tape.open_connections
    try:
        got = await act()
    except (*FELL_OVER, *ASKED, RecursionError) as error:
        raise Deviation("wrong-exception", MEANT, error) from error
    except Exception:  # noqa: BLE001 - whatever it is called
        await _settled(case, open_before)
    else:
        raise Deviation("no-exception", MEANT, got)
    if sent := case.tape.unexpected[known:]:
        raise Deviation("sent-extra", [], [request.raw for request in sent], "sent, and refused")


async def _settled(case: Case, connections: int) -> None:
    """What was sent on a connection that was closed since has been read."""
    tape = case.tape
    with suppress(TimeoutError):  # one that stays open, idle, has brought nothing
        await asyncio.to_thread(
            tape.wait, lambda: tape.open_connections <= connections, lambda: "a close", SETTLED
        )


async def perform(case: Case, example: Example) -> None:
    """The example's constructor or calls refuse."""
    fields = deepcopy(example.fields)
    arguments, calls = _address(case, fields) if "url" in fields else _request(case, fields)
    for how, positional, named in calls:

        async def act(how: str = how, positional: Any = positional, named: Any = named) -> object:
            constructor = f"AsyncSession({show_arguments(**arguments)})"
            case.note(f"{constructor}.{how}({show_arguments(*positional, **named)})")
            async with case.opened(**arguments) as session:
                if how == "request":
                    return await session.request(*positional, **named)
                async with session.stream(*positional, **named) as response:
                    return await response.aread()

        await refuses(case, act)


Call = tuple[str, tuple[str, str], dict[str, Any]]


def _request(case: Case, fields: dict[str, Any]) -> tuple[dict[str, Any], Iterator[Call]]:
    """Constructor arguments, and the request through `stream()` and through `request()`."""
    named = dict(fields.get("request", {}))
    method, url = named.pop("method", "GET"), case.tape.url + named.pop("url", "/")
    if named.get("content") is not None:
        named["content"] = raw(named["content"])
    return fields.get("session", {}), ((how, (method, url), named) for how in ("stream", "request"))


def _address(case: Case, fields: dict[str, Any]) -> tuple[dict[str, Any], Iterator[Call]]:
    """A base and a url, in which `tape.test` stands for the tape."""
    base, url = (
        given and given.replace("tape.test", case.tape.url.removeprefix("http://"))
        for given in (fields["base_url"], fields["url"])
    )
    arguments = {} if base is None else {"base_url": base}
    return arguments, iter([("stream", ("GET", url), {})])
