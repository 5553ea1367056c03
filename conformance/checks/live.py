"""What was recorded, asked of the servers themselves: only with `--live`.

The session sends the recorded requests, and what it reads is compared with the recording. Answers
that tell of the request itself (its headers, its User-Agent) differ by client: of those only what
cannot differ is compared. A failure here that no other trial shows means that the tape plays
something else than the server says.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from conformance import cassettes
from conformance.registry import check
from conformance.verdicts import Deviation, compare
from spec.oracles.events import events
from spec.oracles.lines import lines
from spec.oracles.text import text

if TYPE_CHECKING:
    from conformance.case import Case, Outcome
    from conformance.cassettes import Interaction

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
FEEDS = ("feed-lf", "feed-crlf", "feed-cr", "feed-bom", "feed-resumed", "large-event")
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


@check("bytes-whole", "live-server", limit=LIMIT, live=True)
async def live_bytes(case: Case) -> None:
    async with case.opened() as session:
        for name in (*DELIVERED, *WRITTEN):
            for asked in cassettes.load(name):
                found = await ask(case, session, asked, "aiter_bytes")
                compare(asked.response.body, found.data, str(asked))


@check("body-aread", "live-server", limit=LIMIT, live=True)
async def live_aread(case: Case) -> None:
    async with case.opened() as session:
        for name in (*DELIVERED, *STREAMS):
            for asked in cassettes.load(name):
                found = await ask(case, session, asked, "aread")
                compare(asked.response.body, found.data, str(asked))


@check("text-whole", "live-server", limit=LIMIT, live=True)
async def live_text(case: Case) -> None:
    async with case.opened() as session:
        for name in WRITTEN:
            for asked in cassettes.load(name):
                found = await ask(case, session, asked, "aiter_text")
                compare(text(asked.response.body, "utf-8"), found.text, str(asked))


@check("lines-endings", "live-server", limit=LIMIT, live=True)
async def live_lines(case: Case) -> None:
    async with case.opened() as session:
        for name in (*WRITTEN, *STREAMS, "sse/download"):
            for asked in cassettes.load(name):
                found = await ask(case, session, asked, "aiter_lines")
                compare(lines(asked.response.body, "utf-8"), found.items, str(asked))


@check("bytes-codings", "live-server", limit=LIMIT, live=True)
async def live_codings(case: Case) -> None:
    """These tell the request's headers as well: only the flag is everybody's."""
    async with case.opened() as session:
        for name, flag in CODED.items():
            for asked in cassettes.load(name):
                found = await ask(case, session, asked, "aread")
                compare(True, json.loads(found.data).get(flag), f"{flag!r} in {asked}")


@check("session-redirects-followed", "live-server", limit=LIMIT, live=True)
async def live_redirects(case: Case) -> None:
    async with case.opened(follow_redirects=True) as session:
        for name in ("httpbin/relative-redirect-3", "httpbin/absolute-redirect-3"):
            start = case.live["httpbin"] + cassettes.load(name)[0].request.target
            found = await case.read(session, start, "aread")
            if found.error is not None:
                raise Deviation("crash", None, found.error)
            compare(200, found.response.status_code, f"the last status of {name}")
            compare(3, len(found.response.history), f"the redirects of {name}")


@check("events-attributes", "live-server", limit=LIMIT, live=True)
async def live_events(case: Case) -> None:
    async with case.opened() as session:
        for name in FEEDS:
            for asked in cassettes.load(f"sse/{name}"):
                found = await ask(case, session, asked, "aiter_events")
                got = [(item.event, item.data, item.id, item.retry) for item in found.items]
                compare([tuple(event) for event in events(asked.response.body)], got, str(asked))
