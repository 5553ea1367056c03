"""What must come of an example, in HTML."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Any

import httpx

from docs.generate.words import code, escape, python
from spec.vocabulary import raw

if TYPE_CHECKING:
    from collections.abc import Iterator

Fields = dict[str, Any]
LONGEST = 240
DELIVERED = {"bytes", "text", "lines", "events", "chunks"}
NOTHING = {"event": "message", "data": "", "id": "", "retry": None}


def outcome(fields: Fields) -> str:
    """Every part of an example's outcome, a line each."""
    return "\n".join([*_values(fields), *_errors(fields), *_requests(fields), *_others(fields)])


def _values(fields: Fields) -> Iterator[str]:
    if "bytes" in fields:
        yield _named("body", _short(raw(fields["bytes"])))
    if "text" in fields:
        yield _named("text", _short(fields["text"]))
    if "lines" in fields:
        yield _named("lines", _listed([repr(line) for line in fields["lines"]]))
    if "chunks" in fields:
        yield _named("chunks", _listed([repr(raw(chunk)) for chunk in fields["chunks"]["of"]]))
    if "events" in fields:
        yield _named("events", _listed([_event(event) for event in fields["events"]]))


def _named(name: str, value: str) -> str:
    return python(f"{name} == {value}")


def _short(value: str | bytes) -> str:
    if len(value) <= LONGEST:
        return repr(value)
    return f"{value[:LONGEST]!r}  # and so on: {len(value):,} in all"


def _listed(items: list[str]) -> str:
    if not items or (len(items) < 8 and sum(map(len, items)) < 44):
        return f"[{', '.join(items)}]"
    return "\n".join(["[", *(f"  {item}," for item in items[:12]), "]"]) + (
        f"  # and {len(items) - 12} more" if len(items) > 12 else ""
    )


def _event(event: Fields) -> str:
    given = {name: value for name, value in event.items() if value != NOTHING[name]}
    order = [name for name in ("data", "event", "id", "retry") if name in given]
    return f"ServerSentEvent({', '.join(f'{name}={given[name]!r}' for name in order)})"


def _errors(fields: Fields) -> Iterator[str]:
    if "error" in fields:
        first = "then raises" if DELIVERED & fields.keys() else "raises"
        yield f'<b class="raises">{first}</b> {_exceptions(fields["error"])}'
    if "refused" in fields:
        yield f'<b class="raises">refused with</b> {_exceptions(fields["refused"])}'
    if fields.get("message"):
        said = ", ".join(code(text) for text in fields["message"])
        yield f'<i class="head">whose message has</i> {said}'


def _exceptions(given: str | list[str]) -> str:
    names = [given] if isinstance(given, str) else given
    return " or ".join(code(_qualified(name)) for name in names)


def _qualified(name: str) -> str:
    return name if hasattr(builtins, name) or not hasattr(httpx, name) else f"httpx.{name}"


def _requests(fields: Fields) -> Iterator[str]:
    """What is to be seen of the request on the wire."""
    if "request-line" in fields:
        yield _said("sent", fields["request-line"])
    if "target" in fields:
        yield _said("requests", fields["target"])
    for name, given in fields.get("sent", {}).items():
        values = [given] if isinstance(given, str) else given
        yield from (_said("sent", f"{name}: {value}") for value in values)
        if not values:
            yield _said("not sent", name)
    yield from (_said("not sent", name) for name in fields.get("absent", ()))
    if "sent-body" in fields:
        yield _said("sent body", _short(raw(fields["sent-body"])))


def _said(what: str, text: str) -> str:
    return f'<i class="head">{what}</i> {code(text)}'


def _others(fields: Fields) -> Iterator[str]:
    if "effective" in fields:
        limit = fields["effective"]
        yield "no limit" if limit is None else f"each wait lasts {limit:g} s at most"
    if "last-id" in fields:
        header = f"Last-Event-ID: {fields['last-id']}"
        yield _said("reconnects with", header if fields["last-id"] else "no Last-Event-ID")
    if "retry" in fields:
        wait = "the client's own wait" if fields["retry"] is None else f"{fields['retry']} ms"
        yield _said("reconnects after", wait)
    if "gives" in fields:
        raised = f'<b class="raises">raises</b> {_exceptions(fields["gives"])}'
        yield "gives the whole body" if fields["gives"] == "whole" else raised
    if "note" in fields:
        yield f'<i class="head">{escape(fields["note"])}</i>'
