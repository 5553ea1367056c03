"""How long a request is, and whom it is for: what a caller's own headers must not make unsure.

To refuse such headers is right, and so is to send the request with a length, or a Host, of the
client's own. Wrong is what two servers may read in two ways.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from conformance.checks.refusals import ASKED, FELL_OVER, MEANT
from conformance.checks.session import CALLS, LENGTH, call, lines_of
from conformance.delivery import Reply
from conformance.registry import check
from conformance.verdicts import Deviation

if TYPE_CHECKING:
    from conformance.case import Case
    from conformance.exchange import Exchange

CONTENT = b"hello"
UNSURE = (
    {"Content-Length": "3"},
    {"Content-Length": "9"},
    {"Content-Length": "5", "content-length": "9"},
    {"Transfer-Encoding": "chunked"},
    {"Transfer-Encoding": "chunked", "Content-Length": "5"},
)
FRAMINGS: tuple[tuple[list[str], list[str]], ...] = ((["5"], []), ([], ["chunked"]))


async def _sent(case: Case, how: str, headers: dict[str, str]) -> Exchange:
    """What comes of a call with these headers; the head is answered, and what follows it read."""
    exchange = case.play(Reply(body=b"ok"), LENGTH, read="last")
    refusal: Exception | None = None
    async with case.opened() as session:
        try:
            await call(case, session, how, "POST", exchange.url, headers=headers, content=CONTENT)
        except Exception as error:  # noqa: BLE001 - whatever it is called
            refusal = error
    if isinstance(refusal, (*FELL_OVER, *ASKED)) and not exchange.requests:
        raise Deviation("wrong-exception", MEANT, refusal, str(headers))
    return exchange


@check("session-content-framing", limit=30)
async def one_length(case: Case) -> None:
    for headers in UNSURE:
        for how in CALLS:
            exchange = await _sent(case, how, headers)
            for request in exchange.requests:
                lines = lines_of(request, "content-length"), lines_of(request, "transfer-encoding")
                if lines not in FRAMINGS:
                    note = f"Content-Length, Transfer-Encoding on the wire, for {headers}"
                    raise Deviation("sent-wrong", "one of 5, or chunked", lines, note)
                await asyncio.to_thread(exchange.wait_end)
                if request.body != CONTENT:
                    raise Deviation("sent-wrong", CONTENT, request.body, f"content, for {headers}")


@check("headers-host")
async def two_spellings(case: Case) -> None:
    """A mapping may have the header twice."""
    for how in CALLS:
        exchange = await _sent(case, how, {"Host": "one.test", "host": "two.test"})
        for request in exchange.requests:
            got = lines_of(request, "host")
            if len(got) != 1:
                raise Deviation("sent-wrong", "one Host line", got, "two spellings were given")
