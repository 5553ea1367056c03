"""Faults in what security=True bounds and hides, and in what may end a header early."""

from __future__ import annotations

from typing import Any

import httpx

from fasthttp import Response, redirects, urls
from fasthttp.decoders import engines
from fasthttp.decoders.events import EventDecoder, ServerSentEvent
from fasthttp.decoders.lines import LineDecoder
from tests.saboteurs import Sabotaged, saboteur

LINES, EVENTS = "fasthttp.response.LineDecoder", "fasthttp.response.EventDecoder"

raises, shows, leads_to = Response.raise_for_status, urls.shown, redirects._target
library = engines._zstd


@saboteur("security-loopback")
class OpenUnlessTold(Sabotaged):
    """Is guarded where somebody asks for it."""

    def __init__(self, *, security: Any = False, **arguments: Any) -> None:
        super().__init__(security=security, **arguments)


class _NothingBefore(LineDecoder):
    def _within_limit(self, lines: list[str]) -> list[str]:
        super()._within_limit(lines)
        if self._error is not None:
            raise self._error
        return lines


@saboteur("security-pending")
class NothingBefore(Sabotaged):
    """Throws away the lines that came in one piece with one that is too long."""

    patches = {LINES: _NothingBefore}


class _NoEventBefore(EventDecoder):
    def feed(self, text: str) -> list[ServerSentEvent]:
        events = super().feed(text)
        if self._error is not None:
            raise self._error
        return events


@saboteur("security-pending")
class NoEventBefore(Sabotaged):
    """Throws away the events that came in one piece with one that is too long."""

    patches = {EVENTS: _NoEventBefore}


class _EndsQuietly(EventDecoder):
    def flush(self) -> list[ServerSentEvent]:
        return []


@saboteur("security-pending")
class EndsQuietly(Sabotaged):
    """Forgets an event that was too long if nothing comes behind it."""

    patches = {EVENTS: _EndsQuietly}


class _InSum(EventDecoder):
    def _dispatch(self, events: list[ServerSentEvent]) -> None:
        size = self._size
        super()._dispatch(events)
        self._size = size


@saboteur("security-pending")
class InSum(Sabotaged):
    """Holds all events together to the limit of one."""

    patches = {EVENTS: _InSum}


class _OneLess(LineDecoder):
    def __init__(self, limit: int | None = None) -> None:
        super().__init__(None if limit is None else limit - 1)


@saboteur("security-pending")
class OneLess(Sabotaged):
    """Refuses a line that is just as long as it may be."""

    patches = {LINES: _OneLess}


def _any_window() -> tuple[Any, dict[int, int]]:
    zstd, options = library()
    return zstd, dict.fromkeys(options, 31)


@saboteur("bytes-coding-bounded")
class AnyWindow(Sabotaged):
    """Lets a zstd frame say how much memory it takes."""

    patches = {"fasthttp.decoders.engines._zstd": _any_window}


def _unseen(files: Any) -> None:
    """Look at nothing."""


@saboteur("headers-value-refused")
class PartsUnseen(Sabotaged):
    """Checks the headers of a request, and not those of a form's parts."""

    patches = {"fasthttp.payload._check_parts": _unseen}


def _cleaned(request: httpx.Request, location: str) -> httpx.URL:
    return leads_to(request, location.replace("\\", "/"))


@saboteur("urls-characters-refused")
class CleansLocations(Sabotaged):
    """Reads a redirect as a browser would."""

    patches = {"fasthttp.redirects._target": _cleaned}


def _with_location(self: Response) -> Response:
    try:
        return raises(self)
    except httpx.HTTPStatusError as error:
        location = self.headers.get("location", "nowhere")
        text = f"{error}, which leads to {location}"
        raise httpx.HTTPStatusError(text, request=error.request, response=self) from None


@saboteur("security-secrets-errors")
class SaysWhereTo(Sabotaged):
    """Says where a redirect leads, and hides nothing of it."""

    patches = {"fasthttp.response.Response.raise_for_status": _with_location}


def _names(url: httpx.URL | str) -> str:
    place, _, query = str(url).partition("?")
    return shows(url) if "=" in query or "@" in place else f"{place}?{query}"


@saboteur("security-secrets-errors", "security-secrets-logs")
class NamesOnly(Sabotaged):
    """Takes what has no name in a query for the name of something."""

    patches = {"fasthttp.urls.shown": _names}
