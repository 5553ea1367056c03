"""The application that is recorded as `sse.test`: Starlette, with sse-starlette for the events."""

import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

from sse_starlette import EventSourceResponse  # type: ignore[import-not-found]  # group record only
from starlette import (  # type: ignore[import-not-found]  # in the group record only
    applications,
    responses,
    routing,
)

from conformance.record import content

ENDS = {"cr": "\r", "crlf": "\r\n", "lf": "\n"}


async def chat(request: Any) -> Any:
    """A chat completion, or the error that a wrong model gives."""
    model = (await request.json())["model"]
    if model != "story-1":
        error = {"message": f"The model '{model}' does not exist", "type": "invalid_request_error"}
        return responses.JSONResponse({"error": error}, status_code=404)
    return stream(said(), "lf")


async def feed(request: Any) -> Any:
    """The feed, from after the event that the client saw last; `?bom=1` begins with U+FEFF."""
    seen = request.headers.get("Last-Event-ID")
    ids = [event.get("id") for event in content.FEED]
    start = ids.index(seen) + 1 if seen and seen in ids else 0
    mark = [b"\xef\xbb\xbf"] if "bom" in request.query_params else []
    return stream([*mark, *content.FEED[start:]], request.query_params.get("end", "lf"))


async def multi_line_data(request: Any) -> Any:
    """Events whose data has several lines."""
    return stream(content.MULTI_LINE_DATA, "lf")


async def large_event(request: Any) -> Any:
    """An event of 1 MiB."""
    return stream(content.large_event(), "lf")


async def download(request: Any) -> Any:
    """A large text file."""
    named = {"Content-Disposition": 'attachment; filename="service.log"'}
    return responses.PlainTextResponse(content.log(), headers=named)


def said() -> Iterable[Any]:
    """The completion as events, without escapes for what is not ASCII."""
    for chunk in content.completion():
        yield {"data": json.dumps(chunk, ensure_ascii=False, separators=(",", ":"))}
    yield {"data": "[DONE]"}


def stream(events: Iterable[Any], end: str) -> Any:
    """Send the events. No ping of the library's own, which would carry the time of day."""
    return EventSourceResponse(each(events), sep=ENDS[end], ping=0)


async def each(events: Iterable[Any]) -> AsyncIterator[Any]:
    """The events, one by one."""
    for event in events:
        yield event


app = applications.Starlette(
    routes=[
        routing.Route("/v1/chat/completions", chat, methods=["POST"]),
        routing.Route("/feed", feed),
        routing.Route("/multi-line-data", multi_line_data),
        routing.Route("/large-event", large_event),
        routing.Route("/download/service.log", download),
    ]
)
