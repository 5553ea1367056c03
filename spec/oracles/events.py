"""The events of an event stream (chapter events): the WHATWG algorithm on the whole body."""

import re
from typing import NamedTuple


class Event(NamedTuple):
    """One event; `id` and `retry` are the latest in force when it is dispatched."""

    event: str
    data: str
    id: str
    retry: int | None


class Stream(NamedTuple):
    """What a whole body gives: its events, and what a reconnection uses."""

    events: list[Event]
    last_id: str
    retry: int | None


def events(body: bytes) -> list[Event]:
    """What aiter_events() yields."""
    return stream(body).events


def stream(body: bytes) -> Stream:
    """The events, the last event id at the last blank line, and the last valid retry."""
    text = body.decode("utf-8", "replace").removeprefix("\ufeff")
    *complete, _ = re.split("\r\n|\n|\r", text)
    found: list[Event] = []
    data: list[str] = []
    kind = identity = last_id = ""
    retry = None
    for line in complete:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            last_id = identity
            if data:
                found.append(Event(kind or "message", "\n".join(data), last_id, retry))
            data, kind = [], ""
        elif name == "data":
            data.append(value)
        elif name == "event":
            kind = value
        elif name == "id" and "\0" not in value:
            identity = value
        elif name == "retry" and re.fullmatch("[0-9]+", value):
            retry = int(value)
    return Stream(found, last_id, retry)
