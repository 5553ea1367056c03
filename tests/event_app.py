"""The application of test_uvicorn: events by sse-starlette, which the `record` group installs."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from sse_starlette import EventSourceResponse
from starlette import applications, responses, routing

MOST = 7
TURN = 3


async def some(request: Any) -> Any:
    """A few numbers after the one that was seen last; when there is none left, a 204."""
    seen = int(request.headers.get("Last-Event-ID", "0"))
    if seen >= MOST:
        return responses.Response(status_code=204)
    numbers = range(seen + 1, min(seen + TURN, MOST) + 1)
    body = (await request.body()).decode()
    events = [{"id": str(n), "event": "number", "data": f"{n}{body}", "retry": 1} for n in numbers]
    return EventSourceResponse(each(events), sep=request.query_params.get("sep", "\r\n"), ping=0)


async def endless(request: Any) -> Any:
    """Numbers for as long as somebody listens."""
    return EventSourceResponse(counted(request.app.state))


async def gone(request: Any) -> Any:
    """Whether the last reader of the endless one has been found to be gone."""
    await asyncio.wait_for(request.app.state.gone.wait(), 20)
    return responses.PlainTextResponse("gone")


async def each(events: list[Any]) -> AsyncIterator[Any]:
    """The events, one by one."""
    for event in events:
        yield event


async def counted(state: Any) -> AsyncIterator[Any]:
    """Numbers, until it is cancelled."""
    state.gone, number = asyncio.Event(), 0
    try:
        while True:
            yield {"data": str(number := number + 1)}
            await asyncio.sleep(0)
    finally:
        state.gone.set()


app = applications.Starlette(
    routes=[
        routing.Route("/some", some, methods=["GET", "POST"]),
        routing.Route("/endless", endless),
        routing.Route("/gone", gone),
    ]
)
