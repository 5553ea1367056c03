"""What was recorded, asked of the servers themselves: only with `--live`.

The session sends the recorded requests, and what it reads is compared with the recording. Answers
that tell of the request itself (its headers, its User-Agent) differ by client: of those only what
cannot differ is compared. A failure here that no other trial shows means that the tape plays
something else than the server says.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from conformance import cassettes
from conformance.registry import check
from conformance.verdicts import Deviation, compare
from spec.oracles.events import events
from spec.oracles.lines import lines
from spec.oracles.text import text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from conformance.case import Case, Outcome
    from conformance.cassettes import Interaction
    from conformance.registry import Play

T = TypeVar("T")

LIMIT = 60.0
OWN = {"host", "accept-encoding", "content-length", "connection", "user-agent", "accept"}
DELIVERED = (
    "httpbin/bytes",
    "httpbin/bytes-large",
    "httpbin/drip",
    "httpbin/range",
    "httpbin/stream-bytes",
    "httpbin/status",
    "httpbin/xml",
    "sse/download",
)
WRITTEN = ("httpbin/encoding-utf8", "httpbin/html", "httpbin/json")
STREAMS = ("sse/chat", "sse/multi-line-data")
FEEDS = tuple(
    f"sse/{name}"
    for name in ("feed-lf", "feed-crlf", "feed-cr", "feed-bom", "feed-resumed", "large-event")
)
CODED = {"httpbin/gzip": "gzipped", "httpbin/deflate": "deflated"}


async def ask(case: Case, session: Any, asked: Interaction, mode: str) -> Outcome:
    """Send a recorded request to the server itself, and read its answer in a mode."""
    server = asked.name.partition("/")[0]
    request = asked.request
    headers = {name: value for name, value in request.headers if name.lower() not in OWN}
    found = await case.read(
        session,
        case.live[server] + request.target,
        mode,
        request.method,
        headers=headers,
        content=request.body or None,
    )
    if found.error is not None:
        raise Deviation("crash", None, found.error)
    compare(asked.response.status, found.response.status_code, f"the status of {asked}")
    return found


async def ask_all(
    case: Case,
    names: Iterable[str],
    mode: str,
    expected: Callable[[bytes], object],
    got: Callable[[Outcome], object],
) -> None:
    """Ask for everything in some cassettes, and compare it with what the recorded body means."""
    async with case.opened() as session:
        for name in names:
            for asked in cassettes.load(name):
                found = await ask(case, session, asked, mode)
                compare(expected(asked.response.body), got(found), str(asked))


def _in_utf8(decode: Callable[[bytes, str], T]) -> Callable[[bytes], T]:
    return lambda body: decode(body, "utf-8")


@check("bytes-whole", "live-server", limit=LIMIT, live=True)
async def live_bytes(case: Case) -> None:
    await ask_all(case, (*DELIVERED, *WRITTEN), "aiter_bytes", bytes, lambda found: found.data)


@check("body-aread", "live-server", limit=LIMIT, live=True)
async def live_aread(case: Case) -> None:
    await ask_all(case, (*DELIVERED, *STREAMS), "aread", bytes, lambda found: found.data)


@check("text-whole", "live-server", limit=LIMIT, live=True)
async def live_text(case: Case) -> None:
    await ask_all(case, WRITTEN, "aiter_text", _in_utf8(text), lambda found: found.text)


def _lines(*names: str) -> Play:
    async def ask_for_lines(case: Case) -> None:
        await ask_all(case, names, "aiter_lines", _in_utf8(lines), lambda found: found.items)

    return ask_for_lines


def _events(*names: str) -> Play:
    async def ask_for_events(case: Case) -> None:
        await ask_all(
            case,
            names,
            "aiter_events",
            lambda body: [tuple(event) for event in events(body)],
            lambda found: [(item.event, item.data, item.id, item.retry) for item in found.items],
        )

    return ask_for_events


for _requirement, _play in {
    "lines-endings": _lines(*WRITTEN, *STREAMS, "sse/download"),
    "lines-cr": _lines("sse/feed-cr"),
    "lines-length": _lines("sse/large-event"),
    "events-attributes": _events(*FEEDS),
    "events-bom": _events("sse/feed-bom"),
    "events-chunks": _events("sse/feed-lf"),
    "events-data": _events("sse/multi-line-data"),
    "events-line-ends": _events("sse/feed-crlf", "sse/feed-cr"),
    "events-text": _events("sse/chat", "sse/multi-line-data"),
}.items():
    check(_requirement, "live-server", limit=LIMIT, live=True)(_play)


@check("session-response-head", "live-server", limit=LIMIT, live=True)
async def live_head(case: Case) -> None:
    """The status is compared with every answer; here also what kind of body it is."""
    async with case.opened() as session:
        for name in (*DELIVERED, *WRITTEN, *STREAMS):
            for asked in cassettes.load(name):
                found = await ask(case, session, asked, "aread")
                sent = dict(httpx.Headers(asked.response.headers))
                got = found.response.headers.get("content-type")
                compare(sent.get("content-type"), got, f"the Content-Type of {asked}")


@check("session-response-reason", "live-server", limit=LIMIT, live=True)
async def live_reason(case: Case) -> None:
    async with case.opened() as session:
        for asked in cassettes.load("httpbin/status"):
            found = await ask(case, session, asked, "aread")
            compare(asked.response.reason, found.response.reason_phrase, f"the reason of {asked}")


@check("bytes-codings", "live-server", limit=LIMIT, live=True)
async def live_codings(case: Case) -> None:
    """These tell the request's headers as well: only the flag is everybody's."""
    async with case.opened() as session:
        for name, flag in CODED.items():
            for asked in cassettes.load(name):
                found = await ask(case, session, asked, "aread")
                compare(True, json.loads(found.data).get(flag), f"{flag!r} in {asked}")


def _redirects(*, history: bool) -> Play:
    async def follow(case: Case) -> None:
        async with case.opened(follow_redirects=True) as session:
            for name in ("httpbin/relative-redirect-3", "httpbin/absolute-redirect-3"):
                start = case.live["httpbin"] + cassettes.load(name)[0].request.target
                found = await case.read(session, start, "aread")
                if found.error is not None:
                    raise Deviation("crash", None, found.error)
                compare(200, found.response.status_code, f"the last status of {name}")
                if history:
                    compare(3, len(found.response.history), f"the redirects of {name}")

    return follow


check("session-redirects-followed", "live-server", limit=LIMIT, live=True)(
    _redirects(history=False)
)
check("session-redirects-history", "live-server", limit=LIMIT, live=True)(_redirects(history=True))
